//! What is wanted of whom: tracks that the room wants of the server, and how large others want the room's picture.

use std::collections::{BTreeMap, BTreeSet};

use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::{
    SubscribedQuality, SubscribedQualityUpdate, UpdateSubscription, UpdateTrackSettings, VideoQuality,
};
use subrosa_messages::media::{Kind, Size};

use super::event::{Told, Watched, Wish};
use super::link::{BESIDE, FIRST};
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

/// What others want of the room's picture, by the best quality that anybody takes. `two`: it was announced in two codecs.
pub fn wanted(update: &SubscribedQualityUpdate, two: bool) -> Told {
    let of = |codec: &str| {
        let named = update.subscribed_codecs.iter().filter(|one| one.codec.to_ascii_lowercase().ends_with(codec));
        best(named.flat_map(|one| &one.qualities))
    };
    #[expect(deprecated, reason = "servers that know of one codec only say nothing else")]
    let any = &update.subscribed_qualities;
    match (update.subscribed_codecs.is_empty(), two) {
        (true, _) => Told::Wanted { first: best(any.iter()), beside: Wish::Nothing },
        (false, true) => Told::Wanted { first: of(FIRST), beside: of(BESIDE) },
        (false, false) => Told::Wanted { first: of(""), beside: Wish::Nothing },
    }
}

fn best<'a>(qualities: impl Iterator<Item = &'a SubscribedQuality>) -> Wish {
    let taken = qualities.filter(|quality| quality.enabled).map(SubscribedQuality::quality);
    let wish = taken.map(|quality| match quality {
        VideoQuality::High => Wish::All,
        VideoQuality::Medium => Wish::Lines(360),
        VideoQuality::Low => Wish::Lines(180),
        VideoQuality::Off => Wish::Nothing,
    });
    wish.max().unwrap_or(Wish::Nothing)
}
