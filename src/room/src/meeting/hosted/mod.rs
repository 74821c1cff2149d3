//! The hosted meeting: guests open the room's own page, show PIN or token, wait, and are let in by a press, or by whoever may.
//!
//! ```text
//!            woken            knocked: a guest waits      let in: the first of them
//!   asleep ─────────► awake ────────────────────────► … ────────────────────────────────► …
//!      ▲                │
//!      └────────────────┘ slept: everybody is told, everything is wiped
//!
//!   guest    waiting ── let in ──► in ──► gone: left, denied, removed, lost, slept
//!   link     none ─► opening ─► prepared ─► offered ─► answered ─► verified ⇄ silent
//!              ▲ at once, later 0.25, 0.5 … 8 s                 │
//!              └── failed, not connected in time, media lost, listens again ┘
//! ```
//!
//! The link of a waiting guest is prepared, so that being let in shows a picture at once; its offer is held back, and
//! it sends nothing. No event that comes from a network wakes the room (P2): that takes a [`RoomAct`](super::act::RoomAct). What guests and phones ask
//! is a [`Wish`](super::wish::Wish), checked against their role; a phone has been paired by a press, and unless the operator says otherwise only it makes a guest a moderator.

mod attendee;
mod door;
mod event;
mod lines;
mod link;
mod machine;
mod meeting;
mod name;
mod path;
mod roster;
mod routes;
mod secrets;
mod speaker;
mod standing;
mod talk;
mod wishes;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod table;

pub use door::Door;
pub use event::{Action, Asker, Event, Facts};
pub use machine::{Hosted, Rules};
pub use name::is_name;
pub use secrets::{Secrets, same, session_key};
