//! The signalling of OpenTalk's room server, as a guest: JSON in text frames over one WebSocket. Picture and sound go through a
//! LiveKit, for which it hands out a token (`crate::signalling::livekit`).
//!
//! Two generations are spoken, and a session notices by itself which one it talks to:
//!
//! ```text
//!   0.1    (named by the token)                    ──► join_success
//!   0.1    in_waiting_room ─► accepted ─► enter_room ──► join_success
//!   0.10   joined_lobby ─► enter_room{name}        ──► join_success
//!   0.10   joined_lobby ─► enter_waiting_room{name} ─► in_waiting_room ─► accepted ─► enter_room ──► join_success
//! ```
//!
//! Nothing in here opens a capture (P2): a *mute* is handed on, there is no other word about captures. Nobody agrees to be recorded
//! but a person in the room who was asked (P6). Texts, names and tokens are withheld from logs (P9).
//!
//! Messages as in `opentalk-roomserver-types` 0.1.5 and 0.10.3, and its modules of the same versions.

mod consent;
mod event;
mod message;
mod people;
mod session;

#[cfg(test)]
mod tests;

pub use consent::Wants;
pub use event::{Action, Blocked, End, Event, Told};
pub use message::LONGEST;
pub use people::{People, Person, Role};
pub use session::Session;
