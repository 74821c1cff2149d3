//! What whoever runs the meeting from a phone sets of the room itself: how loud it hears others, that what stands behind
//! people is hidden; and what they ask the people in the room for.
//!
//! A question is all that a phone can do for an open capture (P2): it stands on the room's screen until somebody there
//! opens the capture, or for a minute.

use std::time::{Duration, Instant};

use subrosa_messages::Capture;

/// A question stands for so long.
const ASKED_FOR: Duration = Duration::from_secs(60);
/// As loud as the room is set up.
const LOUD: u8 = 100;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phone asks for a capture.
    Asked(Capture),
    /// A phone sets the volume, in percent; more than 100 is 100.
    Volume(u8),
    /// A phone wants what stands behind people hidden, or leaves it to the configuration again.
    Hide(bool),
    /// A capture is live, or it is not.
    Live(Capture, bool),
    /// The room sleeps.
    Slept,
    /// Time passes.
    Tick,
}

/// What is set and asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chair {
    asked: [Option<Instant>; 2],
    volume: u8,
    hides: bool,
}

impl Default for Chair {
    fn default() -> Self {
        Chair { asked: [None; 2], volume: LOUD, hides: false }
    }
}

impl Chair {
    /// Takes one event.
    pub fn step(&mut self, now: Instant, event: Event) {
        match event {
            Event::Asked(capture) => *self.of(capture) = Some(now + ASKED_FOR),
            Event::Volume(percent) => self.volume = percent.min(LOUD),
            Event::Hide(on) => self.hides = on,
            Event::Live(capture, true) => *self.of(capture) = None,
            Event::Live(_, false) => {}
            Event::Slept => *self = Chair::default(),
            Event::Tick => {
                for until in &mut self.asked {
                    *until = until.filter(|until| now < *until);
                }
            }
        }
    }

    fn of(&mut self, capture: Capture) -> &mut Option<Instant> {
        let [camera, microphone] = &mut self.asked;
        match capture {
            Capture::Camera => camera,
            Capture::Microphone => microphone,
        }
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.asked.iter().flatten().min().copied()
    }

    /// What the people in the room are asked for.
    #[must_use]
    pub fn asked(&self) -> Vec<Capture> {
        Capture::ALL
            .into_iter()
            .zip(self.asked)
            .filter(|(_, until)| until.is_some())
            .map(|(capture, _)| capture)
            .collect()
    }

    /// How loud the room hears others, in percent.
    #[must_use]
    pub fn volume(&self) -> u8 {
        self.volume
    }

    /// What stands behind people is to be hidden although the configuration does not hide it.
    #[must_use]
    pub fn hides(&self) -> bool {
        self.hides
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p2_a_question_stands_until_somebody_opens_or_for_a_minute_and_changes_nothing_else() {
        let (mut chair, now) = (Chair::default(), Instant::now());
        chair.step(now, Event::Asked(Capture::Microphone));
        chair.step(now, Event::Asked(Capture::Camera));
        assert_eq!(chair.asked(), Capture::ALL);
        chair.step(now, Event::Live(Capture::Microphone, false));
        chair.step(now, Event::Live(Capture::Camera, true));
        assert_eq!(chair.asked(), [Capture::Microphone]);
        chair.step(now + Duration::from_secs(59), Event::Tick);
        assert_eq!(chair.asked(), [Capture::Microphone]);
        chair.step(chair.deadline().unwrap(), Event::Tick);
        assert_eq!((chair.asked(), chair.deadline()), (vec![], None));
        assert_eq!(chair, Chair::default());
    }

    #[test]
    fn what_was_set_ends_with_the_meeting() {
        let (mut chair, now) = (Chair::default(), Instant::now());
        for event in [Event::Volume(200), Event::Volume(30), Event::Hide(true), Event::Asked(Capture::Camera)] {
            chair.step(now, event);
        }
        assert_eq!((chair.volume(), chair.hides()), (30, true));
        chair.step(now, Event::Volume(200));
        assert_eq!(chair.volume(), 100);
        chair.step(now, Event::Slept);
        assert_eq!(chair, Chair::default());
    }
}
