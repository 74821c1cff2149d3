//! A meeting on somebody else's Jitsi server, as a pure machine: it holds the machines of which joining is made (the room's place,
//! the session with the focus, the bridge's channel) and hands on between them.
//!
//! ```text
//!   XMPP session ──► muc ──► in ──► jingle session ──► media
//!                     ▲                 │    ▲
//!    own streams ─────┘          way to the  │ watched, lost
//!                                bridge      │
//!   stage ◄── who speaks ◄────────── colibri channel ◄── what the screen shows
//! ```
//!
//! Nothing in here opens a capture (P2): a moderator's *mute* becomes [`Action::Mute`], an *unmute* becomes nothing.

mod bridge;
mod event;
mod features;
mod inside;
mod machine;
mod server;
mod view;

#[cfg(test)]
mod tests;

pub use event::{Action, Event, FromSocket, Sends, Settings, ToSocket};
pub use features::capabilities;
pub use machine::Joined;
