//! What several kinds of meeting are made of: the protocols they share, each as reader, writer and pure machine.

pub mod colibri;
pub mod jingle;
pub mod lines;
pub mod livekit;
pub mod opentalk;
pub mod sdp;
pub mod xmpp;

/// What leaves the room, by the guard's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sends {
    /// The camera is open.
    pub picture: bool,
    /// The microphone is open.
    pub sound: bool,
}

#[cfg(test)]
pub mod recording;
