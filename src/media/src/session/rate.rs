//! How much comes as a track, in bit/s: pure.

use std::time::Instant;

/// Reacts within about this time, in seconds.
const TIME: f64 = 1.5;

/// The rate of one track, from counts of its bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    last: Option<(Instant, u64)>,
    rate: f64,
}

impl Rate {
    /// So many bytes have come until now; the rate in bit/s, with what packets add to frames.
    pub fn step(&mut self, now: Instant, bytes: u64) -> u32 {
        if let Some((last, before)) = self.last {
            let elapsed = now.saturating_duration_since(last).as_secs_f64();
            if elapsed > 0.0 {
                // Headers of RTP and its extensions are a sixteenth of a picture's packets.
                let rate = bytes.saturating_sub(before) as f64 * 8.5 / elapsed;
                self.rate += (rate - self.rate) * (1.0 - (-elapsed / TIME).exp());
            }
        }
        self.last = Some((now, bytes));
        self.rate as u32
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_finds_the_rate_and_forgets_it() {
        let mut rate = Rate::default();
        let start = Instant::now();
        let step = Duration::from_millis(250);
        let mut found = 0;
        for n in 0..40_u32 {
            found = rate.step(start + step * n, u64::from(n) * 12_500);
        }
        assert!((415_000..=425_000).contains(&found), "50 kB/s: {found}");
        for n in 40..80_u32 {
            found = rate.step(start + step * n, 39 * 12_500);
        }
        assert!(found < 1000, "{found}");
        assert_eq!(rate.step(start, 0), found, "a clock that stands still changes nothing");
    }
}
