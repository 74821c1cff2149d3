//! When the screen is painted: at once when the overlay changes, at the screen's own rate while a picture moves, and
//! otherwise never.

use std::time::{Duration, Instant};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The overlay or the arrangement is another one, or the screen has just been switched on.
    Changed,
    /// A picture has a new frame, or none any more.
    Moved,
    /// The screen shows what was painted.
    Painted,
}

/// Decides when to paint.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    interval: Duration,
    painted: Option<Instant>,
    due: Option<Instant>,
}

impl Rhythm {
    /// For a screen that takes a moving picture every `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Rhythm { interval, painted: None, due: None }
    }

    /// Takes an event.
    pub fn step(&mut self, now: Instant, event: Event) {
        match event {
            Event::Changed => self.due = Some(now),
            Event::Moved => {
                let next = self.painted.map_or(now, |painted| (painted + self.interval).max(now));
                self.due = Some(self.due.map_or(next, |due| due.min(next)));
            }
            Event::Painted => (self.painted, self.due) = (Some(now), None),
        }
    }

    /// When to paint; `None`: not before something happens.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(66);

    #[test]
    fn an_overlay_is_painted_at_once_and_a_picture_at_the_rate_of_the_screen() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut rhythm = Rhythm::new(INTERVAL);
        assert_eq!(rhythm.due(), None);
        rhythm.step(at(0), Event::Changed);
        assert_eq!(rhythm.due(), Some(at(0)));
        rhythm.step(at(1), Event::Painted);
        assert_eq!(rhythm.due(), None);
        rhythm.step(at(10), Event::Moved);
        rhythm.step(at(43), Event::Moved);
        assert_eq!(rhythm.due(), Some(at(67)));
        rhythm.step(at(50), Event::Changed);
        assert_eq!(rhythm.due(), Some(at(50)));
        rhythm.step(at(51), Event::Painted);
        rhythm.step(at(500), Event::Moved);
        assert_eq!(rhythm.due(), Some(at(500)));
    }

    proptest! {
        #[test]
        fn nothing_is_painted_without_a_reason_and_everything_soon(events in prop::collection::vec((0_u64..100, 0..3), 0..200)) {
            let mut now = Instant::now();
            let mut rhythm = Rhythm::new(INTERVAL);
            let mut owed = false;
            for (wait, event) in events {
                now += Duration::from_millis(wait);
                let event = match event { 0 => Event::Changed, 1 => Event::Moved, _ => Event::Painted };
                rhythm.step(now, event);
                owed = event != Event::Painted;
                if owed {
                    prop_assert!(rhythm.due().is_some_and(|due| due <= now + INTERVAL));
                } else {
                    prop_assert_eq!(rhythm.due(), None);
                }
            }
            let _ = owed;
        }
    }
}
