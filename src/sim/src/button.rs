//! The finger on the simulated button.
//!
//! A press from a page or a terminal takes no time; a finger does. The machine turns wishes into edges that are far
//! enough apart for whoever reads the line: an edge that is seen by its level must stay a while.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a level stays at least.
pub const SHORTEST: Duration = Duration::from_millis(120);
/// How long *hold* holds: longer than the two seconds that put the room to sleep.
pub const HOLD: Duration = Duration::from_millis(2400);
/// A button held down for so long by a page is let go: the page may have gone.
pub const FORGOTTEN: Duration = Duration::from_secs(15);
/// So many wishes wait at most.
const WAITING: usize = 16;

/// Names one wish, so that whoever made it learns that it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wish(pub u64);

/// What happens to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Press shortly.
    Press(Wish),
    /// Hold for [`HOLD`].
    Hold(Wish),
    /// A finger goes down and stays.
    Down(Wish),
    /// The finger goes up.
    Up(Wish),
    /// The time named by [`Action::Wait`] has come.
    Time,
}

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Set the line: pressed or not.
    Set(bool),
    /// The wish is fulfilled.
    Done(Wish),
    /// The wish is dropped: too many wait.
    Dropped(Wish),
    /// Send [`Event::Time`] at that time; replaces what was asked before.
    Wait(Instant),
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    pressed: bool,
    /// How long the level before must have stood.
    after: Duration,
    /// Whose wish is fulfilled by it.
    done: Option<Wish>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Button {
    pressed: bool,
    since: Instant,
    plan: VecDeque<Edge>,
}

impl Button {
    /// A button that nobody touches.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Button { pressed: false, since: now, plan: VecDeque::new() }
    }

    /// One step.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        let full = self.plan.len() >= 2 * WAITING;
        match event {
            Event::Press(wish) | Event::Hold(wish) | Event::Down(wish) if full => actions.push(Action::Dropped(wish)),
            Event::Press(wish) => self.press(SHORTEST, wish),
            Event::Hold(wish) => self.press(HOLD, wish),
            Event::Down(wish) => self.turn(true, wish, &mut actions),
            Event::Up(wish) => self.turn(false, wish, &mut actions),
            Event::Time => {}
        }
        self.carry_out(now, &mut actions);
        actions
    }

    /// Where the button will be when everything planned is done.
    fn will_be_pressed(&self) -> bool {
        self.plan.back().map_or(self.pressed, |edge| edge.pressed)
    }

    fn press(&mut self, time: Duration, wish: Wish) {
        if !self.will_be_pressed() {
            self.plan.push_back(Edge { pressed: true, after: SHORTEST, done: None });
        }
        self.plan.push_back(Edge { pressed: false, after: time, done: Some(wish) });
    }

    fn turn(&mut self, pressed: bool, wish: Wish, actions: &mut Vec<Action>) {
        if self.will_be_pressed() == pressed {
            actions.push(Action::Done(wish));
        } else {
            self.plan.push_back(Edge { pressed, after: SHORTEST, done: Some(wish) });
        }
    }

    fn carry_out(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if let Some(edge) = self.plan.front().copied() {
            let due = self.since + edge.after;
            if now < due {
                actions.push(Action::Wait(due));
                return;
            }
            self.plan.pop_front();
            self.pressed = edge.pressed;
            self.since = now;
            actions.push(Action::Set(edge.pressed));
            actions.extend(edge.done.map(Action::Done));
            return self.carry_out(now, actions);
        }
        if self.pressed {
            let due = self.since + FORGOTTEN;
            if now < due {
                actions.push(Action::Wait(due));
            } else {
                self.pressed = false;
                self.since = now;
                actions.push(Action::Set(false));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs the machine until nothing is planned; returns the edges with their times and the wishes done.
    fn run(button: &mut Button, start: Instant, first: &[Event]) -> (Vec<(Duration, bool)>, Vec<Wish>) {
        let (mut edges, mut done, mut now) = (Vec::new(), Vec::new(), start);
        let mut queue: VecDeque<Event> = first.iter().copied().collect();
        while let Some(event) = queue.pop_front() {
            let mut wait = None;
            for action in button.step(now, event) {
                match action {
                    Action::Set(pressed) => edges.push((now - start, pressed)),
                    Action::Done(wish) | Action::Dropped(wish) => done.push(wish),
                    Action::Wait(until) => wait = Some(until),
                }
            }
            if let (true, Some(until)) = (queue.is_empty(), wait) {
                now = until;
                queue.push_back(Event::Time);
            }
        }
        (edges, done)
    }

    #[test]
    fn a_press_lasts_long_enough_to_be_seen() {
        let now = Instant::now();
        let (edges, done) = run(&mut Button::new(now), now, &[Event::Press(Wish(1))]);
        assert_eq!(edges, [(SHORTEST, true), (SHORTEST * 2, false)]);
        assert_eq!(done, [Wish(1)]);
    }

    #[test]
    fn hold_holds_longer_than_two_seconds() {
        let now = Instant::now();
        let (edges, _) = run(&mut Button::new(now), now, &[Event::Hold(Wish(1))]);
        assert_eq!(edges, [(SHORTEST, true), (SHORTEST + HOLD, false)]);
        assert!(HOLD > Duration::from_secs(2));
    }

    #[test]
    fn two_presses_at_once_are_two_presses() {
        let now = Instant::now();
        let (edges, done) = run(&mut Button::new(now), now, &[Event::Press(Wish(1)), Event::Press(Wish(2))]);
        assert_eq!(edges.iter().map(|(_, pressed)| *pressed).collect::<Vec<_>>(), [true, false, true, false]);
        assert_eq!(done, [Wish(1), Wish(2)]);
    }

    #[test]
    fn a_finger_whose_page_has_gone_is_lifted() {
        let now = Instant::now();
        let (edges, _) = run(&mut Button::new(now), now, &[Event::Down(Wish(1))]);
        assert_eq!(edges, [(SHORTEST, true), (SHORTEST + FORGOTTEN, false)]);
    }

    proptest! {
        #[test]
        fn edges_alternate_are_seen_and_end_released(kinds in prop::collection::vec(0..4_u8, 0..60)) {
            let now = Instant::now();
            let events: Vec<Event> = kinds.iter().enumerate().map(|(number, kind)| {
                let wish = Wish(number as u64);
                match kind { 0 => Event::Press(wish), 1 => Event::Hold(wish), 2 => Event::Down(wish), _ => Event::Up(wish) }
            }).collect();
            let (edges, mut done) = run(&mut Button::new(now), now, &events);
            for pair in edges.windows(2) {
                prop_assert!(pair[0].1 != pair[1].1 && pair[1].0 - pair[0].0 >= SHORTEST);
            }
            prop_assert!(edges.last().is_none_or(|(_, pressed)| !pressed));
            done.sort_by_key(|wish| wish.0);
            prop_assert_eq!(done.len(), events.len(), "every wish is answered");
        }
    }
}
