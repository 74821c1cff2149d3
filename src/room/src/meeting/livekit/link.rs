//! The link of a room on a LiveKit server: `livekit+wss://host[:port]/[prefix]?token=…`, or `…?room=…` where the operator of this room has
//! named an endpoint that gives it tokens. There is no other form that all servers have: what lets in is the token, which whoever runs
//! the server has made for this room.

use subrosa_messages::Pii;
use url::Url;

use super::token;
use crate::meeting::elsewhere::link_error::LinkError;
use crate::meeting::elsewhere::server_address::ServerAddress;

/// In front of the address.
const SCHEME: &str = "livekit+";
/// The longest name of a room, in characters.
const LONGEST_ROOM: usize = 256;

/// A link with a token, or with the name of a room. Room and token are withheld from logs (P9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    address: ServerAddress,
    /// `wss://host[:port]/prefix/`, without a query.
    server: Pii<Url>,
    room: Pii<String>,
    token: Option<Pii<String>>,
}

impl Link {
    /// Reads one. `None`: it has not the form of such a link, and is perhaps one of another kind.
    ///
    /// # Errors
    /// When it is one and lets nobody in.
    pub fn read(text: &str) -> Result<Option<Self>, LinkError> {
        let Some(rest) = text
            .get(SCHEME.len()..)
            .filter(|_| text.get(..SCHEME.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)))
        else {
            return Ok(None);
        };
        let url = Url::parse(rest).map_err(|_| LinkError::NotALink)?;
        match url.scheme() {
            "wss" | "https" => {}
            "ws" | "http" => return Err(LinkError::Unencrypted),
            _ => return Err(LinkError::NotALink),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkError::User);
        }
        let address = ServerAddress::of(&url).ok_or(LinkError::NotALink)?;
        let given = |key: &str| {
            let value = url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
            value.filter(|value| !value.is_empty())
        };
        // A token says itself what it is for.
        let (room, token) = match given("token").or_else(|| given("access_token")) {
            Some(token) => (token::room(&token).ok_or(LinkError::NoToken)?, Some(token)),
            None => (given("room").ok_or(LinkError::NoToken)?, None),
        };
        let is_a_name = |room: &str| !room.contains(char::is_control) && room.chars().count() <= LONGEST_ROOM;
        if token.is_none() && (room.trim().is_empty() || !is_a_name(&room)) {
            return Err(LinkError::NotALink);
        }
        let server =
            Url::parse(&format!("wss://{}{}/", address.authority().reveal(), url.path().trim_end_matches('/')));
        let server = server.map_err(|_| LinkError::NotALink)?;
        Ok(Some(Link { address, server: Pii::new(server), room: Pii::new(room), token: token.map(Pii::new) }))
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

    /// Where the server is: `wss`, up to what is asked of it, with a slash at the end.
    #[must_use]
    pub fn server(&self) -> &Pii<Url> {
        &self.server
    }

    /// The room, as the token says, or the link where there is none; empty: the token does not say.
    #[must_use]
    pub fn room(&self) -> &Pii<String> {
        &self.room
    }

    /// What lets in. `None`: this room has to ask for one ([`super::errand`]).
    #[must_use]
    pub fn token(&self) -> Option<&Pii<String>> {
        self.token.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // {"video":{"room":"Rose","roomJoin":true}}
    const TOKEN: &str = "e30.eyJ2aWRlbyI6eyJyb29tIjoiUm9zZSIsInJvb21Kb2luIjp0cnVlfX0.c2ln";

    fn read(text: &str) -> Link {
        Link::read(text).unwrap().unwrap()
    }

    #[test]
    fn server_room_and_token_are_in_the_link() {
        for (text, host, authority, server) in [
            (
                "livekit+wss://live.example.org/?token=",
                "live.example.org",
                "live.example.org",
                "wss://live.example.org/",
            ),
            (
                "LiveKit+WSS://Live.Example.org?token=",
                "live.example.org",
                "live.example.org",
                "wss://live.example.org/",
            ),
            (
                "livekit+https://live.example.org.:7880/media/?a=b&access_token=",
                "live.example.org",
                "live.example.org:7880",
                "wss://live.example.org:7880/media/",
            ),
            ("livekit+wss://[2001:db8::7]/a/b?token=", "[2001:db8::7]", "[2001:db8::7]", "wss://[2001:db8::7]/a/b/"),
        ] {
            let link = read(&format!("{text}{TOKEN}"));
            assert_eq!(
                (link.host().reveal().as_str(), link.address().authority().reveal().as_str()),
                (host, authority)
            );
            assert_eq!(link.server().reveal().as_str(), server);
            let token = link.token().map(|token| token.reveal().as_str());
            assert_eq!((link.room().reveal().as_str(), token), ("Rose", Some(TOKEN)));
        }
    }

    #[test]
    fn a_room_is_named_where_there_is_no_token() {
        for (text, server, room) in [
            ("livekit+wss://live.example.org/?room=Rose", "wss://live.example.org/", "Rose"),
            (
                "livekit+https://live.example.org:7880/media?a=b&room=Blue%20Room",
                "wss://live.example.org:7880/media/",
                "Blue Room",
            ),
            ("livekit+wss://live.example.org?token=&room=B%C3%BCro", "wss://live.example.org/", "Büro"),
        ] {
            let link = read(text);
            assert_eq!((link.server().reveal().as_str(), link.room().reveal().as_str()), (server, room));
            assert!(link.token().is_none());
        }
        // The token wins.
        let both = read(&format!("livekit+wss://live.example.org/?room=Other&token={TOKEN}"));
        assert!(both.token().is_some() && both.room().reveal() == "Rose");
        assert_eq!(Link::read("livekit+wss://live.example.org/?room=Rose&token=x"), Err(LinkError::NoToken));
    }

    #[test]
    fn what_lets_nobody_in_is_refused_with_its_reason() {
        for (text, error) in [
            ("livekit+wss://a.example/", LinkError::NoToken),
            ("livekit+wss://a.example/?token=", LinkError::NoToken),
            ("livekit+wss://a.example/?token=a.b.c", LinkError::NoToken),
            ("livekit+wss://a.example/?room=", LinkError::NoToken),
            ("livekit+wss://a.example/?room=%20", LinkError::NotALink),
            ("livekit+wss://a.example/?room=a%00b", LinkError::NotALink),
            (&*format!("livekit+wss://a.example/?room={}", "a".repeat(LONGEST_ROOM + 1)), LinkError::NotALink),
            ("livekit+http://a.example/?room=x", LinkError::Unencrypted),
            ("livekit+wss://", LinkError::NotALink),
            ("livekit+ftp://a.example/?token=x", LinkError::NotALink),
            ("livekit+ws://a.example/?token=x", LinkError::Unencrypted),
            ("livekit+http://a.example/?token=x", LinkError::Unencrypted),
            ("livekit+wss://b:c@a.example/?token=x", LinkError::User),
        ] {
            assert_eq!(Link::read(text), Err(error), "{text}");
        }
        for other in ["", "livekit", "https://meet.example.org/Rose", "wss://a.example/?token=x"] {
            assert_eq!(Link::read(other), Ok(None), "{other}");
        }
    }

    #[test]
    fn p9_a_link_prints_nothing_of_itself() {
        let shown = format!("{:?}", read(&format!("livekit+wss://live.example.org/?token={TOKEN}")));
        for secret in ["live.example", "Rose", "c2ln"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_pasted_is_read_or_refused_and_never_without_tls(text in "\\PC{0,60}") {
            if let Ok(Some(link)) = Link::read(&format!("livekit+{text}")) {
                prop_assert_eq!(link.server().reveal().scheme(), "wss");
            }
        }
    }
}
