//! What a guest's link is made of: its lines and its data channels. All are in the first offer and none is added later,
//! since adding and taking away is where webrtcbin breaks; who is in which slot changes as often as it likes.
//!
//! ```text
//!   room-video  room-audio   the room, to the guest
//!   guest-video guest-audio  the guest, to the room
//!   guest-screen  screen     a shared screen: the guest's own, and somebody else's
//!   slot-n-video slot-n-audio text-n   the other guests, each in a slot of their own
//!   chat  text               what is written: whole lines, and letter by letter
//! ```

use subrosa_messages::media::{Codec, DataChannel, Direction, Line};

use crate::meeting::guest::{OfferedLines, OfferedSlot};
pub use crate::signalling::lines::{ROOM_AUDIO, ROOM_VIDEO, slot_audio, slot_video};

pub const GUEST_VIDEO: &str = "guest-video";
pub const GUEST_AUDIO: &str = "guest-audio";
pub const GUEST_SCREEN: &str = "guest-screen";
pub const SCREEN: &str = "screen";
/// Lines of chat.
pub const CHAT: &str = "chat";
/// What the guest types.
pub const TEXT: &str = "text";
/// The subprotocol of real-time text (RFC 8865, section 3).
const T140: &str = "t140";

/// The channel of what they type.
pub fn slot_text(slot: usize) -> String {
    format!("text-{slot}")
}

/// In which slot of the link of whoever has the seat `own` the guest on the seat `other` is.
pub fn slot_of(own: usize, other: usize) -> Option<usize> {
    match other.cmp(&own) {
        std::cmp::Ordering::Less => Some(other),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(other - 1),
    }
}

/// The lines of a link with so many slots.
pub fn lines(h264: bool, slots: usize) -> Vec<Line> {
    let line = Line::new;
    let mut lines = vec![
        line(ROOM_VIDEO, if h264 { Codec::H264 } else { Codec::Vp8 }, Direction::Send),
        line(ROOM_AUDIO, Codec::Opus, Direction::Send),
        line(GUEST_VIDEO, Codec::Vp8, Direction::Receive),
        line(GUEST_AUDIO, Codec::Opus, Direction::Receive),
    ];
    lines.push(line(GUEST_SCREEN, Codec::Vp8, Direction::Receive));
    // In a room for one guest nobody else shares a screen.
    if slots > 0 {
        lines.push(line(SCREEN, Codec::Vp8, Direction::Send));
    }
    for slot in 0..slots {
        lines.push(line(&slot_video(slot).0, Codec::Vp8, Direction::Send));
        lines.push(line(&slot_audio(slot).0, Codec::Opus, Direction::Send));
    }
    lines
}

/// The data channels of such a link.
pub fn channels(slots: usize) -> Vec<DataChannel> {
    let text = |label: String| DataChannel { label, protocol: T140.to_owned() };
    let mut channels = vec![DataChannel::called(CHAT), text(TEXT.to_owned())];
    channels.extend((0..slots).map(|slot| text(slot_text(slot))));
    channels
}

/// What the page is told of them.
pub fn offered(slots: usize) -> OfferedLines {
    let slot = |slot| OfferedSlot { video: slot_video(slot).0, audio: slot_audio(slot).0, text: slot_text(slot) };
    OfferedLines {
        room_video: ROOM_VIDEO.to_owned(),
        room_audio: ROOM_AUDIO.to_owned(),
        guest_video: GUEST_VIDEO.to_owned(),
        guest_audio: GUEST_AUDIO.to_owned(),
        guest_screen: GUEST_SCREEN.to_owned(),
        screen: SCREEN.to_owned(),
        slots: (0..slots).map(slot).collect(),
        chat: CHAT.to_owned(),
        text: TEXT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_else_has_a_slot_of_their_own() {
        for own in 0..8 {
            let mut slots: Vec<usize> = (0..8).filter_map(|other| slot_of(own, other)).collect();
            slots.sort_unstable();
            assert_eq!(slots, [0, 1, 2, 3, 4, 5, 6], "{own}");
        }
    }

    #[test]
    fn what_is_offered_is_there() {
        let (lines, channels, offered) = (lines(true, 2), channels(2), offered(2));
        let has = |mid: &String| lines.iter().any(|line| line.mid.0 == *mid);
        assert!([&offered.room_video, &offered.guest_screen, &offered.screen].into_iter().all(has));
        for slot in &offered.slots {
            assert!(has(&slot.video) && has(&slot.audio));
            assert!(channels.iter().any(|channel| channel.label == slot.text && channel.protocol == "t140"));
        }
        assert!(channels.iter().any(|channel| channel.label == offered.chat && channel.protocol.is_empty()));
        assert_eq!((lines.len(), channels.len()), (10, 4));
        assert_eq!(super::lines(false, 0).len(), 5);
    }
}
