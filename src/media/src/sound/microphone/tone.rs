//! A tone while the node is held open: for boards without a microphone, and for trying the rest of the way.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Instant;

use super::super::frame::{Frame, LENGTH, RATE, SAMPLES};
use super::super::stop::Stop;
use super::{Microphone, MicrophoneError};

/// 440 Hz, 26 dB below full scale, half a second on and half a second off: steady tones are taken for noise and
/// suppressed.
#[derive(Clone, Debug, Default)]
pub struct Tone {
    sample: u64,
}

impl Tone {
    /// The next 10 ms.
    pub fn next(&mut self, frame: &mut Frame) {
        for (n, to) in (self.sample..).zip(frame.iter_mut()) {
            let second = (n % u64::from(RATE)) as f64 / f64::from(RATE);
            let on = second < 0.5;
            let value = (second * 440.0 * std::f64::consts::TAU).sin() * 1600.0;
            *to = if on { value as i16 } else { 0 };
        }
        self.sample += SAMPLES as u64;
    }
}

struct ToneMicrophone {
    _held: File,
    tone: Tone,
    next: Instant,
}

pub(super) fn hold(node: &Path) -> Result<File, MicrophoneError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(node)
        .map_err(|source| MicrophoneError::Open { node: node.to_owned(), source })
}

pub(super) fn open(node: &Path) -> Result<Box<dyn Microphone>, MicrophoneError> {
    Ok(Box::new(ToneMicrophone { _held: hold(node)?, tone: Tone::default(), next: Instant::now() }))
}

impl Microphone for ToneMicrophone {
    fn read(&mut self, frame: &mut Frame, stop: &Stop) -> Result<(), MicrophoneError> {
        self.next = pace(self.next);
        if !stop.sleep_until(self.next) {
            self.tone.next(frame);
        }
        Ok(())
    }
}

/// When the frame after the one that was ready at `last` is ready; a device that was not read for long has dropped
/// what nobody took.
pub(super) fn pace(last: Instant) -> Instant {
    let now = Instant::now();
    if now.saturating_duration_since(last) > LENGTH * 10 { now + LENGTH } else { last + LENGTH }
}
