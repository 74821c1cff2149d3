//! How much a peer may say over its data channels: pure.
//!
//! Nothing slows a peer down that sends faster than anybody reads, so what is too much is dropped where it comes in. People
//! and bridges stay far below this bound.

use std::time::Instant;

/// Messages a second that pass for any time, and so many at once.
const MESSAGES: (f64, f64) = (100.0, 400.0);
/// Bytes a second, and at once.
const BYTES: (f64, f64) = (128.0 * 1024.0, 512.0 * 1024.0);
/// The longest message.
pub const LONGEST: usize = 64 * 1024;

/// What one peer may say now.
#[derive(Clone, Debug)]
pub struct Flood {
    messages: f64,
    bytes: f64,
    last: Option<Instant>,
}

impl Default for Flood {
    fn default() -> Self {
        Flood { messages: MESSAGES.1, bytes: BYTES.1, last: None }
    }
}

impl Flood {
    /// Whether a message of this many bytes passes.
    pub fn passes(&mut self, now: Instant, length: usize) -> bool {
        let elapsed = self.last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        self.last = Some(now);
        self.messages = (self.messages + elapsed * MESSAGES.0).min(MESSAGES.1);
        self.bytes = (self.bytes + elapsed * BYTES.0).min(BYTES.1);
        let passes = length <= LONGEST && self.messages >= 1.0 && self.bytes >= length as f64;
        if passes {
            self.messages -= 1.0;
            self.bytes -= length as f64;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flood_is_cut_and_words_pass_again_a_moment_later() {
        let mut flood = Flood::default();
        let start = Instant::now();
        assert_eq!((0..10_000).filter(|_| flood.passes(start, 10)).count(), 400);
        assert!(flood.passes(start + Duration::from_millis(20), 10));
        assert!(!flood.passes(start + Duration::from_secs(60), LONGEST + 1));
        assert!(flood.passes(start + Duration::from_secs(60), LONGEST));
    }

    proptest! {
        #[test]
        fn whatever_comes_no_more_than_the_bound_passes(messages in prop::collection::vec((0_u64..50, 0_usize..100_000), 0..500)) {
            let mut flood = Flood::default();
            let start = Instant::now();
            let mut now = start;
            let (mut count, mut bytes) = (0.0, 0.0);
            for (pause, length) in messages {
                now += Duration::from_millis(pause);
                if flood.passes(now, length) {
                    count += 1.0;
                    bytes += length as f64;
                }
                let elapsed = (now - start).as_secs_f64() + 0.001;
                prop_assert!(count <= MESSAGES.1 + MESSAGES.0 * elapsed && bytes <= BYTES.1 + BYTES.0 * elapsed);
            }
        }
    }
}
