//! What is heard in the room: tracks are mixed, shown to the echo canceller and played, 10 ms at a time, by one
//! thread at the speaker's pace. With nothing to play it sleeps and the speaker is closed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use subrosa_messages::media::{MediaToRoom, TrackId};

use super::SoundError;
use super::chirp::Chirp;
use super::frame::{Frame, SAMPLES};
use super::processing::Voice;
use super::speaker::Outlet;
use super::track::Track;
use super::volume::Mixer;
use crate::Notify;
use crate::inbound::Inbound;
use crate::timebase::Timebase;

#[derive(Default)]
struct Heard {
    tracks: Vec<Track>,
    mixer: Mixer,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Heard>,
    changed: Condvar,
}

impl Shared {
    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Plays tracks.
pub(super) struct Player {
    shared: Arc<Shared>,
    timebase: Timebase,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    /// With nothing to play.
    pub fn new(
        outlet: Outlet,
        voice: Arc<Mutex<Box<dyn Voice>>>,
        timebase: &Timebase,
        notify: Notify,
        chirp: Chirp,
    ) -> Result<Self, SoundError> {
        let shared = Arc::new(Shared::default());
        let thread = {
            let (shared, timebase) = (shared.clone(), timebase.clone());
            thread::Builder::new()
                .name("speaker".to_owned())
                .spawn(move || run(&shared, outlet, &voice, &timebase, &notify, &chirp))
                .map_err(SoundError::Thread)?
        };
        Ok(Player { shared, timebase: timebase.clone(), thread: Some(thread) })
    }

    /// There is a chirp to be played.
    pub fn wake(&self) {
        // Whoever is about to wait holds this while it looks.
        drop(self.shared.heard());
        self.shared.changed.notify_all();
    }

    /// How loud tracks are together, 0 to 100.
    pub fn volume(&self, percent: u8) {
        self.shared.heard().mixer.volume(percent);
    }

    /// Plays exactly these from now on.
    pub fn play(&self, wanted: Vec<Inbound>) {
        let known: Vec<Inbound> = self.shared.heard().tracks.iter().map(|track| track.inbound.clone()).collect();
        let mut fresh: Vec<Track> = wanted
            .iter()
            .filter(|inbound| !known.iter().any(|known| is_same(known, inbound)))
            .filter_map(|inbound| begin(inbound.clone(), &self.timebase))
            .collect();
        let mut heard = self.shared.heard();
        fresh.append(&mut heard.tracks);
        let mut left = Vec::new();
        for track in fresh {
            let is_wanted = wanted.iter().any(|inbound| is_same(inbound, &track.inbound));
            if is_wanted { heard.tracks.push(track) } else { left.push(track) }
        }
        drop(heard);
        self.shared.changed.notify_all();
    }
}

fn is_same(a: &Inbound, b: &Inbound) -> bool {
    a.track == b.track && a.producer == b.producer
}

fn begin(inbound: Inbound, timebase: &Timebase) -> Option<Track> {
    Track::new(inbound, timebase).inspect_err(|error| tracing::warn!("a track is not heard: {error}")).ok()
}

impl Drop for Player {
    fn drop(&mut self) {
        self.shared.heard().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

fn run(
    shared: &Shared,
    mut outlet: Outlet,
    voice: &Mutex<Box<dyn Voice>>,
    timebase: &Timebase,
    notify: &Notify,
    chirp: &Chirp,
) {
    loop {
        let mut levels = Vec::new();
        let mix = {
            let mut heard = shared.heard();
            while heard.tracks.is_empty() && !heard.ended && !chirp.is_played() {
                outlet.close();
                heard = shared.changed.wait(heard).unwrap_or_else(PoisonError::into_inner);
            }
            if heard.ended {
                return;
            }
            chirp.next().unwrap_or_else(|| {
                let Heard { tracks, mixer, ended: _ } = &mut *heard;
                mix(tracks, mixer, timebase, &mut levels)
            })
        };
        for (track, level) in levels {
            notify(MediaToRoom::Loudness { track, level });
        }
        voice.lock().unwrap_or_else(PoisonError::into_inner).rendered(&mix);
        outlet.play(&mix);
    }
}

fn mix(tracks: &mut [Track], mixer: &mut Mixer, timebase: &Timebase, levels: &mut Vec<(TrackId, u8)>) -> Frame {
    let mut sum = [0_i32; SAMPLES];
    for track in tracks {
        if track.is_broken()
            && let Some(again) = begin(track.inbound.clone(), timebase)
        {
            *track = again;
        }
        let (frame, level) = track.pull();
        add(&mut sum, &frame);
        levels.extend(level.map(|level| (track.id().clone(), level)));
    }
    mixer.frame(&sum)
}

fn add(sum: &mut [i32; SAMPLES], frame: &Frame) {
    for (to, from) in sum.iter_mut().zip(frame) {
        *to += i32::from(*from);
    }
}
