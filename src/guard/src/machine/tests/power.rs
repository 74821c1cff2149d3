//! When the power of a capture is cut, and when it comes back.

use subrosa_messages::guard::{Lamp, Level, MediaToGuard, PermitId, Refusal};

use super::*;

const M: Capture = Capture::Microphone;

struct Room {
    machine: Machine,
    now: Moment,
    on: Option<bool>,
}

impl Room {
    /// Awake, proved closed, its switch open.
    fn awake() -> Self {
        let (machine, actions) = Machine::start(Moment::ZERO, setup_with_power(), Memory::default());
        let mut room = Room { machine, now: Moment::ZERO, on: None };
        room.note(&actions);
        assert_eq!(room.on, Some(true), "a guard that starts gives power");
        let lit = [Event::Lamp(LampId::Muted(M), Lamp::Dark), Event::Lamp(LampId::Live(M), Lamp::Lit)];
        room.all(&[Event::Switch(M, Level::Open), Event::Button(Some(false)), Event::MediaConnected]);
        room.all(&[Event::RoomConnected, Event::Permission(M, Mode::Closed, Permission::Right)]);
        room.all(&lit);
        room.later(100);
        room.press();
        room.all(&[Event::Proof(M, Proved::Closed), Event::Lamp(LampId::Live(M), Lamp::Dark)]);
        room
    }

    fn note(&mut self, actions: &[Action]) {
        for action in actions {
            if let Action::SetPower(M, on) = action {
                self.on = Some(*on);
            }
        }
    }

    fn all(&mut self, events: &[Event]) {
        for event in events {
            let actions = self.machine.step(self.now, event.clone());
            self.note(&actions);
        }
    }

    fn later(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.all(&[Event::Time]);
    }

    fn press(&mut self) {
        self.all(&[Event::Button(Some(true))]);
        self.later(100);
        self.all(&[Event::Button(Some(false))]);
        self.later(100);
    }

    /// Media captures.
    fn open(&mut self) {
        let live = [Event::Lamp(LampId::Muted(M), Lamp::Dark), Event::Lamp(LampId::Live(M), Lamp::Lit)];
        self.all(&[Event::Media(MediaToGuard::Ask { capture: M })]);
        self.all(&live);
        self.all(&[Event::Permission(M, Mode::Granted, Permission::Right), Event::Node(M, NodeEvent::Opened)]);
        self.all(&[Event::Media(MediaToGuard::AllOpen { permit: PermitId(1) })]);
        assert!(matches!(self.machine.microphone.node, Node::Open { .. }));
    }

    /// Time passes, and each proof says the same.
    fn proved(&mut self, milliseconds: u64, proved: Proved) {
        for _ in 0..milliseconds {
            self.later(1);
            self.all(&[Event::Proof(M, proved)]);
        }
    }
}

#[test]
fn p3_media_that_does_not_obey_within_250_ms_has_no_power_any_more() {
    let mut room = Room::awake();
    room.open();
    room.all(&[Event::Switch(M, Level::Closed)]);
    room.proved(249, Proved::Open);
    assert_eq!(room.on, Some(true));
    room.proved(3, Proved::Open);
    assert_eq!(room.on, Some(false));
    assert_eq!(room.machine.microphone.state(true).refusal, Some(Refusal::Switch), "the nearer reason first");
    room.all(&[Event::Switch(M, Level::Open)]);
    room.later(100);
    assert_eq!(room.machine.microphone.state(true).refusal, Some(Refusal::Power));
    room.press();
    assert_eq!(room.on, Some(false), "still open: no press gives it power");
    room.all(&[Event::Node(M, NodeEvent::Shut), Event::Proof(M, Proved::Closed)]);
    assert_eq!(room.on, Some(false), "and nothing comes back by itself");
    room.press();
    assert_eq!((room.on, room.machine.microphone.state(true).refusal), (Some(true), None));
}

#[test]
fn media_that_obeys_keeps_its_power() {
    let mut room = Room::awake();
    room.open();
    room.all(&[Event::Switch(M, Level::Closed)]);
    room.later(100);
    room.all(&[Event::Media(MediaToGuard::Closed { permit: PermitId(1) })]);
    room.proved(50, Proved::Open);
    room.proved(1, Proved::Closed);
    room.later(1000);
    assert_eq!(room.on, Some(true));
}

#[test]
fn somebody_else_has_it_as_long_as_a_passing_look_and_no_longer() {
    for switch in [Level::Open, Level::Closed] {
        let mut room = Room::awake();
        room.all(&[Event::Switch(M, switch), Event::Node(M, NodeEvent::Opened)]);
        room.proved(249, Proved::Open);
        assert_eq!(room.on, Some(true), "{switch:?}");
        room.proved(3, Proved::Open);
        assert_eq!(room.on, Some(false), "{switch:?}");
        let mut room = Room::awake();
        room.all(&[Event::Switch(M, switch), Event::Node(M, NodeEvent::Opened)]);
        room.proved(200, Proved::Open);
        room.all(&[Event::Node(M, NodeEvent::Shut), Event::Proof(M, Proved::Closed)]);
        room.later(1000);
        assert_eq!(room.on, Some(true), "{switch:?}: udev has looked at it");
    }
}

#[test]
fn what_cannot_be_proved_is_cut_when_it_must_be_closed_and_only_then() {
    for (switch, on) in [(Level::Open, true), (Level::Closed, false), (Level::Unknown, false)] {
        let mut room = Room::awake();
        room.all(&[Event::Switch(M, switch), Event::Node(M, NodeEvent::Lost)]);
        room.proved(300, Proved::Nothing);
        assert_eq!(room.on, Some(on), "{switch:?}");
    }
}

#[test]
fn a_board_without_the_line_is_told_nothing() {
    let (mut machine, actions) = Machine::start(Moment::ZERO, setup(), Memory::default());
    let none = |actions: &[Action]| actions.iter().all(|action| !matches!(action, Action::SetPower(..)));
    assert!(none(&actions));
    for milliseconds in [0, 1, 300, 301, 1300] {
        let now = Moment::from_millis(milliseconds);
        for event in [Event::Node(M, NodeEvent::Opened), Event::Proof(M, Proved::Open), Event::Time, Event::Second] {
            assert!(none(&machine.step(now, event)));
        }
    }
    assert_eq!(machine.microphone.state(true).refusal, Some(Refusal::SwitchUnknown));
}
