//! When a screen that is not there, or has gone, is tried again.

use std::time::{Duration, Instant};

/// A screen that stayed this long was really there.
const STEADY: Duration = Duration::from_secs(2);

/// Waits longer each time, so that a room without a screen sleeps; a screen that was really there and has gone is tried
/// at once.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    first: Duration,
    most: Duration,
    wait: Duration,
    at: Option<Instant>,
    opened: Instant,
}

impl Retry {
    /// Tried at once, then after `first`, and with growing waits up to `most`.
    #[must_use]
    pub fn new(now: Instant, first: Duration, most: Duration) -> Self {
        Retry { first, most, wait: first, at: Some(now), opened: now }
    }

    /// When it is tried; `None`: it is there.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// It could not be opened.
    pub fn failed(&mut self, now: Instant) {
        self.at = Some(now + self.wait);
        self.wait = (self.wait + self.wait / 8).min(self.most);
    }

    /// It was opened.
    pub fn opened(&mut self, now: Instant) {
        self.at = None;
        self.opened = now;
    }

    /// It was open and is no more. Whether it was really there.
    pub fn lost(&mut self, now: Instant) -> bool {
        let was_there = now.saturating_duration_since(self.opened) >= STEADY;
        if was_there {
            self.wait = self.first;
            self.at = Some(now);
        } else {
            self.failed(now);
        }
        was_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(100);
    const MOST: Duration = Duration::from_secs(1);

    #[test]
    fn waits_grow_and_end_somewhere() {
        let start = Instant::now();
        let mut retry = Retry::new(start, FIRST, MOST);
        assert_eq!(retry.at(), Some(start));
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..40 {
            retry.failed(now);
            let at = retry.at().unwrap();
            waits.push(at - now);
            now = at;
        }
        assert_eq!((waits[0], waits[39]), (FIRST, MOST));
        assert!(waits.is_sorted());
        assert!(now - start > Duration::from_secs(15));
    }

    #[test]
    fn a_screen_that_was_there_is_tried_at_once_and_one_that_never_works_is_not() {
        let start = Instant::now();
        let mut retry = Retry::new(start, FIRST, MOST);
        retry.opened(start);
        assert_eq!(retry.at(), None);
        let later = start + Duration::from_secs(60);
        assert!(retry.lost(later));
        assert_eq!(retry.at(), Some(later));
        // It opens, and takes no picture.
        let mut now = later;
        for _ in 0..40 {
            retry.opened(now);
            assert!(!retry.lost(now));
            now = retry.at().unwrap();
        }
        assert!(now - later > Duration::from_secs(15));
    }
}
