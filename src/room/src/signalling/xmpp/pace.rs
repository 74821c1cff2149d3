//! How long until the next attempt to reconnect, so that a server that comes back is not met by everybody at once.

use std::time::Duration;

/// Delays between attempts. The first three ranges are those of lib-jitsi-meet (1.5–3 s, 3–9 s, 4.5–27 s); the last one
/// stays. Where in its range a delay lies is drawn from a seed.
#[derive(Clone, Debug)]
pub struct Pace {
    attempt: u32,
    state: u64,
}

impl Pace {
    /// From a seed that differs from device to device.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Pace { attempt: 0, state: seed }
    }

    /// How many attempts there were since [`Pace::rest`].
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempt
    }

    /// It worked: the next delay is a short one.
    pub fn rest(&mut self) {
        self.attempt = 0;
    }

    /// The next delay.
    pub fn draw(&mut self) -> Duration {
        self.attempt = self.attempt.saturating_add(1);
        let n = self.attempt.min(3);
        let (least, most) = (1500 * u64::from(n), 1000 * 3_u64.pow(n));
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis(least + (z ^ (z >> 31)) % (most - least + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_lie_in_their_ranges_and_start_again_after_a_rest() {
        for seed in 0..200 {
            let mut pace = Pace::new(seed);
            for (least, most) in [(1500, 3000), (3000, 9000), (4500, 27_000), (4500, 27_000)] {
                let delay = pace.draw();
                assert!((Duration::from_millis(least)..=Duration::from_millis(most)).contains(&delay), "{delay:?}");
            }
            pace.rest();
            assert!(pace.draw() <= Duration::from_secs(3));
        }
    }
}
