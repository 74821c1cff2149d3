//! The Jingle session with the focus, as a pure machine.
//!
//! ```text
//!          offered                 media answers             taken
//!   none ───────────► opening ─────────────────► accepting ─────────► active ⟲ sources come and go,
//!    ▲ ▲   (held while media is away)                │                  │      one negotiation at a time
//!    │ └── terminated: alone, another bridge ────────┴──────────────────┤
//!    │                                                                  │ no path, media lost, other codec
//!    └──────────── offered again ◄── restarting ◄── asked ◄── broken ◄──┘
//!                                        │            within the server's limits
//!                                        └── not in time, too often ──► rejoin
//! ```
//!
//! The focus ends the session whenever the room is alone, and offers a new one when somebody comes: the meeting goes on.
//! Nothing that comes over the network opens anything (P2): the session only ever sends what the guard lets out.

mod event;
mod live;
mod machine;
mod restarts;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod replay;
#[cfg(test)]
pub(crate) mod stage;
#[cfg(test)]
mod table;

pub use event::{Action, Event, Fault, Peer, Refusal, Reply, Request, Way};
pub use live::BRIDGE_CHANNEL;
pub use machine::Session;
