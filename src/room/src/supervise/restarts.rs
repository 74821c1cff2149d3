//! When a process that has died is started again. Pure.

use std::time::{Duration, Instant};

/// A process that lived for so long has not died of its start.
const LONG_ENOUGH: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One process: at once after the first death, after 100 ms, 200 ms … 5 s if it dies again and again within ten
/// seconds of its start, never once the room is being closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restarts {
    state: State,
    /// Deaths in a row, each soon after its start.
    deaths: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not started yet.
    New,
    /// Alive since then.
    Alive(Instant),
    /// Started again then.
    Pausing(Instant),
    /// Never started again.
    Over,
}

/// What happens to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is to be started for the first time.
    Begin,
    /// It has ended, or could not be started.
    Died,
    /// The time that [`Restarts::deadline`] named has come.
    Tick,
    /// The room is being closed.
    Close,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start it.
    Start,
}

impl Restarts {
    /// A process that was never started.
    #[must_use]
    pub fn new() -> Self {
        Restarts { state: State::New, deaths: 0 }
    }

    /// Takes one event.
    pub fn step(&mut self, now: Instant, event: Event) -> Option<Action> {
        match (self.state, event) {
            (State::New, Event::Begin) => self.start(now),
            (State::Alive(since), Event::Died) => {
                if now.saturating_duration_since(since) >= LONG_ENOUGH {
                    self.deaths = 0;
                }
                let pause = self.pause();
                self.deaths = self.deaths.saturating_add(1);
                if pause.is_zero() {
                    return self.start(now);
                }
                self.state = State::Pausing(now + pause);
                None
            }
            (State::Pausing(until), Event::Tick) if now >= until => self.start(now),
            (State::New | State::Alive(_) | State::Pausing(_), Event::Close) => {
                self.state = State::Over;
                None
            }
            (State::New, Event::Died | Event::Tick)
            | (State::Alive(_), Event::Begin | Event::Tick)
            | (State::Pausing(_), Event::Begin | Event::Died | Event::Tick)
            | (State::Over, Event::Begin | Event::Died | Event::Tick | Event::Close) => None,
        }
    }

    /// When it is started again by itself.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Pausing(until) => Some(until),
            State::New | State::Alive(_) | State::Over => None,
        }
    }

    fn start(&mut self, now: Instant) -> Option<Action> {
        self.state = State::Alive(now);
        Some(Action::Start)
    }

    fn pause(&self) -> Duration {
        let Some(doublings) = self.deaths.checked_sub(1) else { return Duration::ZERO };
        let factor = 2_u32.checked_pow(doublings);
        factor.map_or(LONGEST_PAUSE, |factor| FIRST_PAUSE.saturating_mul(factor)).min(LONGEST_PAUSE)
    }
}

impl Default for Restarts {
    fn default() -> Self {
        Restarts::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn p10_the_first_death_costs_nothing_and_later_ones_more_and_more() {
        let mut now = Instant::now();
        let mut restarts = Restarts::new();
        assert_eq!(restarts.step(now, Event::Begin), Some(Action::Start));
        assert_eq!(restarts.step(now, Event::Died), Some(Action::Start));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert_eq!(restarts.step(now, Event::Died), None);
            let due = restarts.deadline().unwrap();
            pauses.push((due - now).as_millis());
            assert_eq!(restarts.step(due - Duration::from_millis(1), Event::Tick), None);
            assert_eq!(restarts.step(due, Event::Tick), Some(Action::Start));
            now = due;
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        // Having lived long, it is started at once again.
        now += 10 * SECOND;
        assert_eq!(restarts.step(now, Event::Died), Some(Action::Start));
    }

    #[test]
    fn every_state_answers_every_event() {
        let now = Instant::now();
        let make = |state| Restarts { state, deaths: 2 };
        let (alive, pausing) = (State::Alive(now), State::Pausing(now + SECOND));
        for (state, event, after, action) in [
            (State::New, Event::Begin, alive, Some(Action::Start)),
            (State::New, Event::Died, State::New, None),
            (State::New, Event::Tick, State::New, None),
            (State::New, Event::Close, State::Over, None),
            (alive, Event::Begin, alive, None),
            (alive, Event::Died, State::Pausing(now + Duration::from_millis(200)), None),
            (alive, Event::Tick, alive, None),
            (alive, Event::Close, State::Over, None),
            (pausing, Event::Begin, pausing, None),
            (pausing, Event::Died, pausing, None),
            (pausing, Event::Tick, pausing, None),
            (State::Pausing(now), Event::Tick, alive, Some(Action::Start)),
            (pausing, Event::Close, State::Over, None),
            (State::Over, Event::Begin, State::Over, None),
            (State::Over, Event::Died, State::Over, None),
            (State::Over, Event::Tick, State::Over, None),
            (State::Over, Event::Close, State::Over, None),
        ] {
            let mut restarts = make(state);
            assert_eq!(restarts.step(now, event), action, "{state:?} {event:?}");
            assert_eq!(restarts.state, after, "{state:?} {event:?}");
        }
    }

    proptest! {
        /// Whatever happens, a process is started at most about 20 times in a minute, and never after the end.
        #[test]
        fn nothing_is_started_in_a_hurry(lives in prop::collection::vec(0_u64..3000, 1..100), close in 0_usize..100) {
            let begin = Instant::now();
            let (mut now, mut restarts, mut starts) = (begin, Restarts::new(), Vec::new());
            let mut note = |now, action: Option<Action>| if action.is_some() { starts.push(now) };
            note(now, restarts.step(now, Event::Begin));
            let mut closed = None;
            for (index, life) in lives.into_iter().enumerate() {
                now += Duration::from_millis(life);
                if index == close {
                    restarts.step(now, Event::Close);
                    closed = Some(now);
                }
                note(now, restarts.step(now, Event::Died));
                if let Some(due) = restarts.deadline() {
                    now = due;
                    note(now, restarts.step(now, Event::Tick));
                }
            }
            for window in starts.windows(21) {
                prop_assert!(*window.last().unwrap() - *window.first().unwrap() >= 59 * SECOND);
            }
            prop_assert!(closed.is_none_or(|closed| starts.iter().all(|start| *start <= closed)));
        }
    }
}
