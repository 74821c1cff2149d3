//! WebSockets to the server of a meeting, by number: which of them a word is for, and which one said it.

use subrosa_messages::Pii;
use url::Url;

use crate::outbound::OutboundError;

/// What goes over a WebSocket (RFC 6455, section 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Text.
    Text(Pii<String>),
    /// Bytes.
    Binary(Pii<Vec<u8>>),
}

/// What a WebSocket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSocket {
    /// It is open.
    Opened,
    /// A message came.
    Frame(Frame),
    /// It is closed, or could not be opened, with what was wrong if anything was. Nothing follows.
    Closed(Option<OutboundError>),
}

/// What a WebSocket is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToSocket {
    /// Open to this address, which may hold a secret.
    Connect {
        /// `wss`.
        url: Pii<Url>,
        /// For the header `Authorization: Bearer` (RFC 6750, section 2.1).
        bearer: Option<Pii<String>>,
        /// It speaks in bytes, not in text.
        binary: bool,
    },
    /// Send this.
    Send(Frame),
    /// Close.
    Close,
}
