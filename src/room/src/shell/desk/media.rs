//! What media says, and what it is told of the room first.

use std::time::Instant;

use subrosa_messages::Capture;
use subrosa_messages::frame::Frame;
use subrosa_messages::media::{CaptureHealth, DescriptionKind, MediaToRoom, RoomToMedia};
use zeroize::Zeroizing;

use super::{Desk, Told};
use crate::meeting::hosted::Event;

impl Desk {
    /// A word of media, for the room's own meeting.
    pub(super) fn media_says(&mut self, now: Instant, frame: Frame<MediaToRoom>) {
        let bytes = Zeroizing::new(frame.body);
        match frame.message {
            MediaToRoom::Ready { encoder } => {
                self.known.media = true;
                self.known.encoder = Some(encoder);
                self.step(now, Event::MediaReady);
            }
            MediaToRoom::Description { link, kind: DescriptionKind::Offer, sdp } => {
                self.step(now, Event::Offered { link, sdp });
            }
            MediaToRoom::Description { kind: DescriptionKind::Answer, .. } => {}
            MediaToRoom::Link { link, state } => self.step(now, Event::Link { link, state }),
            MediaToRoom::Track { track, kind } => self.step(now, Event::Track(track, kind)),
            MediaToRoom::Picture { track, moving } => self.step(now, Event::Picture(track, moving)),
            MediaToRoom::Paused { link, mid, paused } => self.step(now, Event::Paused(link, mid, paused)),
            MediaToRoom::Capture { capture: Capture::Camera, state } => self.known.camera = state,
            MediaToRoom::Capture { capture: Capture::Microphone, state } => self.known.microphone = state,
            MediaToRoom::Background(state) => self.known.background_is(now, Some(state)),
            MediaToRoom::Encoder { row } => self.known.encoder = Some(row),
            MediaToRoom::Loudness { track, level } => self.step(now, Event::Loudness(track, level)),
            MediaToRoom::Data { link, channel } => self.step(now, Event::Data { link, channel, bytes }),
            MediaToRoom::Channel { .. } | MediaToRoom::Counters(_) => {}
        }
    }

    /// Media is gone, and all that it held.
    pub(super) fn media_gone(&mut self, now: Instant) {
        self.known.media = false;
        self.known.encoder = None;
        self.known.camera = CaptureHealth::Closed;
        self.known.microphone = CaptureHealth::Closed;
        self.known.background_is(now, None);
        let effects = self.elsewhere.media_gone(now);
        self.carry_out(now, effects);
        self.step(now, Event::MediaLost);
    }
    /// Tells media who we are, once the addresses are known; and again when they have changed, as soon as that
    /// disturbs nobody, or at once when one that links may use is gone.
    pub(super) fn configure(&mut self, now: Instant) {
        if self.media.is_none() || self.known.addresses.is_none() {
            return;
        }
        let wanted = self.known.media_configuration(&self.configuration, &self.encoders);
        match &self.told.configuration {
            Some(told) if *told == wanted => return,
            Some(told) => {
                let gone = told.network.addresses.iter().any(|address| !wanted.network.addresses.contains(address));
                if (self.hosted.count() > 0 || self.elsewhere.is_connected()) && !gone {
                    return;
                }
                self.media_gone(now);
            }
            None => {}
        }
        if let Some(media) = &self.media {
            media.say(&RoomToMedia::Configure(wanted.clone()), &[]);
            // How loud it is stays with the connection.
            self.told = Told { configuration: Some(wanted), volume: self.told.volume, ..Told::default() };
        }
        self.hand_card();
        self.hand_screen();
    }
}
