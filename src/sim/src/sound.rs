//! What the simulated speaker has played: the last seconds of it, and how loud it is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Samples a second.
pub const RATE: usize = 48_000;
/// So much is remembered, in seconds.
pub const REMEMBERED: usize = 30;
/// Sound may come so much too late before the gap counts as silence.
const SLACK: Duration = Duration::from_millis(100);

/// The last [`REMEMBERED`] seconds, in real time: what did not arrive was silence.
#[derive(Debug)]
pub struct Recorder {
    samples: VecDeque<i16>,
    /// The time of the last sample.
    end: Option<Instant>,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder { samples: VecDeque::with_capacity(RATE * REMEMBERED), end: None }
    }
}

impl Recorder {
    /// Takes what was played, 16-bit little-endian mono.
    pub fn push(&mut self, now: Instant, bytes: &[u8]) {
        let (samples, _) = bytes.as_chunks::<2>();
        let length = duration(samples.len());
        let gap = self.end.map_or(Duration::ZERO, |end| now.saturating_duration_since(end + length));
        if gap > SLACK {
            self.samples.extend(std::iter::repeat_n(0, count(gap).min(RATE * REMEMBERED)));
            self.end = Some(now);
        } else {
            // A burst must not push the clock ahead of the wall.
            self.end = Some(self.end.map_or(now, |end| (end + length).min(now + SLACK)));
        }
        self.samples.extend(samples.iter().copied().map(i16::from_le_bytes));
        let excess = self.samples.len().saturating_sub(RATE * REMEMBERED);
        self.samples.drain(..excess);
    }

    /// The last `wanted` samples up to now.
    #[must_use]
    pub fn last(&self, now: Instant, wanted: usize) -> Vec<i16> {
        let wanted = wanted.min(RATE * REMEMBERED);
        let gap = self.end.map_or(Duration::ZERO, |end| now.saturating_duration_since(end));
        let silence = if gap > SLACK { count(gap).min(wanted) } else { 0 };
        let heard = (wanted - silence).min(self.samples.len());
        let mut samples = vec![0; wanted - silence - heard];
        samples.extend(self.samples.iter().skip(self.samples.len() - heard));
        samples.extend(std::iter::repeat_n(0, silence));
        samples
    }
}

fn duration(samples: usize) -> Duration {
    Duration::from_nanos(samples as u64 * 1_000_000_000 / RATE as u64)
}

fn count(duration: Duration) -> usize {
    let samples = duration.as_millis() * RATE as u128 / 1000;
    usize::try_from(samples).unwrap_or(usize::MAX)
}

/// A WAV file (RIFF, PCM) of 16-bit mono samples.
#[must_use]
pub fn wav(samples: &[i16]) -> Vec<u8> {
    let rate = RATE as u32;
    let length = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut file = Vec::with_capacity(44 + samples.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&length.saturating_add(36).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes()); // length of this chunk
    file.extend_from_slice(&1_u16.to_le_bytes()); // PCM
    file.extend_from_slice(&1_u16.to_le_bytes()); // channels
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * 2).to_le_bytes()); // bytes a second
    file.extend_from_slice(&2_u16.to_le_bytes()); // bytes a frame
    file.extend_from_slice(&16_u16.to_le_bytes()); // bits a sample
    file.extend_from_slice(b"data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// How loud a tenth of a second was, in decibels of full scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loudness {
    /// Root mean square; −90 is silence.
    pub rms: f32,
    /// The highest sample.
    pub peak: f32,
}

impl Loudness {
    /// Nothing to hear.
    pub const SILENCE: Loudness = Loudness { rms: -90.0, peak: -90.0 };
}

/// Measures [`Loudness`] ten times a second.
#[derive(Debug, Default)]
pub struct Meter {
    squares: f64,
    peak: u16,
    samples: usize,
}

impl Meter {
    /// Takes what was played; a value whenever a tenth of a second is full.
    pub fn push(&mut self, bytes: &[u8]) -> Option<Loudness> {
        for sample in bytes.as_chunks::<2>().0.iter().copied().map(i16::from_le_bytes) {
            self.squares += f64::from(sample).powi(2);
            self.peak = self.peak.max(sample.unsigned_abs());
        }
        self.samples += bytes.len() / 2;
        if self.samples < RATE / 10 {
            return None;
        }
        let decibels = |value: f64| (20.0 * (value / 32_768.0).log10()).max(-90.0) as f32;
        let loudness = Loudness {
            rms: decibels((self.squares / self.samples as f64).sqrt()),
            peak: decibels(f64::from(self.peak)),
        };
        *self = Meter::default();
        Some(loudness)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(value: i16) -> Vec<u8> {
        value.to_le_bytes().repeat(480)
    }

    #[test]
    fn the_last_second_is_what_was_played_in_it() {
        let (mut recorder, start) = (Recorder::default(), Instant::now());
        let mut now = start;
        for value in 0..200 {
            now += Duration::from_millis(10);
            recorder.push(now, &chunk(value));
        }
        let heard = recorder.last(now, RATE);
        assert_eq!((heard.len(), heard[0], heard[RATE - 1]), (RATE, 100, 199));
    }

    #[test]
    fn what_did_not_arrive_was_silence() {
        let (mut recorder, start) = (Recorder::default(), Instant::now());
        recorder.push(start, &chunk(7));
        assert!(recorder.last(start + Duration::from_secs(2), RATE).iter().all(|sample| *sample == 0));
        recorder.push(start + Duration::from_secs(2), &chunk(9));
        let heard = recorder.last(start + Duration::from_secs(2), RATE * 3);
        assert_eq!(heard.iter().filter(|sample| **sample == 7).count(), 480);
        let (first, second) =
            (heard.iter().position(|s| *s == 7).unwrap(), heard.iter().position(|s| *s == 9).unwrap());
        assert!((second - first).abs_diff(2 * RATE) < RATE / 50, "{}", second - first);
    }

    #[test]
    fn nothing_older_than_it_remembers_and_always_as_long_as_asked() {
        let (mut recorder, now) = (Recorder::default(), Instant::now());
        assert_eq!(recorder.last(now, 100), vec![0; 100]);
        for _ in 0..40 * 100 {
            recorder.push(now, &chunk(3));
        }
        assert_eq!(recorder.last(now, usize::MAX).len(), RATE * REMEMBERED);
    }

    #[test]
    fn loudness_of_a_known_tone() {
        let mut meter = Meter::default();
        let mut seen = None;
        for _ in 0..10 {
            seen = seen.or(meter.push(&chunk(16_384)));
        }
        let loudness = seen.unwrap();
        assert!((loudness.rms + 6.02).abs() < 0.01 && (loudness.peak + 6.02).abs() < 0.01, "{loudness:?}");
    }

    #[test]
    fn a_wav_file_says_how_long_it_is() {
        let file = wav(&[1, -1]);
        assert_eq!((file.len(), &file[..4], &file[40..44]), (48, b"RIFF".as_slice(), [4, 0, 0, 0].as_slice()));
    }
}
