//! How often a session may be restarted: jicofo takes one in five seconds and five in a minute, and refuses the rest.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Between two restarts.
const APART: Duration = Duration::from_secs(5);
/// So many …
const MOST: usize = 5;
/// … within this.
const WITHIN: Duration = Duration::from_secs(60);

/// The restarts of late.
#[derive(Clone, Debug, Default)]
pub struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// When the next one is allowed, not before `now`; `None`: there were so many that it is of no use.
    pub fn next(&mut self, now: Instant) -> Option<Instant> {
        while self.0.front().is_some_and(|first| now.saturating_duration_since(*first) >= WITHIN) {
            self.0.pop_front();
        }
        if self.0.len() >= MOST {
            return None;
        }
        Some(self.0.back().map_or(now, |last| (*last + APART).max(now)))
    }

    /// One was asked for.
    pub fn asked(&mut self, now: Instant) {
        self.0.push_back(now);
    }

    /// The server counts anew: we are somebody else.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_five_seconds_and_five_in_a_minute() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut restarts = Restarts::default();
        for n in 0..5 {
            let now = at(n * 5);
            assert_eq!(restarts.next(now), Some(now));
            restarts.asked(now);
            if n < 4 {
                assert_eq!(restarts.next(now + Duration::from_secs(1)), Some(at(n * 5 + 5)));
            }
        }
        assert_eq!(restarts.next(at(25)), None);
        assert_eq!(restarts.next(at(59)), None);
        assert_eq!(restarts.next(at(60)), Some(at(60)));
        restarts.forget();
        assert_eq!(restarts.next(at(61)), Some(at(61)));
    }
}
