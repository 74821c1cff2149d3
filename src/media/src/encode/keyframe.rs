//! How often an encoder makes a key frame: pure.
//!
//! Every peer may ask at any time (PLI, FIR, joining), and a key frame costs as much as a second of picture. At most
//! one in [`LEAST`] is made on request; a request that comes too early is kept, not lost.

use std::time::{Duration, Instant};

/// The least time between two key frames that peers asked for.
pub const LEAST: Duration = Duration::from_millis(500);

/// The throttle of one encoder.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyFrames {
    last: Option<Instant>,
    wanted: bool,
}

impl KeyFrames {
    /// A peer asks. `true`: make one now.
    pub fn ask(&mut self, now: Instant) -> bool {
        self.wanted = true;
        self.due(now)
    }

    /// Whether a request that was kept is due. To be asked with every frame.
    pub fn due(&mut self, now: Instant) -> bool {
        let due = self.wanted && self.last.is_none_or(|last| now.saturating_duration_since(last) >= LEAST);
        if due {
            self.made(now);
        }
        due
    }

    /// A key frame is made for a reason of our own: the edge of a capture, a new encoder.
    pub fn made(&mut self, now: Instant) {
        self.last = Some(now);
        self.wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn requests_are_never_lost_and_never_too_close(asks in prop::collection::vec(any::<bool>(), 1..400)) {
            let mut machine = KeyFrames::default();
            let start = Instant::now();
            let mut made = Vec::new();
            let mut pending_since = None;
            for (frame, asked) in asks.into_iter().enumerate() {
                let now = start + Duration::from_millis(33 * frame as u64);
                if asked {
                    pending_since.get_or_insert(now);
                }
                if if asked { machine.ask(now) } else { machine.due(now) } {
                    if let Some(last) = made.last() {
                        prop_assert!(now - *last >= LEAST);
                    }
                    made.push(now);
                    pending_since = None;
                }
                if let Some(since) = pending_since {
                    prop_assert!(now - since < LEAST, "a request waited {:?}", now - since);
                }
            }
        }
    }
}
