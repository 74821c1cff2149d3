//! From jicofo's offer to the description that media answers, and from the answer to the session-accept.
//!
//! Jingle names three contents and then single sources; webrtcbin wants an offer with one m-line for each stream. So the
//! room keeps the sources ([`Streams`]), seats them in slots that never move ([`Lines`]) and writes a whole new offer
//! whenever something has changed ([`describe`]).

pub mod ability;
mod answer;
mod lines;
mod offer;
mod streams;
mod write;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Local, Ourselves, sources};
pub use lines::{BRIDGE, Lines, SLOTS, Slot, audio_or};
pub use offer::Offer;
pub use streams::{Stream, Streams};
pub use write::describe;
