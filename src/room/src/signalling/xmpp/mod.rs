//! XMPP over WebSocket (RFC 6120, RFC 7395), as an anonymous guest: what a meeting that is signalled by XMPP stands on.
//!
//! [`Session`] is the pure machine; it knows frames and time, no sockets. [`frame`] is the border where text of the
//! network becomes elements.

pub mod asked;
pub mod caps;
pub mod element;
pub mod frame;
pub mod jid;
pub mod namespace;
pub mod pace;
pub mod server;
mod session;
pub mod stream_management;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod table;

pub use element::{Build, Stanza};
pub use jid::Jid;
pub use session::{Action, Event, Fault, Session, Settings, Told};
