//! Connections outward: the only place from which the room opens one (promise P5), and never without TLS (P8).
//!
//! Whoever connects needs an [`Address`], which is made from the proof that its host was declared for this meeting
//! ([`crate::meeting::hosts::Contact`]). Nothing here knows what is said over a connection.

mod address;
mod connect;
mod error;
pub mod fetch;
mod trust;
pub mod websocket;
pub mod xmpp;

pub use address::Address;
pub use connect::{LONGEST, Stream, connect};
pub use error::OutboundError;
pub use trust::{Trust, TrustError};

#[cfg(test)]
mod tests;
