//! A link to a meeting on somebody else's server, of whatever kind.

use subrosa_messages::Pii;

use super::link_error::{LONGEST, LinkError};
use super::server_address::ServerAddress;
use crate::meeting::{jitsi, livekit, opentalk};

/// A link, by the program that it leads to as far as the link tells. That it runs there is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A room of Jitsi Meet: every link that nothing else claims.
    Jitsi(jitsi::link::Link),
    /// A room on a LiveKit server.
    LiveKit(livekit::link::Link),
    /// A meeting of OpenTalk.
    OpenTalk(opentalk::link::Link),
}

impl Link {
    /// Reads a link as a person pastes it or a camera scans it.
    ///
    /// # Errors
    /// When it names no room on a server.
    pub fn read(text: &str) -> Result<Self, LinkError> {
        if text.len() > LONGEST {
            return Err(LinkError::TooLong);
        }
        if let Some(link) = livekit::link::Link::read(text.trim())? {
            return Ok(Link::LiveKit(link));
        }
        match opentalk::link::Link::read(text) {
            Some(link) => Ok(Link::OpenTalk(link)),
            None => jitsi::link::Link::read(text).map(Link::Jitsi),
        }
    }

    /// The server.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        match self {
            Link::Jitsi(link) => link.address(),
            Link::LiveKit(link) => link.address(),
            Link::OpenTalk(link) => link.address(),
        }
    }

    /// The server's host: a name in its ASCII form (IDNA), or an address; without a port.
    #[must_use]
    pub fn host(&self) -> &Pii<String> {
        self.address().host()
    }

    /// Server and port as a URL has them.
    #[must_use]
    pub fn authority(&self) -> Pii<String> {
        self.address().authority()
    }

    /// The room as the link names it.
    #[must_use]
    pub fn room(&self) -> &Pii<String> {
        match self {
            Link::Jitsi(link) => link.room(),
            Link::LiveKit(link) => link.room(),
            Link::OpenTalk(link) => link.named(),
        }
    }
}
