//! What the three processes say to each other, and nothing else.
//!
//! The guard decides, media carries out, the room is told (`docs/architecture.md`). Each conversation is a pair
//! of types, one per direction, so that a wrong sentence does not compile: what comes from the room towards the
//! guard ([`guard::RoomToGuard`]) has no word for *open* (promise P2).

pub mod doctor;
pub mod frame;
pub mod guard;
pub mod join;
pub mod media;
pub mod outputs;
mod pii;

pub use pii::Pii;

use serde::{Deserialize, Serialize};

/// One of the two things in the room that can listen or see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capture {
    /// The camera: its V4L2 node, or with libcamera a set of nodes.
    Camera,
    /// The microphone: an ALSA capture PCM.
    Microphone,
}

impl Capture {
    /// Both, in the order of the lamps on the device.
    pub const ALL: [Capture; 2] = [Capture::Camera, Capture::Microphone];
}
