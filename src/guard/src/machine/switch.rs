//! A switch or shutter, and the mute that came over the network.
//!
//! Closing counts at once, whatever the contact does next; opening counts once the level has stood for a moment.
//! A network's mute ends when the switch itself goes from closed to open, and in no other way (P2).
//!
//! A key of an attached device that toggles has no position: what it stands for is kept here, and lost with the device
//! or the guard. A press closes what is open, and opens what is closed or muted, whoever has muted it: the person sees
//! the red lamp, not its reason.

use std::time::Duration;

use subrosa_messages::guard::Level;

use super::Moment;

/// A level counts as a position that a hand chose when it has stood this long.
const STEADY: Duration = Duration::from_millis(30);
/// Whoever presses a key so soon after a mute from the network has not seen it, and meant to close.
const REACTION: Duration = Duration::from_millis(500);

/// One switch over time.
#[derive(Clone, Debug)]
pub(super) struct Switch {
    raw: Level,
    since: Moment,
    level: Level,
    /// It has stood closed since the last mute.
    was_closed: bool,
    muted: bool,
    muted_at: Moment,
}

impl Switch {
    pub(super) fn new(muted: bool) -> Self {
        let (unknown, never) = (Level::Unknown, Moment::ZERO);
        Switch { raw: unknown, since: never, level: unknown, was_closed: false, muted, muted_at: never }
    }

    /// Takes a reading of the line.
    pub(super) fn read(&mut self, now: Moment, level: Level) {
        if level != self.raw {
            // A spike of some milliseconds on the line is no hand at the switch: it closes, but ends no mute.
            self.was_closed |= self.raw == Level::Closed && now >= self.since.saturating_add(STEADY);
            self.raw = level;
            self.since = now;
            if level != Level::Open {
                self.level = level;
            }
        }
        self.time(now);
    }

    /// A key that toggles is there, and was perhaps pressed.
    pub(super) fn key(&mut self, now: Moment, pressed: bool) {
        let hidden_mute = self.muted && self.muted_at > Moment::ZERO && now < self.muted_at.saturating_add(REACTION);
        let next = match self.level {
            // It has just been plugged in: nobody has opened it yet, whatever came with it.
            Level::Unknown => Level::Closed,
            _ if !pressed || now < self.since.saturating_add(STEADY) => return,
            Level::Open if !self.muted || hidden_mute => Level::Closed,
            Level::Open | Level::Closed => Level::Open,
        };
        (self.raw, self.level, self.since, self.was_closed) = (next, next, now, false);
        if next == Level::Open {
            self.muted = false;
        }
    }

    /// Lets time pass.
    pub(super) fn time(&mut self, now: Moment) {
        if self.deadline().is_some_and(|steady| now >= steady) {
            self.level = Level::Open;
            if std::mem::take(&mut self.was_closed) {
                self.muted = false;
            }
        }
    }

    /// Muted over the network.
    pub(super) fn mute(&mut self, now: Moment) {
        if !self.muted {
            self.muted_at = now;
        }
        self.muted = true;
        self.was_closed = false;
    }

    /// When the level will count as open if nothing changes.
    pub(super) fn deadline(&self) -> Option<Moment> {
        (self.raw == Level::Open && self.level != Level::Open).then(|| self.since.saturating_add(STEADY))
    }

    /// The level that counts.
    pub(super) fn level(&self) -> Level {
        self.level
    }

    /// Muted over the network, and nobody has moved the switch since.
    pub(super) fn is_muted(&self) -> bool {
        self.muted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Level::{Closed, Open, Unknown};

    fn at(switch: &mut Switch, milliseconds: u64, level: Level) {
        switch.read(Moment::from_millis(milliseconds), level);
    }

    #[test]
    fn closing_counts_at_once_and_opening_when_steady() {
        let mut switch = Switch::new(false);
        at(&mut switch, 0, Open);
        assert_eq!(switch.level(), Unknown);
        at(&mut switch, 30, Open);
        assert_eq!(switch.level(), Open);
        at(&mut switch, 100, Closed);
        assert_eq!(switch.level(), Closed);
        at(&mut switch, 101, Open);
        at(&mut switch, 130, Open);
        assert_eq!(switch.level(), Closed, "29 ms are not steady");
        switch.time(Moment::from_millis(131));
        assert_eq!(switch.level(), Open);
        at(&mut switch, 200, Unknown);
        assert_eq!(switch.level(), Unknown);
    }

    #[test]
    fn p2_a_mute_ends_by_the_switch_going_from_closed_to_open() {
        let mut switch = Switch::new(false);
        at(&mut switch, 0, Open);
        at(&mut switch, 100, Open);
        switch.mute(Moment::from_millis(100));
        at(&mut switch, 200, Open);
        assert!(switch.is_muted());
        at(&mut switch, 300, Closed);
        at(&mut switch, 400, Open);
        assert!(switch.is_muted(), "not steady yet");
        at(&mut switch, 430, Open);
        assert!(!switch.is_muted());
    }

    #[test]
    fn p2_neither_a_spike_nor_a_loose_wire_ends_a_mute() {
        for wrong in [Closed, Unknown] {
            let mut switch = Switch::new(true);
            at(&mut switch, 0, Open);
            at(&mut switch, 100, wrong);
            at(&mut switch, 105, Open);
            at(&mut switch, 500, Open);
            assert_eq!((switch.level(), switch.is_muted()), (Open, true), "{wrong:?} for 5 ms");
        }
        let mut switch = Switch::new(true);
        at(&mut switch, 0, Open);
        at(&mut switch, 100, Unknown);
        at(&mut switch, 5000, Open);
        at(&mut switch, 5100, Open);
        assert!(switch.is_muted(), "unknown is no position of the switch");
    }

    #[test]
    fn p2_a_mute_in_the_middle_of_the_movement_needs_another_movement() {
        let mut switch = Switch::new(false);
        at(&mut switch, 0, Closed);
        at(&mut switch, 100, Open);
        switch.mute(Moment::from_millis(100));
        at(&mut switch, 200, Open);
        assert!(switch.is_muted());
    }

    #[test]
    fn a_mute_while_the_switch_is_closed_ends_when_it_is_opened() {
        let mut switch = Switch::new(false);
        at(&mut switch, 0, Closed);
        at(&mut switch, 50, Closed);
        switch.mute(Moment::from_millis(100));
        at(&mut switch, 100, Open);
        at(&mut switch, 130, Open);
        assert!(!switch.is_muted());
    }

    fn press(switch: &mut Switch, milliseconds: u64) -> (Level, bool) {
        switch.key(Moment::from_millis(milliseconds), true);
        (switch.level(), switch.is_muted())
    }

    #[test]
    fn p2_a_key_that_toggles_begins_closed_and_each_press_turns_it() {
        let mut switch = Switch::new(false);
        switch.key(Moment::from_millis(10), true);
        assert_eq!(switch.level(), Closed, "what came with the device opens nothing");
        switch.key(Moment::from_millis(1000), false);
        assert_eq!(switch.level(), Closed, "being there opens nothing");
        assert_eq!(press(&mut switch, 2000).0, Open);
        assert_eq!(press(&mut switch, 2010).0, Open, "a bounce");
        assert_eq!(press(&mut switch, 3000).0, Closed);
        assert_eq!(press(&mut switch, 3010).0, Closed, "closing wins over a bounce");
        assert_eq!(press(&mut switch, 4000).0, Open);
        at(&mut switch, 5000, Unknown);
        assert_eq!(switch.level(), Unknown);
        switch.key(Moment::from_millis(6000), false);
        assert_eq!(switch.level(), Closed, "plugged in again: closed");
    }

    #[test]
    fn p2_a_press_opens_what_was_muted_over_the_network_unless_nobody_can_have_seen_it() {
        let mut switch = Switch::new(false);
        switch.key(Moment::from_millis(10), false);
        press(&mut switch, 1000);
        switch.mute(Moment::from_millis(2000));
        assert_eq!(press(&mut switch, 2400), (Closed, true), "meant to close");
        assert_eq!(press(&mut switch, 3000), (Open, false), "one act opens, whoever has muted");
        switch.mute(Moment::from_millis(4000));
        switch.mute(Moment::from_millis(4900));
        assert_eq!(press(&mut switch, 5000), (Open, false), "said again, seen for long");
        let mut recalled = Switch::new(true);
        recalled.key(Moment::from_millis(10), false);
        assert_eq!(press(&mut recalled, 100), (Open, false), "the mute is of an earlier guard");
    }
}
