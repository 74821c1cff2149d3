//! The room's place in a meeting, as a pure machine: request, room, password, lobby.
//!
//! ```text
//!             ready            taken
//! requesting ──────► joining ─────────► in ── focus left, session lost ──► waiting ──► requesting
//!     ▲  ▲              │ refused                        └── kicked, ended ──► over
//!     │  │              ├── password wanted ──► asking ── password ──► requesting
//!     │  └── admitted ──┼── members only ────► lobby ──── denied, ended ──► over
//!     └── waiting ◄─────┴── no such room, nick taken (a few times)
//! ```
//!
//! jicofo makes rooms and leaves an empty one after 15 s: every way into the room begins with a request.

mod event;
mod machine;

#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;

pub use event::{Action, Event, OfFocus, Settings, Told};
pub use machine::Muc;
