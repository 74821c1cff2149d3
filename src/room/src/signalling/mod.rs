//! What several kinds of meeting are made of: the protocols they share, each as reader, writer and pure machine.

pub mod colibri;
pub mod jingle;
pub mod livekit;
pub mod xmpp;

#[cfg(test)]
pub mod recording;
