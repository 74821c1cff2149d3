//! The link of an OpenTalk meeting: which server, which meeting, and the code that lets a guest in.
//!
//! What people are sent is `https://host/room/<room>?invite=<code>`; older invitations have `https://host/invite/<code>`. From the address
//! bar of somebody who is on their way in comes `/lobby/…` or `/waiting/…`. A password is in none of them. Codes are UUIDs; a
//! room is a UUID or an alias. All of it is withheld from logs (P9).

use subrosa_messages::Pii;
use url::Url;

use crate::meeting::elsewhere::server_address::ServerAddress;

/// The longest link that is read, in bytes.
pub const LONGEST: usize = 2048;
/// The longest alias of a room: a name of 40 characters, and a suffix.
const LONGEST_ALIAS: usize = 80;

/// What the link names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A room, perhaps with the code of an invitation to it.
    Room {
        /// Its UUID or alias.
        room: Pii<String>,
        /// The code. Without one only people with an account get in.
        invite: Option<Pii<String>>,
    },
    /// An invitation: the server says to which room.
    Invite(Pii<String>),
}

/// A link that looks like one of OpenTalk's. That its server is one is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    address: ServerAddress,
    place: Place,
}

impl Link {
    /// Reads a link as a person pastes it or a camera scans it. `None`: it is another kind of link, or none.
    ///
    /// A path of two parts is also a room of Jitsi Meet with a tenant, so nothing is taken here that has no UUID in it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let url = Url::parse(&secure(text)?).ok()?;
        let address = ServerAddress::of(&url)?;
        let mut parts = url.path_segments()?.filter(|part| !part.is_empty());
        let (kind, id) = (parts.next()?, parts.next()?);
        let invite = url.query_pairs().find(|(key, _)| key == "invite").and_then(|(_, code)| uuid(&code));
        let place = match kind {
            "invite" if parts.next().is_none() => Place::Invite(uuid(id)?),
            // What may follow is a breakout room.
            "room" | "lobby" | "waiting" => {
                let room = uuid(id).or_else(|| alias(id).filter(|_| invite.is_some()))?;
                Place::Room { room, invite }
            }
            _ => return None,
        };
        Some(Link { address, place })
    }

    /// The server.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// The server's host: a name in its ASCII form (IDNA), or an address; without a port.
    #[must_use]
    pub fn host(&self) -> &Pii<String> {
        self.address.host()
    }

    /// The room, or the invitation where the link does not name it.
    #[must_use]
    pub fn named(&self) -> &Pii<String> {
        match &self.place {
            Place::Room { room, .. } => room,
            Place::Invite(invite) => invite,
        }
    }

    /// What it names.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The code of the invitation, if it has one.
    #[must_use]
    pub fn invite(&self) -> Option<&Pii<String>> {
        match &self.place {
            Place::Room { invite, .. } => invite.as_ref(),
            Place::Invite(invite) => Some(invite),
        }
    }

    /// The server's front door, with a slash at its end.
    pub(super) fn root(&self) -> Option<Url> {
        Url::parse(&format!("https://{}/", self.address.authority().reveal())).ok()
    }
}

/// The link with `https`, whatever it had.
fn secure(text: &str) -> Option<String> {
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") => rest,
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => return None,
        Some(_) | None => text,
    };
    (!rest.is_empty()).then(|| format!("https://{rest}"))
}

/// A UUID in its usual form (RFC 9562, section 4), in lower case.
pub(super) fn uuid(text: &str) -> Option<Pii<String>> {
    let groups = text.split('-').map(str::len);
    let right = groups.eq([8, 4, 4, 4, 12]) && text.chars().all(|letter| letter == '-' || letter.is_ascii_hexdigit());
    right.then(|| Pii::new(text.to_ascii_lowercase()))
}

/// What can be an alias and needs no quoting in a path.
pub(super) fn alias(text: &str) -> Option<Pii<String>> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.~".contains(letter);
    let right = (3..=LONGEST_ALIAS).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('.');
    right.then(|| Pii::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROOM: &str = "11111111-2222-3333-4444-555555555555";
    const CODE: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

    /// Host, port, room and code.
    type Read = (String, Option<u16>, Option<String>, Option<String>);

    fn read(text: &str) -> Option<Read> {
        let link = Link::read(text)?;
        let room = match link.place() {
            Place::Room { room, .. } => Some(room.reveal().clone()),
            Place::Invite(_) => None,
        };
        Some((
            link.host().reveal().clone(),
            link.address().port(),
            room,
            link.invite().map(|code| code.reveal().clone()),
        ))
    }

    #[test]
    fn every_form_is_read() {
        let (host, room, code) = (|| "meet.example.org".to_owned(), || Some(ROOM.to_owned()), || Some(CODE.to_owned()));
        for (text, meant) in [
            (format!("https://meet.example.org/room/{ROOM}?invite={CODE}"), (host(), None, room(), code())),
            (
                format!(" http://Meet.Example.org/room/{ROOM}/?x=1&invite={}\n", CODE.to_uppercase()),
                (host(), None, room(), code()),
            ),
            (format!("meet.example.org:8443/room/{ROOM}?invite={CODE}#x"), (host(), Some(8443), room(), code())),
            (format!("https://meet.example.org/lobby/{ROOM}?invite={CODE}"), (host(), None, room(), code())),
            (format!("https://meet.example.org/room/{ROOM}/{CODE}?invite={CODE}"), (host(), None, room(), code())),
            (format!("https://meet.example.org/room/{ROOM}"), (host(), None, room(), None)),
            (format!("https://meet.example.org/room/{ROOM}?invite=rosa"), (host(), None, room(), None)),
            (format!("https://meet.example.org/invite/{CODE}"), (host(), None, None, code())),
            (format!("HTTPS://meet.example.org/invite/{CODE}/"), (host(), None, None, code())),
            (
                format!("https://meet.example.org/room/jour-fixe_x1?invite={CODE}"),
                (host(), None, Some("jour-fixe_x1".to_owned()), code()),
            ),
            (format!("https://[2001:db8::1]/invite/{CODE}"), ("[2001:db8::1]".to_owned(), None, None, code())),
        ] {
            assert_eq!(read(&text), Some(meant), "{text}");
        }
    }

    #[test]
    fn what_may_be_another_kind_of_link_is_not_taken() {
        for text in [
            "",
            "https://meet.example.org/",
            "https://meet.example.org/invite",
            "https://meet.example.org/invite/rosa",
            "https://meet.example.org/room/rosa",
            "https://meet.example.org/room",
            "https://meet.example.org/Rosa",
            &format!("https://meet.example.org/{ROOM}"),
            &format!("https://meet.example.org/team/{ROOM}?invite={CODE}"),
            &format!("https://meet.example.org/invite/{CODE}/x"),
            &format!("https://meet.example.org/room/ro%20sa?invite={CODE}"),
            &format!("https://meet.example.org/room/%2e%2e?invite={CODE}"),
            &format!("https://rosa@meet.example.org/room/{ROOM}"),
            &format!("jitsi-meet://meet.example.org/room/{ROOM}"),
            &format!("file:///room/{ROOM}"),
            &format!("https:///room/{ROOM}?{}", "x".repeat(LONGEST)),
        ] {
            assert_eq!(Link::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_pasted_is_read_or_not(text in "\\PC{0,80}", tail in "[a-z/?=&:@\\[\\]-]{0,30}") {
            let _either = Link::read(&text);
            if let Some(link) = Link::read(&format!("{tail}/room/{ROOM}{tail}")) {
                prop_assert_eq!(link.root().map(|url| url.scheme().to_owned()), Some("https".to_owned()));
            }
        }
    }
}
