//! Uncovering what stands behind people for a while: a board that is held up to be read. Pure.
//!
//! Only a hand on the device can do it, and every doubt ends it: a second press, the time, the camera's close (which is the
//! meeting's end), another mode, the guard's or the room's going. Media that starts again has forgotten it.

use std::time::{Duration, Instant};

use subrosa_messages::guard::GuardToMedia;

/// How long it lasts.
pub const LASTS: Duration = Duration::from_secs(60);

/// Somebody pressed *reveal* on the device. It is made from the guard's word and from nothing else, so that no value that
/// came over a network, nor any word of the room's, can uncover anything (P2).
#[derive(Debug, PartialEq, Eq)]
pub struct RevealAct(());

impl RevealAct {
    /// The act that a word of the guard stands for.
    #[must_use]
    pub fn in_word(word: &GuardToMedia) -> Option<Self> {
        match word {
            GuardToMedia::Reveal => Some(RevealAct(())),
            GuardToMedia::Granted { .. }
            | GuardToMedia::Refused { .. }
            | GuardToMedia::Revoke { .. }
            | GuardToMedia::MayAsk { .. } => None,
        }
    }
}

/// Something happened.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A hand on the device.
    Pressed(RevealAct),
    /// The camera is open, or not.
    Camera(bool),
    /// The room says what is sent in place of what stands behind people: something else, or nothing.
    Hides(bool),
    /// The guard or the room is gone.
    Gone,
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Everything is seen, until then at the latest.
    Uncover {
        /// When it ends by itself.
        until: Instant,
    },
    /// It is hidden again, at once.
    Cover,
}

/// The machine.
#[derive(Clone, Debug, Default)]
pub struct Reveal {
    camera: bool,
    hides: bool,
    until: Option<Instant>,
}

impl Reveal {
    /// One step.
    pub fn step(&mut self, now: Instant, event: Event) -> Option<Change> {
        let before = self.until;
        if self.until.is_some_and(|until| now >= until) {
            self.until = None;
        }
        match event {
            Event::Pressed(RevealAct(())) => {
                // A press that comes together with the end is one that wanted the end.
                self.until = (before.is_none() && self.camera && self.hides).then(|| now + LASTS);
            }
            Event::Camera(open) => {
                self.camera = open;
                self.until = self.until.filter(|_| open);
            }
            Event::Hides(hides) => {
                self.hides = hides;
                self.until = None;
            }
            Event::Gone => self.until = None,
            Event::Tick => {}
        }
        match (before, self.until) {
            (_, Some(until)) if before != Some(until) => Some(Change::Uncover { until }),
            (Some(_), None) => Some(Change::Cover),
            (Some(_) | None, Some(_)) | (None, None) => None,
        }
    }

    /// When [`Event::Tick`] is due, if at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press() -> Event {
        Event::Pressed(RevealAct::in_word(&GuardToMedia::Reveal).unwrap())
    }

    fn event(kind: u8) -> Event {
        match kind {
            0 => press(),
            1 => Event::Camera(true),
            2 => Event::Camera(false),
            3 => Event::Hides(true),
            4 => Event::Hides(false),
            5 => Event::Gone,
            _ => Event::Tick,
        }
    }

    /// Every event, in each of the states that there are.
    #[test]
    fn p4_the_whole_table() {
        use Change::{Cover, Uncover};
        let now = Instant::now();
        let later = now + Duration::from_secs(5);
        let uncovers = Some(Uncover { until: later + LASTS });
        // Columns: nothing open · open and as it is · open and hidden · uncovered · uncovered and its time over.
        let table = [
            [None, None, uncovers, Some(Cover), Some(Cover)],
            [None, None, None, None, Some(Cover)],
            [None, None, None, Some(Cover), Some(Cover)],
            [None, None, None, Some(Cover), Some(Cover)],
            [None, None, None, Some(Cover), Some(Cover)],
            [None, None, None, Some(Cover), Some(Cover)],
            [None, None, None, None, Some(Cover)],
        ];
        let states = [
            Reveal::default(),
            Reveal { camera: true, hides: false, until: None },
            Reveal { camera: true, hides: true, until: None },
            Reveal { camera: true, hides: true, until: Some(now + LASTS) },
            Reveal { camera: true, hides: true, until: Some(later) },
        ];
        for (kind, row) in (0..).zip(table) {
            for (state, expected) in states.iter().zip(row) {
                let mut machine = state.clone();
                assert_eq!(machine.step(later, event(kind)), expected, "{:?} in {state:?}", event(kind));
            }
        }
    }

    #[test]
    fn p2_no_other_word_of_the_guard_uncovers() {
        let words = [
            GuardToMedia::Refused {
                capture: subrosa_messages::Capture::Camera,
                reason: subrosa_messages::guard::Refusal::Busy,
            },
            GuardToMedia::MayAsk { capture: subrosa_messages::Capture::Camera, refusal: None },
            GuardToMedia::Revoke { permit: subrosa_messages::guard::PermitId(1) },
        ];
        assert!(words.iter().all(|word| RevealAct::in_word(word).is_none()));
    }

    proptest! {
        #[test]
        fn p4_nothing_is_uncovered_but_by_a_press_and_never_for_longer_than_a_minute(
            steps in prop::collection::vec((0..7_u8, 0..40_u64), 0..60),
        ) {
            let mut machine = Reveal::default();
            let mut now = Instant::now();
            let (mut camera, mut hides) = (false, false);
            let mut uncovered: Option<Instant> = None;
            for (kind, seconds) in steps {
                now += Duration::from_secs(seconds);
                match kind { 1 => camera = true, 2 => camera = false, 3 => hides = true, 4 => hides = false, _ => {} }
                match machine.step(now, event(kind)) {
                    Some(Change::Uncover { until }) => {
                        prop_assert!(kind == 0 && uncovered.is_none() && camera && hides);
                        prop_assert_eq!(until, now + LASTS);
                        uncovered = Some(now);
                    }
                    Some(Change::Cover) => prop_assert!(uncovered.take().is_some()),
                    None => {}
                }
                prop_assert_eq!(machine.deadline().is_some(), uncovered.is_some(), "it ends without a further event");
                prop_assert!(uncovered.is_none_or(|since| camera && hides && now < since + LASTS));
            }
        }
    }
}
