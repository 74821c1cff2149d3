//! From the sum of all that is heard to what is played: volume, and no overdriving when many talk at once: pure.
//!
//! The amplitude is the cube of the volume, which is about how loud it seems (what sound servers do too). What would go
//! beyond full scale is turned down as a whole at once and comes back slowly: several voices that are clipped are noise, and
//! the echo canceller, which is shown exactly what is played, cannot take a clipped sum for a sum.

use super::frame::{Frame, SAMPLES};

/// Largest amplitude that is played.
const FULL: f32 = 32_700.0;
/// What is left of the way back to no limiting after each 10 ms: half of it in a quarter of a second.
const RELEASE: f32 = 0.973;

/// Makes what is played.
#[derive(Debug)]
pub struct Mixer {
    volume: f32,
    /// What the last frame ended with.
    gain: f32,
    limit: f32,
}

impl Default for Mixer {
    fn default() -> Self {
        Mixer { volume: 1.0, gain: 1.0, limit: 1.0 }
    }
}

impl Mixer {
    /// 0 to 100; more is 100.
    pub fn volume(&mut self, percent: u8) {
        self.volume = (f32::from(percent.min(100)) / 100.0).powi(3);
    }

    /// The next 10 ms.
    pub fn frame(&mut self, sum: &[i32; SAMPLES]) -> Frame {
        let peak = sum.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0) as f32 * self.volume;
        let bound = if peak > FULL { FULL / peak } else { 1.0 };
        self.limit = bound.min(1.0 - (1.0 - self.limit) * RELEASE);
        let (from, to) = (self.gain.min(self.volume * bound), self.volume * self.limit);
        self.gain = to;
        let step = (to - from) / SAMPLES as f32;
        let mut frame = [0; SAMPLES];
        for (n, (made, sample)) in frame.iter_mut().zip(sum).enumerate() {
            let gain = from + step * n as f32;
            *made = (*sample as f32 * gain).round().clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn peak(frame: &Frame) -> u16 {
        frame.iter().map(|sample| sample.unsigned_abs()).max().unwrap()
    }

    #[test]
    fn as_it_is_at_full_volume() {
        let mut mixer = Mixer::default();
        let sum = std::array::from_fn(|n| n as i32 * 60 - 14_000);
        assert_eq!(mixer.frame(&sum).map(i32::from), sum);
        assert_eq!(mixer.frame(&sum).map(i32::from), sum);
    }

    #[test]
    fn nothing_is_heard_at_no_volume_and_half_is_an_eighth() {
        let mut mixer = Mixer::default();
        let sum = [16_000; SAMPLES];
        mixer.volume(50);
        mixer.frame(&sum);
        assert_eq!(peak(&mixer.frame(&sum)), 2000);
        mixer.volume(0);
        mixer.frame(&sum);
        assert_eq!(peak(&mixer.frame(&sum)), 0);
        mixer.volume(255);
        mixer.frame(&sum);
        assert_eq!(peak(&mixer.frame(&sum)), 16_000);
    }

    #[test]
    fn seven_at_once_are_turned_down_and_not_cut_off() {
        let mut mixer = Mixer::default();
        let loud: [i32; SAMPLES] = std::array::from_fn(|n| ((n as f32 / 5.0).sin() * 7.0 * 20_000.0) as i32);
        for _ in 0..3 {
            let frame = mixer.frame(&loud);
            let cut = frame.iter().filter(|sample| sample.unsigned_abs() >= 32_767).count();
            assert!(cut == 0 && peak(&frame) > 30_000, "{cut} samples are cut off");
        }
        let quiet = [1000; SAMPLES];
        assert!(peak(&mixer.frame(&quiet)) < 400, "it comes back slowly");
        for _ in 0..300 {
            mixer.frame(&quiet);
        }
        assert!(peak(&mixer.frame(&quiet)) >= 998);
    }

    proptest! {
        #[test]
        fn whatever_comes_it_is_never_overdriven(frames in prop::collection::vec((0_i32..300_000, 0_u8..=100), 1..40)) {
            let mut mixer = Mixer::default();
            for (loudest, percent) in frames {
                mixer.volume(percent);
                let sum = std::array::from_fn(|n| if n % 2 == 0 { loudest } else { -loudest });
                prop_assert!(peak(&mixer.frame(&sum)) <= 32_701);
            }
        }
    }
}
