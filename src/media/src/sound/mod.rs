//! The room's ears and voice: the microphone cleaned and encoded for the links, and the sound of the links mixed for
//! the speaker.
//!
//! ```text
//! microphone (row) → echo, noise, gain → Opus → producer → links
//!                      ↑ exactly what is played
//! links → Opus → playout (per track) → mix → speaker (row)
//! ```
//!
//! Everything in between is 48 kHz, mono, 16 bit, 10 ms at a time ([`frame`]). Two threads carry it: one while the
//! microphone is open, one while something is played. With neither, nothing here wakes up.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer_utils::StreamProducer;
use subrosa_board::Board;
use subrosa_messages::doctor::Echo;
use subrosa_process::run_dir::RunDir;

use crate::Notify;
use crate::cut::Cut;
use crate::inbound::Inbound;
use crate::permit::Permit;
use crate::timebase::Timebase;

mod capture;
mod chirp;
#[cfg(test)]
mod echo_figures;
mod encoder;
pub mod frame;
pub mod loudness;
pub mod microphone;
mod player;
pub mod playout;
pub mod processing;
pub(crate) mod speaker;
pub mod stop;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;
mod track;
pub mod volume;

use capture::Ear;
use chirp::Chirp;
use encoder::Encoder;
use player::Player;
use processing::{Sonora, Steps, Voice};
use speaker::Outlet;
use stop::Stop;

/// Why sound cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// GStreamer lacks an element.
    #[error("sound needs the GStreamer element {0}: `make setup` installs it")]
    Element(&'static str),
    /// A pipeline could not be put together.
    #[error("the pipeline `{0}` could not be started: is the installed GStreamer complete (`make setup`)?")]
    Pipeline(&'static str),
    /// No thread.
    #[error("there is no thread for the speaker: the machine has too many processes")]
    Thread(#[source] io::Error),
}

/// Microphone and speaker of the room.
pub struct Sound {
    ear: Arc<Ear>,
    player: Player,
    /// Stops the thread of the open microphone.
    listening: Mutex<Option<Arc<Stop>>>,
    chirp: Chirp,
}

impl Sound {
    /// The board's, closed and silent. `cut` is the microphone's gate.
    ///
    /// # Errors
    /// When GStreamer lacks an element.
    pub fn new(board: &Board, run: &RunDir, timebase: &Timebase, cut: Cut, notify: Notify) -> Result<Self, SoundError> {
        let voice: Box<dyn Voice> = Box::new(Sonora::new(Steps::for_device(board.microphone.cancels_echo())));
        let voice = Arc::new(Mutex::new(voice));
        let chirp = Chirp::default();
        let outlet = Outlet::new(&board.speaker, run);
        let player = Player::new(outlet, voice.clone(), timebase, notify.clone(), chirp.clone())?;
        let ear = Arc::new(Ear {
            source: board.microphone.source,
            voice,
            encoder: Encoder::new(timebase)?,
            cut,
            timebase: timebase.clone(),
            notify,
            turn: Mutex::new(()),
            chirp: chirp.clone(),
        });
        Ok(Sound { ear, player, listening: Mutex::new(None), chirp })
    }

    /// Opus packets of the microphone, 20 ms each; none while it is closed.
    #[must_use]
    pub fn microphone(&self) -> StreamProducer {
        self.ear.encoder.producer()
    }

    /// Opens the microphone, on a thread of its own. How it went is told as
    /// [`subrosa_messages::media::MediaToRoom::Capture`].
    pub fn open_microphone(&self, permit: Permit) {
        let stop = Arc::new(Stop::default());
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = listening.replace(stop.clone()) {
            last.raise();
        }
        self.ear.clone().listen(permit, stop);
    }

    /// Closes the microphone. When this returns no packet is on its way any more and what was captured is forgotten;
    /// the device is closed within milliseconds, and then the permit goes back.
    pub fn close_microphone(&self) {
        if let Some(stop) = self.listening.lock().unwrap_or_else(PoisonError::into_inner).take() {
            stop.raise();
        }
        self.ear.encoder.forget();
    }

    /// Plays a chirp and tells how long its way to the microphone was; see [`chirp`].
    pub fn chirp(&self, tell: Box<dyn FnOnce(Echo) + Send>) {
        if self.listening.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return tell(Echo::NotListening);
        }
        self.chirp.begin(tell);
        self.player.wake();
    }

    /// How loud what is played is, 0 to 100; see [`volume`].
    pub fn volume(&self, percent: u8) {
        self.player.volume(percent);
    }

    /// Plays exactly these tracks from now on.
    pub fn play(&self, tracks: Vec<Inbound>) {
        self.player.play(tracks);
    }
}

impl Drop for Sound {
    fn drop(&mut self) {
        self.close_microphone();
        // The device is closed when its turn is over.
        let _closed = self.ear.turn.lock().unwrap_or_else(PoisonError::into_inner);
    }
}
