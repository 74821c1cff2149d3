//! The guard's decisions: which capture may be open, which lamp is lit, what is said to media and room.
//!
//! Pure: time comes with every event, and whatever is to be done goes out as actions. The shell carries them out in
//! their order and brings the answers back as events before it looks for anything else.

mod button;
mod capture;
mod doubt;
mod lags;
mod lamps;
mod node;
mod power;
mod switch;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

use subrosa_messages::Capture;
use subrosa_messages::doctor::Lag;
use subrosa_messages::guard::{GuardState, GuardToMedia, GuardToRoom, MediaToGuard, PermitId, RoomToGuard, Trust};

use button::{Button, Hand};
use capture::{Around, CaptureMachine, Has};
use node::Node;
pub use words::{Action, Event, LampId, Memory, Mode, Moment, NodeEvent, Permission, Proved};

/// A room that is awake without a room process to hold its meeting sleeps after this long.
const ROOM_MISSING: Duration = Duration::from_secs(3);
/// A lamp that is shown goes back to saying what is true after this long, whatever became of who wanted to see it.
const SHOWN: Duration = Duration::from_secs(30);

/// What the machine has to know of the board.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// The camera is one node.
    pub camera_single: bool,
    /// The microphone is one node.
    pub microphone_single: bool,
    /// The camera has a lamp for *muted*.
    pub camera_muted_lamp: bool,
    /// The microphone has a lamp for *muted*.
    pub microphone_muted_lamp: bool,
    /// The camera's power can be cut.
    pub camera_power: bool,
    /// The microphone's power can be cut.
    pub microphone_power: bool,
    /// What the lamps' word is worth.
    pub trust: Trust,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Machine {
    trust: Trust,
    awake: bool,
    stopping: bool,
    button: Button,
    reveal: Button,
    camera: CaptureMachine,
    microphone: CaptureMachine,
    media: bool,
    condemned: bool,
    room: bool,
    room_deadline: Option<Moment>,
    /// The lamp that is shown to whoever looks after the device, and until when.
    shown: Option<(LampId, Moment)>,
    last_permit: u64,
    remembered: Memory,
    told: Option<GuardState>,
}

impl Machine {
    /// A machine that knows nothing but what an earlier one has left, and what is to be done first: every mode
    /// closed, every live lamp lit, then the proof.
    #[must_use]
    pub fn start(now: Moment, setup: Setup, memory: Memory) -> (Self, Vec<Action>) {
        let mut machine = Machine {
            trust: setup.trust,
            awake: memory.awake,
            stopping: false,
            button: Button::new(),
            reveal: Button::new(),
            camera: CaptureMachine::new(
                Capture::Camera,
                Has { single: setup.camera_single, muted_lamp: setup.camera_muted_lamp, power: setup.camera_power },
                memory.camera_muted,
                now,
            ),
            microphone: CaptureMachine::new(
                Capture::Microphone,
                Has {
                    single: setup.microphone_single,
                    muted_lamp: setup.microphone_muted_lamp,
                    power: setup.microphone_power,
                },
                memory.microphone_muted,
                now,
            ),
            media: false,
            condemned: false,
            room: false,
            room_deadline: memory.awake.then(|| now.saturating_add(ROOM_MISSING)),
            shown: None,
            last_permit: 0,
            remembered: memory,
            told: None,
        };
        let mut actions: Vec<_> = Capture::ALL.map(|capture| Action::SetMode(capture, Mode::Closed)).into();
        machine.settle(now, &mut actions);
        (machine, actions)
    }

    /// Takes an event and says what is to be done.
    pub fn step(&mut self, now: Moment, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        let around = self.around(now);
        match event {
            Event::Button(pressed) => {
                let hand = self.button.read(now, pressed);
                self.hand(now, hand, &mut actions);
            }
            Event::Reveal(pressed) => {
                let hand = self.reveal.read(now, pressed);
                self.reveal(hand, &mut actions);
            }
            Event::Switch(capture, level) => self.capture(capture).switch_read(now, level),
            Event::MuteKey(capture, pressed) => self.capture(capture).switch.key(now, pressed),
            Event::Lamp(lamp, seen) => {
                let (LampId::Live(capture) | LampId::Muted(capture)) = lamp;
                self.capture(capture).lamp(around, lamp, seen, &mut actions);
            }
            Event::Lines => {
                self.camera.lamps.repeat();
                self.microphone.lamps.repeat();
            }
            Event::Node(capture, event) => self.capture(capture).node_event(around, event, &mut actions),
            Event::Permission(capture, mode, found) => {
                self.capture(capture).permission(around, mode, found, &mut actions);
            }
            Event::Proof(capture, proved) => self.capture(capture).proof(around, proved, &mut actions),
            Event::MediaConnected => self.media = true,
            Event::MediaGone => {
                self.media = false;
                self.condemned = false;
                // `around` still knows whether it was killed.
                self.camera.media_gone(around, &mut actions);
                self.microphone.media_gone(around, &mut actions);
            }
            Event::Media(MediaToGuard::Ask { capture }) => self.ask(around, capture, &mut actions),
            Event::Media(
                word @ (MediaToGuard::AllOpen { .. } | MediaToGuard::DidNotOpen { .. } | MediaToGuard::Closed { .. }),
            ) => {
                self.camera.word(around, &word, &mut actions);
                self.microphone.word(around, &word, &mut actions);
            }
            Event::RoomConnected => {
                self.room = true;
                self.room_deadline = None;
                self.told = None;
            }
            Event::RoomGone => {
                self.room = false;
                self.sleep();
            }
            Event::Room(RoomToGuard::Mute { capture }) => self.capture(capture).switch.mute(now),
            Event::Room(RoomToGuard::Sleep) => self.sleep(),
            Event::Show(lamp) => self.shown = lamp.map(|lamp| (lamp, now.saturating_add(SHOWN))),
            Event::Time => {}
            Event::Second => {
                self.camera.second(now, &mut actions);
                self.microphone.second(now, &mut actions);
                if self.memory() != Memory::default() {
                    actions.push(Action::Remember(self.memory()));
                }
            }
            Event::Stop => {
                self.stopping = true;
                self.sleep();
            }
        }
        let hand = self.button.time(now);
        self.hand(now, hand, &mut actions);
        let hand = self.reveal.time(now);
        self.reveal(hand, &mut actions);
        if self.room_deadline.is_some_and(|deadline| now >= deadline) {
            self.sleep();
        }
        self.settle(now, &mut actions);
        actions
    }

    /// When [`Event::Time`] is due, if nothing happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let around = self.around(Moment::ZERO);
        let captures = [&self.camera, &self.microphone].map(|capture| capture.deadline(around));
        let shown = self.shown.map(|(_, until)| until);
        let others = [self.button.deadline(), self.reveal.deadline(), self.room_deadline, shown];
        captures.into_iter().chain(others).flatten().min()
    }

    /// Every capture is proved closed.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.camera.node == Node::Closed && self.microphone.node == Node::Closed
    }

    /// What is true now.
    #[must_use]
    pub fn look(&self) -> GuardState {
        self.state()
    }

    /// The lamp that is shown, while one is.
    #[must_use]
    pub fn shown(&self) -> Option<LampId> {
        self.shown.map(|(lamp, _)| lamp)
    }

    /// How long it took, at the longest, of the camera and of the microphone.
    #[must_use]
    pub fn lags(&self) -> [Lag; 2] {
        [self.camera.lag(), self.microphone.lag()]
    }

    fn around(&self, now: Moment) -> Around {
        Around { now, awake: self.awake, media: self.media, condemned: self.condemned, shown: self.shown() }
    }

    fn capture(&mut self, capture: Capture) -> &mut CaptureMachine {
        match capture {
            Capture::Camera => &mut self.camera,
            Capture::Microphone => &mut self.microphone,
        }
    }

    fn hand(&mut self, now: Moment, hand: Option<Hand>, actions: &mut Vec<Action>) {
        if hand == Some(Hand::Down) {
            self.camera.restore_power();
            self.microphone.restore_power();
        }
        match hand {
            Some(Hand::Down) if !self.awake && !self.stopping => {
                self.button.spent();
                self.awake = true;
                if self.room {
                    actions.push(Action::ToRoom(GuardToRoom::Press { woke: true }));
                } else {
                    self.room_deadline = Some(now.saturating_add(ROOM_MISSING));
                }
            }
            Some(Hand::Short) if self.awake && self.room => {
                actions.push(Action::ToRoom(GuardToRoom::Press { woke: false }));
            }
            Some(Hand::Held) => self.sleep(),
            Some(Hand::Down | Hand::Short) | None => {}
        }
    }

    /// *Reveal* acts when it goes down, and in a room that is awake only: asleep there is nothing to be seen.
    fn reveal(&mut self, hand: Option<Hand>, actions: &mut Vec<Action>) {
        match hand {
            Some(Hand::Down) => {
                self.reveal.spent();
                if self.awake && self.media {
                    actions.push(Action::ToMedia(GuardToMedia::Reveal));
                }
            }
            Some(Hand::Short | Hand::Held) | None => {}
        }
    }

    fn sleep(&mut self) {
        self.awake = false;
        self.room_deadline = None;
    }

    fn ask(&mut self, around: Around, capture: Capture, actions: &mut Vec<Action>) {
        if self.media {
            self.last_permit += 1;
            let permit = PermitId(self.last_permit);
            self.capture(capture).ask(around, permit, actions);
        }
    }

    fn memory(&self) -> Memory {
        Memory {
            awake: self.awake,
            camera_muted: self.camera.switch.is_muted(),
            microphone_muted: self.microphone.switch.is_muted(),
        }
    }

    fn state(&self) -> GuardState {
        GuardState {
            awake: self.awake,
            camera: self.camera.state(self.awake),
            microphone: self.microphone.state(self.awake),
            media: self.media,
            trust: self.trust,
        }
    }

    fn settle(&mut self, now: Moment, actions: &mut Vec<Action>) {
        // Awake, a lamp says what is true and nothing else.
        self.shown = self.shown.filter(|(_, until)| !self.awake && !self.stopping && now < *until);
        let around = self.around(now);
        self.camera.settle(around, actions);
        self.microphone.settle(around, actions);
        self.camera.tell(around, actions);
        self.microphone.tell(around, actions);
        self.camera.prove(now, actions);
        self.microphone.prove(now, actions);
        let mut kill = false;
        actions.retain(|action| *action != Action::Kill || !std::mem::replace(&mut kill, true));
        if kill {
            self.condemned = self.media;
            self.camera.media_killed(now);
            self.microphone.media_killed(now);
        }
        let memory = self.memory();
        if self.remembered != memory {
            self.remembered = memory;
            actions.push(Action::Remember(memory));
        }
        if self.room {
            let state = self.state();
            if self.told.as_ref() != Some(&state) {
                self.told = Some(state.clone());
                actions.push(Action::ToRoom(GuardToRoom::State(state)));
            }
        }
    }
}
