//! How loud a played track is, for the sign of who talks.

use super::frame::Frame;

/// Frames in one reading: three readings a second.
const WINDOW: u32 = 33;
/// Weaker than this is silence and not worth waking the room for, in dB below full scale.
const SILENT: u8 = 70;

/// Reads the loudness of one track.
#[derive(Debug, Default)]
pub struct Loudness {
    squares: f64,
    samples: u64,
    frames: u32,
    audible: bool,
}

impl Loudness {
    /// Takes a frame; at the end of a window the level in dB below full scale, 0 to 127 as in RFC 6464, while the track is
    /// not silent. When it falls silent, 127 once.
    pub fn hear(&mut self, frame: &Frame) -> Option<u8> {
        self.squares += frame.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum::<f64>();
        self.samples += frame.len() as u64;
        self.frames += 1;
        if self.frames < WINDOW {
            return None;
        }
        let level = level(self.squares / self.samples.max(1) as f64);
        (self.squares, self.samples, self.frames) = (0.0, 0, 0);
        let audible = level <= SILENT;
        let fell_silent = self.audible && !audible;
        self.audible = audible;
        if fell_silent { Some(127) } else { audible.then_some(level) }
    }
}

/// The level of one frame, in dB below full scale, 0 to 127 (RFC 6464).
#[must_use]
pub fn of(frame: &Frame) -> u8 {
    level(frame.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum::<f64>() / frame.len().max(1) as f64)
}

/// Mean power of samples as dB below the power of a square wave at full scale.
fn level(power: f64) -> u8 {
    let full = 32768.0 * 32768.0;
    if power <= 0.0 {
        return 127;
    }
    (-10.0 * (power / full).log10()).round().clamp(0.0, 127.0) as u8
}

#[cfg(test)]
mod tests {
    use super::super::frame::{SAMPLES, SILENCE};
    use super::*;

    fn hear(meter: &mut Loudness, frame: &Frame, frames: usize) -> Vec<u8> {
        (0..frames).filter_map(|_| meter.hear(frame)).collect()
    }

    #[test]
    fn levels_are_those_of_rfc_6464() {
        let square = std::array::from_fn::<i16, SAMPLES, _>(|n| if n % 2 == 0 { i16::MAX } else { i16::MIN });
        assert_eq!(hear(&mut Loudness::default(), &square, 33), [0]);
        let tenth = square.map(|sample| sample / 10);
        assert_eq!(hear(&mut Loudness::default(), &tenth, 33), [20]);
    }

    #[test]
    fn three_readings_a_second_and_one_when_it_falls_silent() {
        let mut meter = Loudness::default();
        assert_eq!(hear(&mut meter, &[1000; SAMPLES], 99).len(), 3);
        assert_eq!(hear(&mut meter, &SILENCE, 65), [127]);
        assert!(hear(&mut meter, &SILENCE, 1000).is_empty());
    }
}
