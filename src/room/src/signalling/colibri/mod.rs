//! The channel to Jitsi's bridge (Colibri): JSON messages, over a data channel or a WebSocket.
//!
//! Over it the room says which pictures its screen shows and how large ([`ToBridge::ReceiverConstraints`]): the bridge
//! sends no picture before, and none that is not asked for. The bridge says who speaks, what it forwards, and whether
//! anybody watches the room's own picture.
//!
//! The messages have no specification. What is here was seen in recordings of a real bridge (`tests/recordings/jitsi`).

mod channel;
mod message;
mod shown;

#[cfg(test)]
mod tests;

pub use channel::{Action, Channel, Event, Wish};
pub use message::{ColibriError, FromBridge, Mapped, ToBridge};
pub use shown::{Shown, height};
