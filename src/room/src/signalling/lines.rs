//! Names of the lines that every link has, and of slots in which others come or go by number.

use subrosa_messages::media::Mid;

/// The room's picture.
pub const ROOM_VIDEO: &str = "room-video";
/// The room's picture in another codec, for those who cannot take the first.
pub const ROOM_VIDEO_BESIDE: &str = "room-video-beside";
/// The room's sound.
pub const ROOM_AUDIO: &str = "room-audio";

/// The picture of who is in a slot.
#[must_use]
pub fn slot_video(slot: usize) -> Mid {
    Mid(format!("slot-{slot}-video"))
}

/// Their sound.
#[must_use]
pub fn slot_audio(slot: usize) -> Mid {
    Mid(format!("slot-{slot}-audio"))
}
