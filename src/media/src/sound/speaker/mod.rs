//! The table of speakers. A row takes 10 ms at a time and blocks until it wants the next, so that whoever plays runs at
//! the device's own clock.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use subrosa_board::Speaker as BoardSpeaker;
use subrosa_process::run_dir::RunDir;

use super::frame::{Frame, LENGTH};

mod alsa;
mod sim;

pub(crate) use sim::connect;

/// An open speaker.
pub trait Speaker: Send {
    /// Plays a frame; returns when the next one is wanted.
    ///
    /// # Errors
    /// When the device has gone or failed; it is of no more use then.
    fn play(&mut self, frame: &Frame) -> Result<(), SpeakerError>;
}

/// Why nothing is heard in the room.
#[derive(Debug, thiserror::Error)]
pub enum SpeakerError {
    /// The simulated room does not answer.
    #[error("the simulated speaker cannot be reached; is subrosa-sim running?")]
    Socket(#[from] io::Error),
    /// Somebody else listens where the simulated room should.
    #[error("whoever listens for the simulated speaker's sound is not the owner of that folder")]
    Stranger,
    /// GStreamer lacks something.
    #[error("the speaker needs the GStreamer element {0}: `make setup` installs it")]
    Element(&'static str),
    /// The device cannot be opened.
    #[error("the speaker {0} could not be opened: plug it in, or name another one in the board file")]
    Open(String),
    /// The device failed while it ran.
    #[error("the speaker {0} failed")]
    Failed(String),
}

/// Opens the row of a board's speaker.
fn open(speaker: &BoardSpeaker, run: &RunDir) -> Result<Box<dyn Speaker>, SpeakerError> {
    match speaker {
        BoardSpeaker::Sim => sim::open(run),
        BoardSpeaker::Alsa { device } => alsa::open(device),
    }
}

/// How long after a failure the speaker is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// A device that takes sound faster than it can be heard is held back here.
const AHEAD: Duration = Duration::from_millis(200);

/// The board's speaker, opened when there is something to play, closed when there is not, tried again when it fails.
/// Meanwhile the sound goes nowhere at the same pace.
pub(super) struct Outlet {
    board: BoardSpeaker,
    run: RunDir,
    speaker: Option<Box<dyn Speaker>>,
    again: Instant,
    complained: bool,
    pace: Pace,
}

impl Outlet {
    /// Of a board; closed.
    pub fn new(board: &BoardSpeaker, run: &RunDir) -> Self {
        Outlet {
            board: board.clone(),
            run: run.clone(),
            speaker: None,
            again: Instant::now(),
            complained: false,
            pace: Pace::default(),
        }
    }

    /// Closes the device.
    pub fn close(&mut self) {
        self.speaker = None;
        self.again = Instant::now();
        self.pace = Pace::default();
    }

    /// Plays a frame and returns when the next one is wanted.
    pub fn play(&mut self, frame: &Frame) {
        if self.speaker.is_none() && Instant::now() >= self.again {
            match open(&self.board, &self.run) {
                Ok(speaker) => {
                    self.speaker = Some(speaker);
                    if std::mem::take(&mut self.complained) {
                        tracing::info!("the speaker is back");
                    }
                }
                Err(error) => self.fail(&error),
            }
        }
        if let Some(speaker) = &mut self.speaker {
            match speaker.play(frame) {
                Ok(()) => return self.pace.hold(AHEAD),
                Err(error) => self.fail(&error),
            }
        }
        self.pace.hold(Duration::ZERO);
    }

    fn fail(&mut self, error: &SpeakerError) {
        self.speaker = None;
        self.again = Instant::now() + AGAIN;
        if !std::mem::replace(&mut self.complained, true) {
            tracing::warn!("{error}; tried again every second while there is something to play");
        }
    }
}

/// 10 ms a frame by this machine's clock.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Option<Instant>,
}

impl Pace {
    /// Counts a frame and sleeps until no more than `ahead` has been played ahead of time.
    pub fn hold(&mut self, ahead: Duration) {
        let now = Instant::now();
        let next = self.next.unwrap_or(now) + LENGTH;
        // After a long wait elsewhere the past is not made up for.
        let next = if now > next + LENGTH * 5 { now } else { next };
        self.next = Some(next);
        let early = next.saturating_duration_since(now);
        if early > ahead {
            thread::sleep(early - ahead);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::SILENCE;
    use super::*;

    #[test]
    fn without_a_speaker_sound_still_takes_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut outlet = Outlet::new(&BoardSpeaker::Sim, &RunDir::new(folder.path()));
        let start = Instant::now();
        for _ in 0..20 {
            outlet.play(&SILENCE);
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(190) && took < Duration::from_millis(600), "{took:?}");
    }

    #[test]
    fn a_device_without_a_clock_is_held_back() {
        gstreamer::init().unwrap();
        let mut outlet = Outlet::new(&BoardSpeaker::Alsa { device: "null".to_owned() }, &RunDir::new("/nowhere"));
        let start = Instant::now();
        for _ in 0..60 {
            outlet.play(&SILENCE);
        }
        assert!(start.elapsed() >= Duration::from_millis(300), "{:?}", start.elapsed());
        assert!(outlet.speaker.is_some());
    }
}
