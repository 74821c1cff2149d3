//! What is wanted of whom: tracks that the room wants of the server, and how large others want the room's picture.

use std::collections::{BTreeMap, BTreeSet};

use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::{SubscribedCodec, SubscribedQuality, UpdateSubscription, UpdateTrackSettings, VideoQuality};
use subrosa_messages::media::{Kind, Size};

use super::event::Watched;
use super::session::{Out, Session, say};

impl Session {
    /// Asks for what is to be heard and shown, and for nothing else.
    pub(super) fn subscribe(&mut self, out: &mut Out) {
        let rank = |of: &str| self.speakers.iter().position(|speaker| speaker == of).unwrap_or(usize::MAX);
        let mut voices: Vec<(bool, usize, &str)> = self
            .people
            .tracks()
            .filter(|(_, _, track)| track.kind == Kind::Audio && !track.encrypted)
            .map(|(of, sid, track)| (track.muted, rank(of), sid))
            .collect();
        voices.sort_unstable();
        let mut wanted: BTreeMap<String, Option<Size>> =
            voices.into_iter().take(self.settings.voices).map(|(.., sid)| (sid.to_owned(), None)).collect();
        let is_there = |watched: &&Watched| {
            self.people.track(&watched.track).is_some_and(|track| track.kind == Kind::Video && !track.encrypted)
        };
        wanted.extend(self.watch.iter().filter(is_there).map(|watched| (watched.track.clone(), Some(watched.size))));
        let (before, after): (BTreeSet<&String>, BTreeSet<&String>) =
            (self.subscribed.keys().collect(), wanted.keys().collect());
        // Places become free before they are taken.
        for (subscribe, tracks) in [(false, &before - &after), (true, &after - &before)] {
            if !tracks.is_empty() {
                let track_sids = tracks.into_iter().cloned().collect();
                say(
                    Ask::Subscription(UpdateSubscription { track_sids, subscribe, ..UpdateSubscription::default() }),
                    out,
                );
            }
        }
        for (sid, size) in &wanted {
            if let Some(size) = size.filter(|_| self.subscribed.get(sid) != Some(size)) {
                let settings = UpdateTrackSettings {
                    track_sids: vec![sid.clone()],
                    quality: VideoQuality::High.into(),
                    width: size.width,
                    height: size.height,
                    ..UpdateTrackSettings::default()
                };
                say(Ask::TrackSetting(settings), out);
            }
        }
        self.subscribed = wanted;
    }
}

/// How many lines of the picture others want, by the best quality that anybody takes.
pub fn wanted(codecs: &[SubscribedCodec]) -> Option<u32> {
    let taken = codecs.iter().flat_map(|codec| &codec.qualities).filter(|quality| quality.enabled);
    let best = taken.map(SubscribedQuality::quality).filter(|quality| *quality != VideoQuality::Off);
    match best.max_by_key(|quality| i32::from(*quality)) {
        Some(VideoQuality::High) => None,
        Some(VideoQuality::Medium) => Some(360),
        Some(VideoQuality::Low) => Some(180),
        Some(VideoQuality::Off) | None => Some(0),
    }
}
