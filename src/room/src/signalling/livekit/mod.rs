//! LiveKit's signalling (protocol 17, `livekit_rtc.proto`), as a client with one peer connection (`/rtc/v1`), or with two (`/rtc`) where
//! the server does not know that way in.
//!
//! The room makes one offer with everything that it will ever send and as many empty lines, *slots*, as it can show and hear at
//! once. The server fills slots; when it wants to fill them otherwise it asks for another offer, gets the same one with the next
//! number, and says in its answer whose track is on which line. So nothing is ever negotiated anew in media, which is told
//! each answer.
//!
//! ```text
//!   WebSocket ──► join ──► link opened ──► tracks announced ──► offer n ──► answer n ──► media
//!       ▲                                                          ▲            │
//!       │ cut: resumed, media goes on        "other sections" ─────┘            └──► slots: who is where
//! ```
//!
//! With two connections, ours has no slots, and the server offers on the other one whenever somebody comes or goes ([`subscriber`]).
//!
//! Nothing in here opens a capture: a server's *mute* is handed on, an *unmute* is answered with what is so (P2). Of the ICE servers that it
//! hands out only relays are taken: a STUN server would learn of the room without being of use to it (P5).

mod address;
mod candidates;
mod cut;
mod event;
mod link;
mod offer;
pub mod packet;
mod people;
mod relay;
mod session;
#[cfg(test)]
pub mod stage;
mod subscriber;
mod wanted;

#[cfg(test)]
mod tests;

pub use address::address;
pub use event::{Action, End, Event, Settings, Told, Watched, Wish};
pub use people::{Participant, People, Source, Track};
pub use session::Session;
