//! The room's button: pressed shortly, or held.
//!
//! A press acts when the button comes up, since a held button means something else: whoever ends the meeting must
//! not let in the guest who waits. Waking acts at once.

use std::time::Duration;

use super::Moment;

/// A contact that has just moved bounces for some milliseconds; nothing it does in that time counts.
const BOUNCE: Duration = Duration::from_millis(30);
/// From here on a press is a hold.
const HOLD: Duration = Duration::from_secs(2);

/// What a hand did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hand {
    /// The button went down.
    Down,
    /// It came up again soon.
    Short,
    /// It has been down for two seconds.
    Held,
}

/// The button's line over time. `None` is a line that cannot be read.
#[derive(Clone, Debug)]
pub(super) struct Button {
    raw: Option<bool>,
    /// What counts. A button that is down when it is first seen has not been pressed.
    accepted: Option<bool>,
    changed: Moment,
    hold: Option<Moment>,
}

impl Button {
    pub(super) fn new() -> Self {
        Button { raw: None, accepted: None, changed: Moment::ZERO, hold: None }
    }

    /// Takes a reading of the line.
    pub(super) fn read(&mut self, now: Moment, pressed: Option<bool>) -> Option<Hand> {
        self.raw = pressed;
        self.time(now)
    }

    /// Lets time pass.
    pub(super) fn time(&mut self, now: Moment) -> Option<Hand> {
        if self.raw.is_none() {
            // Broken off: neither a press nor a hold can end in this.
            (self.accepted, self.hold) = (None, None);
            return None;
        }
        if self.raw != self.accepted && (self.accepted.is_none() || now >= self.changed.saturating_add(BOUNCE)) {
            let before = std::mem::replace(&mut self.accepted, self.raw);
            self.changed = now;
            match (before, self.raw) {
                (Some(false), Some(true)) => {
                    self.hold = Some(now.saturating_add(HOLD));
                    return Some(Hand::Down);
                }
                (Some(true), Some(false)) => return self.hold.take().map(|_| Hand::Short),
                (None | Some(true | false), None | Some(true | false)) => {}
            }
        }
        if self.hold.is_some_and(|until| now >= until) {
            self.hold = None;
            return Some(Hand::Held);
        }
        None
    }

    /// This press has had its effect; it is neither a short one nor a hold any more.
    pub(super) fn spent(&mut self) {
        self.hold = None;
    }

    /// When [`Button::time`] has something to say without a new reading.
    pub(super) fn deadline(&self) -> Option<Moment> {
        if self.raw.is_some() && self.raw != self.accepted {
            return Some(self.changed.saturating_add(BOUNCE));
        }
        self.hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hands(readings: &[(u64, Option<bool>)]) -> Vec<(u64, Hand)> {
        let mut button = Button::new();
        let mut seen = Vec::new();
        let mut readings = readings.iter().peekable();
        for milliseconds in 0..5000 {
            let now = Moment::from_millis(milliseconds);
            let hand = match readings.next_if(|(at, _)| *at == milliseconds) {
                Some((_, pressed)) => button.read(now, *pressed),
                None if button.deadline().is_some_and(|deadline| deadline <= now) => button.time(now),
                None => None,
            };
            seen.extend(hand.map(|hand| (milliseconds, hand)));
        }
        seen
    }

    #[test]
    fn a_short_press_counts_when_it_ends() {
        assert_eq!(
            hands(&[(0, Some(false)), (100, Some(true)), (220, Some(false))]),
            [(100, Hand::Down), (220, Hand::Short)]
        );
    }

    #[test]
    fn a_hold_counts_after_two_seconds_and_its_end_is_no_press() {
        assert_eq!(
            hands(&[(0, Some(false)), (100, Some(true)), (2500, Some(false))]),
            [(100, Hand::Down), (2100, Hand::Held)]
        );
    }

    #[test]
    fn a_bouncing_contact_is_one_press() {
        let bounces = [
            (0, Some(false)),
            (100, Some(true)),
            (103, Some(false)),
            (105, Some(true)),
            (300, Some(false)),
            (302, Some(true)),
            (310, Some(false)),
        ];
        assert_eq!(hands(&bounces), [(100, Hand::Down), (300, Hand::Short)]);
    }

    #[test]
    fn a_press_shorter_than_a_bounce_is_still_seen_as_one() {
        assert_eq!(
            hands(&[(0, Some(false)), (100, Some(true)), (110, Some(false))]),
            [(100, Hand::Down), (130, Hand::Short)]
        );
    }

    #[test]
    fn p2_a_button_that_is_down_from_the_start_or_breaks_off_presses_nothing() {
        assert_eq!(hands(&[(0, Some(true)), (3000, Some(false))]), []);
        assert_eq!(hands(&[(0, Some(false)), (100, None), (200, Some(true)), (300, Some(false))]), []);
        assert_eq!(
            hands(&[(0, Some(false)), (100, Some(true)), (200, None), (4000, Some(false))]),
            [(100, Hand::Down)]
        );
    }
}
