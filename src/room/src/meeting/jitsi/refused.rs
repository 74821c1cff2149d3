//! Why a room does not let us in (XEP-0045, section 7.2, and what Jitsi's plug-ins add).

use minidom::Element;

use super::roster::JITSI;
use crate::signalling::xmpp::{Jid, element};

/// Why a presence came back as an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is a password: none was given, or a wrong one.
    Password,
    /// For members only; the lobby, if there is one, and whether the host is missing.
    Lobby {
        /// The lobby's address.
        lobby: Option<Jid>,
        /// It waits for the host, not for somebody who admits.
        host: bool,
    },
    /// The focus has left the room meanwhile: ask for the conference again.
    NoRoom,
    /// Guests need an account here.
    Account,
    /// The room wants a name.
    Name,
    /// Too many are in.
    Full,
    /// The nick is taken, or not allowed.
    Nick,
    /// Visitors only, or not at all.
    Forbidden,
}

/// What an error presence says.
#[must_use]
pub fn read(presence: &Element) -> Refused {
    let error = presence.children().find(|child| child.name() == "error");
    let in_error = |name: &str| error.and_then(|error| error.children().find(|child| child.name() == name));
    // The lobby's address stands in the error, with a namespace, and (older plug-ins: only) beside it, without one.
    let anywhere = |name: &str| in_error(name).or_else(|| presence.children().find(|child| child.name() == name));
    match element::condition(presence) {
        "not-authorized" => Refused::Password,
        "registration-required" => Refused::Lobby {
            lobby: anywhere("lobbyroom").and_then(|lobby| Jid::new(lobby.text().trim())),
            host: anywhere("waiting-for-host").is_some(),
        },
        "service-unavailable" | "resource-constraint" => Refused::Full,
        "conflict" | "jid-malformed" | "bad-request" => Refused::Nick,
        _ if anywhere("displayname-required").is_some() => Refused::Name,
        "not-allowed" => {
            let missing = error.is_some_and(|error| error.has_child("room-does-not-exist", JITSI));
            let account = error.is_some_and(|error| error.has_child("authentication-required", JITSI));
            let text = in_error("text").map(Element::text).unwrap_or_default();
            if missing || text.trim() == "Room creation is restricted" {
                Refused::NoRoom
            } else if account {
                Refused::Account
            } else {
                Refused::Forbidden
            }
        }
        _ => Refused::Forbidden,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::recording;
    use crate::signalling::xmpp::frame;

    #[test]
    fn every_recorded_refusal_is_understood() {
        let expected = [
            ("03-password/B", vec![Refused::Password, Refused::Password]),
            ("04-lobby/C", vec![Refused::Lobby { lobby: Jid::new("room04@lobby.meet.test"), host: false }]),
            ("08b-room-full/C", vec![Refused::Full]),
            ("16-raw-client/N", vec![Refused::NoRoom]),
        ];
        for (name, expected) in expected {
            let recording = recording::read(name);
            let frames = recording.of("xmpp", recording::Direction::In);
            let stanzas = frames.filter_map(|line| frame::read(&line.data).ok());
            let errors = stanzas.filter(|stanza| stanza.name() == "presence" && stanza.attr("type") == Some("error"));
            assert_eq!(errors.map(|error| read(&error)).collect::<Vec<_>>(), expected, "{name}");
        }
    }

    #[test]
    fn refusals_that_were_not_recorded_are_those_of_the_plug_ins() {
        let of = |inside: &str| {
            let presence = format!("<presence xmlns='jabber:client' type='error'>{inside}</presence>");
            read(&frame::read(&presence).expect("a presence"))
        };
        let stanzas = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
        let error = |inside: &str| of(&format!("<error type='cancel'>{inside}</error>"));
        let lobby = Jid::new("r@lobby.meet.test");
        assert_eq!(
            of(&format!("<error><registration-required {stanzas}/></error><lobbyroom>r@lobby.meet.test</lobbyroom>")),
            Refused::Lobby { lobby: lobby.clone(), host: false }
        );
        assert_eq!(
            error(&format!(
                "<registration-required {stanzas}/><lobbyroom xmlns='{JITSI}'>r@lobby.meet.test</lobbyroom><waiting-for-host xmlns='{JITSI}'/>"
            )),
            Refused::Lobby { lobby, host: true }
        );
        assert_eq!(error(&format!("<not-allowed {stanzas}/><room-does-not-exist xmlns='{JITSI}'/>")), Refused::NoRoom);
        assert_eq!(
            error(&format!("<not-allowed {stanzas}/><authentication-required xmlns='{JITSI}'/>")),
            Refused::Account
        );
        assert_eq!(error(&format!("<not-allowed {stanzas}/>")), Refused::Forbidden);
        assert_eq!(
            error(&format!("<not-acceptable {stanzas}/><displayname-required xmlns='{JITSI}'/>")),
            Refused::Name
        );
        assert_eq!(error(&format!("<conflict {stanzas}/>")), Refused::Nick);
        assert_eq!(of(""), Refused::Forbidden);
    }
}
