//! Jingle (XEP-0166) as jicofo, the focus of Jitsi Meet, speaks it: the focus offers one session per participant and
//! bridge, with `audio`, `video` and perhaps `data`, all bundled; later it tells which sources come and go.
//!
//! Everything here comes from a server that this room does not know. A message is read as a whole or refused as a
//! whole ([`JingleError`]), with bounds for every list and without a control character in any text, since what is read
//! is written into session descriptions later.

mod compact;
pub mod content;
pub mod description;
mod error;
mod limits;
pub mod namespace;
pub mod session;
pub mod source;
mod stanza;
mod tag;
mod text;
pub mod transport;

#[cfg(test)]
mod recordings;

pub use error::JingleError;
pub use stanza::{Action, BridgeSession, Condition, Jingle, Reason, SessionId, StartMuted};
