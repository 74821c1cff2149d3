//! The remote: a phone's browser that was paired at the device. It gives the room a link, and runs the room's own meeting.
//!
//! ```text
//!   asleep ── pressed ──► no code ── pressed ──► a code for 60 s ── right code, first come ──► no code, one phone more
//!      ▲                     ▲                       │
//!      │                     └── 60 s, covered ◄─────┘
//!      └──────────────────── slept: every phone is forgotten, everything is wiped
//! ```
//!
//! A code is shown by a press that the guard has read ([`RoomAct`](crate::meeting::act::RoomAct)) and by nothing else (P2), pairs one phone, and is void
//! as soon as the screen shows something else. What a paired phone can say is in [`PhoneRequest`]: a link, which is a proposal; a password;
//! that the meeting is to be left; and the [wishes](crate::meeting::wish::Wish) of whoever runs the room's own meeting. It has no word for *join* or *open*.

pub mod chair;
mod pairing;
mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod table;

pub use pairing::{Action, CODE_LASTS, Event, MOST_PHONES, Pairing, new_code};
pub use words::{
    Asks, Attempt, MeetingView, PairingRefusal, PhoneEvent, PhoneId, PhoneKey, PhonePhase, PhoneRequest, PhoneView,
    Proposed, RoleView, WayIn,
};
