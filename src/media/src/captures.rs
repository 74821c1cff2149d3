//! When a capture is asked for, opened and closed: pure.
//!
//! Wanting is the room's, allowing is the guard's, and the device has a health of its own. A capture is asked for
//! when all three agree, and closed as soon as one does not.
//!
//! ```text
//!          wanted ∧ may ask            granted ∧ wanted
//! Closed ───────────────────→ Asking ───────────────────→ Open
//!   ↑  ↑                        │ refused, not wanted       │ revoked, not wanted, guard gone
//!   │  └────────────────────────┘                           ↓
//!   └────────────────── device says closed ────────────── Closing
//! ```

use std::time::{Duration, Instant};

use subrosa_messages::guard::Refusal;
use subrosa_messages::media::CaptureHealth;

/// How long after a refusal or a fault the guard is asked again when it says nothing by itself.
pub const RETRY: Duration = Duration::from_millis(500);

/// Something happened to one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The room wants it, or does not.
    Wanted(bool),
    /// The guard has connected; nothing is known of its mind yet.
    GuardHere,
    /// The guard is gone. Every permit went with it.
    GuardGone,
    /// The guard would refuse for this reason; `None`: ask.
    MayAsk(Option<Refusal>),
    /// The guard has granted it.
    Granted,
    /// The guard has refused it.
    Refused,
    /// The guard takes it back.
    Revoked,
    /// The device says how it is.
    Health(CaptureHealth),
    /// Time has passed.
    Tick,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the guard.
    Ask,
    /// Open the device with the permit that has just come.
    Open,
    /// Drop the permit that has just come: it says so to the guard.
    GiveBack,
    /// Close the device.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Asking,
    Open,
    Closing,
}

/// The machine of one capture.
#[derive(Clone, Debug)]
pub struct Captures {
    state: State,
    wanted: bool,
    guard: bool,
    may: Option<Option<Refusal>>,
    not_before: Option<Instant>,
}

impl Default for Captures {
    fn default() -> Self {
        Captures { state: State::Closed, wanted: false, guard: false, may: None, not_before: None }
    }
}

impl Captures {
    /// One step.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Wanted(wanted) => self.wanted = wanted,
            Event::GuardHere => {
                self.guard = true;
                self.may = None;
                self.not_before = None;
            }
            Event::GuardGone => {
                self.guard = false;
                self.may = None;
                if self.state == State::Asking {
                    self.state = State::Closed;
                }
            }
            Event::MayAsk(refusal) => {
                self.may = Some(refusal);
                self.not_before = None;
            }
            Event::Granted => match self.state {
                State::Asking if self.wanted && self.guard => {
                    self.state = State::Open;
                    actions.push(Action::Open);
                }
                State::Asking => {
                    self.state = State::Closed;
                    actions.push(Action::GiveBack);
                }
                // Never asked for, or asked for before the last connection.
                State::Closed | State::Open | State::Closing => actions.push(Action::GiveBack),
            },
            Event::Refused => {
                if self.state == State::Asking {
                    self.state = State::Closed;
                    self.not_before = Some(now + RETRY);
                }
            }
            Event::Revoked => {
                if self.state == State::Open {
                    self.state = State::Closing;
                    actions.push(Action::Close);
                }
            }
            Event::Health(CaptureHealth::Running) | Event::Tick => {}
            Event::Health(CaptureHealth::Closed) => match self.state {
                State::Open | State::Closing => self.state = State::Closed,
                State::Closed | State::Asking => {}
            },
            Event::Health(CaptureHealth::Missing | CaptureHealth::Failed) => match self.state {
                State::Open | State::Closing => {
                    self.state = State::Closed;
                    self.not_before = Some(now + RETRY);
                }
                State::Closed | State::Asking => {}
            },
        }
        self.settle(now, &mut actions);
        actions
    }

    /// It has been opened under a permit and not been told to close.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// When [`Event::Tick`] is due, if at all.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let asks = self.wanted && self.guard && self.state == State::Closed && self.may == Some(None);
        self.not_before.filter(|_| asks)
    }

    fn settle(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let allowed = self.guard && self.may == Some(None);
        match self.state {
            State::Closed if self.wanted && allowed && self.not_before.is_none_or(|earliest| now >= earliest) => {
                self.not_before = None;
                self.state = State::Asking;
                actions.push(Action::Ask);
            }
            State::Open if !self.wanted || !self.guard => {
                self.state = State::Closing;
                actions.push(Action::Close);
            }
            State::Closed | State::Asking | State::Open | State::Closing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STATES: [State; 4] = [State::Closed, State::Asking, State::Open, State::Closing];
    const EVENTS: [Event; 15] = [
        Event::Wanted(true),
        Event::Wanted(false),
        Event::GuardHere,
        Event::GuardGone,
        Event::MayAsk(None),
        Event::MayAsk(Some(Refusal::Switch)),
        Event::Granted,
        Event::Refused,
        Event::Revoked,
        Event::Health(CaptureHealth::Running),
        Event::Health(CaptureHealth::Closed),
        Event::Health(CaptureHealth::Missing),
        Event::Health(CaptureHealth::Failed),
        Event::Tick,
        Event::MayAsk(Some(Refusal::Missing)),
    ];

    fn allowed(state: State) -> Captures {
        Captures { state, wanted: true, guard: true, may: Some(None), not_before: None }
    }

    #[test]
    fn every_state_and_event_of_a_wanted_and_allowed_capture() {
        use Action::{Ask, Close, GiveBack, Open};
        // Columns: Closed, Asking, Open, Closing.
        let table: [[&[Action]; 4]; 15] = [
            [&[Ask], &[], &[], &[]],
            [&[], &[], &[Close], &[]],
            [&[], &[], &[], &[]],
            [&[], &[], &[Close], &[]],
            [&[Ask], &[], &[], &[]],
            [&[], &[], &[], &[]],
            [&[GiveBack, Ask], &[Open], &[GiveBack], &[GiveBack]],
            [&[Ask], &[], &[], &[]],
            [&[Ask], &[], &[Close], &[]],
            [&[Ask], &[], &[], &[]],
            [&[Ask], &[], &[Ask], &[Ask]],
            [&[Ask], &[], &[], &[]],
            [&[Ask], &[], &[], &[]],
            [&[Ask], &[], &[], &[]],
            [&[], &[], &[], &[]],
        ];
        for (event, row) in EVENTS.iter().zip(table) {
            for (state, expected) in STATES.iter().zip(row) {
                let mut machine = allowed(*state);
                assert_eq!(machine.step(Instant::now(), *event), expected, "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn p2_a_capture_that_only_the_room_wants_is_never_opened() {
        let mut machine = Captures::default();
        let now = Instant::now();
        assert_eq!(machine.step(now, Event::GuardHere), []);
        assert_eq!(machine.step(now, Event::Wanted(true)), []);
        assert_eq!(machine.step(now, Event::MayAsk(Some(Refusal::Switch))), []);
        assert_eq!(machine.step(now, Event::MayAsk(None)), [Action::Ask]);
    }

    #[test]
    fn p10_a_camera_that_went_is_asked_for_again() {
        let now = Instant::now();
        let mut machine = allowed(State::Open);
        assert_eq!(machine.step(now, Event::Health(CaptureHealth::Missing)), []);
        assert_eq!(machine.deadline(), Some(now + RETRY));
        assert_eq!(machine.step(now, Event::MayAsk(Some(Refusal::Missing))), []);
        assert_eq!(machine.deadline(), None, "nothing wakes while the guard would refuse");
        assert_eq!(machine.step(now + RETRY * 9, Event::MayAsk(None)), [Action::Ask]);
    }

    proptest! {
        #[test]
        fn p1_p3_no_open_without_a_grant_and_none_left_open(events in prop::collection::vec(0..EVENTS.len(), 0..60)) {
            let mut machine = Captures::default();
            let mut now = Instant::now();
            let mut open = false;
            let (mut wanted, mut guard) = (false, false);
            for event in events.into_iter().map(|index| EVENTS[index]) {
                now += Duration::from_millis(100);
                match event {
                    Event::Wanted(now_wanted) => wanted = now_wanted,
                    Event::GuardHere => guard = true,
                    Event::GuardGone => guard = false,
                    Event::Health(CaptureHealth::Closed | CaptureHealth::Missing | CaptureHealth::Failed) => open = false,
                    _ => {}
                }
                let actions = machine.step(now, event);
                if event == Event::Granted {
                    let answers = actions.iter().filter(|a| matches!(a, Action::Open | Action::GiveBack)).count();
                    prop_assert_eq!(answers, 1, "a permit is used or goes back, exactly once");
                }
                for action in actions {
                    match action {
                        Action::Open => {
                            prop_assert!(event == Event::Granted && wanted && guard && !open);
                            open = true;
                        }
                        Action::Close => open = false,
                        Action::GiveBack => prop_assert_eq!(event, Event::Granted),
                        Action::Ask => prop_assert!(wanted && guard && !open),
                    }
                }
                if event == Event::Revoked || !wanted || !guard {
                    prop_assert!(!open, "open after {:?}", event);
                }
            }
        }
    }
}
