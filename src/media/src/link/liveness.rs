//! Whether a peer is still there: pure. webrtcbin 1.22 says *connected* for ever.

use std::time::{Duration, Instant};

/// A peer of which nothing came for so long is silent. Browsers send congestion feedback and reports several times
/// a second.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The liveness of one link.
#[derive(Clone, Copy, Debug)]
pub struct Liveness {
    heard: u64,
    since: Instant,
    silent: bool,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing came for [`PATIENCE`].
    Silent,
    /// Something came again.
    Heard,
}

impl Liveness {
    /// Starts when the link is verified.
    #[must_use]
    pub fn start(now: Instant, heard: u64) -> Self {
        Liveness { heard, since: now, silent: false }
    }

    /// To be called about once a second with the count of packets that have come.
    pub fn step(&mut self, now: Instant, heard: u64) -> Option<Change> {
        if heard != self.heard {
            self.heard = heard;
            self.since = now;
            let was_silent = std::mem::take(&mut self.silent);
            return was_silent.then_some(Change::Heard);
        }
        let silent = now.saturating_duration_since(self.since) >= PATIENCE;
        let fell_silent = silent && !self.silent;
        self.silent |= silent;
        fell_silent.then_some(Change::Silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p10_a_peer_is_silent_after_five_seconds_and_heard_again_at_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut machine = Liveness::start(start, 10);
        assert_eq!(machine.step(at(1), 20), None);
        for second in 2..6 {
            assert_eq!(machine.step(at(second), 20), None);
        }
        assert_eq!(machine.step(at(6), 20), Some(Change::Silent));
        assert_eq!(machine.step(at(7), 20), None, "told once");
        assert_eq!(machine.step(at(8), 21), Some(Change::Heard));
        assert_eq!(machine.step(at(12), 21), None);
        assert_eq!(machine.step(at(13), 21), Some(Change::Silent));
    }
}
