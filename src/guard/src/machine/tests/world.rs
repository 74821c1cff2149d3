//! A room of plain values: lines, lamps, nodes with those who hold them open, media, and the guard's machine in it.
//!
//! The kernel's habits are modelled: an open is checked when it begins and may complete later; a close is reported
//! before the driver has stopped; equal events in a row merge; the queue can overflow. Media may disobey or die.

use std::collections::BTreeMap;

use subrosa_messages::guard::{GuardToMedia, Lamp, Level, MediaToGuard, Refusal};

use super::*;

/// The driver's release after a close.
const RELEASE: Duration = Duration::from_millis(7);

/// Who holds a node open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Media,
    Root,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    granted: bool,
    tampered: bool,
    pub(super) present: bool,
    pub(super) holders: Vec<Holder>,
    releasing: Vec<Moment>,
    pub(super) switch_open: bool,
    pub(super) live: bool,
    pub(super) muted: bool,
    pub(super) broken: bool,
    permit: Option<PermitId>,
    /// An open of media's that has passed the check and not completed.
    late: bool,
    /// The guard that granted it has died since.
    orphan: bool,
    revoked: bool,
    /// Since when media must not capture.
    must_close: Option<Moment>,
    pub(super) powered: bool,
    /// Since when the guard takes it for opened by somebody else.
    foreign: Option<Moment>,
}

impl Device {
    fn is_open(&self) -> bool {
        !self.holders.is_empty() || !self.releasing.is_empty()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Wait(u16),
    Switch(Capture, bool),
    SwitchBreaks(Capture),
    Button(bool),
    Reveal(bool),
    Room(bool),
    Mute(Capture),
    Sleep,
    Media(bool),
    Ask(Capture),
    Open(Capture),
    OpenLate(Capture),
    Complete(Capture),
    AllOpen(Capture),
    DidNotOpen(Capture),
    Close(Capture),
    CloseSilently(Capture),
    LieClosed(Capture),
    Obey,
    RootOpens(Capture),
    RootCloses(Capture),
    LampBreaks(Capture, bool),
    Chmod(Capture),
    Plug(Capture, bool),
    /// Root opens a node, or closes it, among so many events that these are lost.
    Overflow(Capture),
    GuardDies(u16),
    Show(Option<LampId>),
}

pub(super) struct World {
    pub(super) now: Moment,
    pub(super) machine: Machine,
    pub(super) devices: BTreeMap<Capture, Device>,
    kernel: Vec<(Capture, NodeEvent)>,
    queue: std::collections::VecDeque<Event>,
    media: bool,
    room: bool,
    button: bool,
    /// The microphone's switch is a key that toggles.
    keys: bool,
    /// The step that is done now has a press of the button in it, or a guard that starts.
    may_power: bool,
    starting: bool,
    reveal: bool,
    memory: (Moment, Memory),
    second: Moment,
    muted: BTreeMap<Capture, bool>,
    may_ask: BTreeMap<Capture, Option<Refusal>>,
    pub(super) grants: usize,
    pub(super) kills: usize,
    pub(super) presses: Vec<bool>,
    pub(super) reveals: usize,
}

impl World {
    pub(super) fn new() -> Self {
        World::with(false)
    }

    /// A room whose microphone has a key for a switch.
    pub(super) fn with_a_key() -> Self {
        World::with(true)
    }

    fn with(keys: bool) -> Self {
        let device = Device { present: true, switch_open: true, live: true, ..Device::default() };
        let (machine, actions) = Machine::start(Moment::ZERO, setup_with_power(), Memory::default());
        let mut world = World {
            now: Moment::ZERO,
            machine,
            devices: Capture::ALL.map(|capture| (capture, device.clone())).into(),
            kernel: Vec::new(),
            queue: [].into(),
            media: false,
            room: false,
            button: false,
            keys,
            may_power: true,
            starting: false,
            reveal: false,
            memory: (Moment::ZERO, Memory::default()),
            second: Moment::ZERO,
            muted: Capture::ALL.map(|capture| (capture, false)).into(),
            may_ask: BTreeMap::new(),
            grants: 0,
            kills: 0,
            presses: Vec::new(),
            reveals: 0,
        };
        world.carry_out(actions);
        if keys {
            world.queue.push_back(Event::MuteKey(Capture::Microphone, false));
        }
        world.settle();
        world.may_power = false;
        world
    }

    fn device(&mut self, capture: Capture) -> &mut Device {
        self.devices.get_mut(&capture).unwrap()
    }

    fn happens(&mut self, capture: Capture, event: NodeEvent) {
        // Equal to the last one in the queue: merged.
        if self.kernel.last() != Some(&(capture, event)) {
            self.kernel.push((capture, event));
        }
    }

    fn opens(&mut self, capture: Capture, holder: Holder) {
        self.device(capture).holders.push(holder);
        self.happens(capture, NodeEvent::Opened);
        let device = &self.devices[&capture];
        if holder == Holder::Media {
            assert!(device.live || device.broken, "P1: {capture:?} was opened by media with its lamp dark");
            assert!(!device.muted || device.broken, "P1: {capture:?} was opened by media with its red lamp lit");
        }
    }

    fn closes(&mut self, capture: Capture, holder: Holder) {
        let until = self.now + RELEASE;
        let device = self.device(capture);
        if let Some(place) = device.holders.iter().position(|one| *one == holder) {
            device.holders.swap_remove(place);
            device.releasing.push(until);
            self.happens(capture, NodeEvent::Shut);
        }
    }

    fn media_dies(&mut self) {
        for capture in Capture::ALL {
            while self.devices[&capture].holders.contains(&Holder::Media) {
                self.closes(capture, Holder::Media);
            }
            let device = self.device(capture);
            (device.permit, device.late, device.revoked) = (None, false, false);
        }
        if std::mem::take(&mut self.media) {
            self.queue.push_back(Event::MediaGone);
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        let grants = self.grants;
        let could_ask = self.may_ask.clone();
        let awake = self.machine.awake;
        self.may_power = matches!(step, Step::Button(true) | Step::Wait(_) | Step::GuardDies(_));
        match step {
            Step::Wait(milliseconds) => self.wait(Duration::from_millis(milliseconds.into())),
            Step::Switch(capture @ Capture::Microphone, _) if self.keys => {
                self.queue.push_back(Event::MuteKey(capture, true));
            }
            Step::Switch(capture, open) => {
                self.device(capture).switch_open = open;
                let level = if open { Level::Open } else { Level::Closed };
                self.queue.push_back(Event::Switch(capture, level));
            }
            Step::SwitchBreaks(capture) => {
                self.device(capture).switch_open = false;
                self.queue.push_back(Event::Switch(capture, Level::Unknown));
            }
            Step::Button(down) => {
                self.button = down;
                self.queue.push_back(Event::Button(Some(down)));
            }
            Step::Reveal(down) => {
                self.reveal = down;
                self.queue.push_back(Event::Reveal(Some(down)));
            }
            Step::Room(connected) if connected != self.room => {
                self.room = connected;
                self.queue.push_back(if connected { Event::RoomConnected } else { Event::RoomGone });
            }
            Step::Mute(capture) if self.room => self.queue.push_back(Event::Room(RoomToGuard::Mute { capture })),
            Step::Sleep if self.room => self.queue.push_back(Event::Room(RoomToGuard::Sleep)),
            Step::Media(true) if !self.media => {
                self.media = true;
                self.queue.push_back(Event::MediaConnected);
            }
            Step::Media(false) => self.media_dies(),
            Step::Ask(capture) if self.media => self.queue.push_back(Event::Media(MediaToGuard::Ask { capture })),
            Step::Open(capture) => {
                let device = &self.devices[&capture];
                if self.media && device.granted && device.present {
                    self.opens(capture, Holder::Media);
                }
            }
            Step::OpenLate(capture) => {
                let media = self.media;
                let device = self.device(capture);
                device.late |= media && device.granted && device.present;
            }
            Step::Complete(capture) => {
                let now = self.now;
                let device = self.device(capture);
                if std::mem::take(&mut device.late) {
                    device.holders.push(Holder::Media);
                    if std::mem::take(&mut device.orphan) {
                        device.must_close = device.must_close.map(|_| now);
                    }
                    self.happens(capture, NodeEvent::Opened);
                }
            }
            Step::AllOpen(capture) => self.answer(capture, |permit| MediaToGuard::AllOpen { permit }),
            Step::DidNotOpen(capture) => {
                self.answer(capture, |permit| MediaToGuard::DidNotOpen { permit });
            }
            Step::Close(capture) => {
                while self.devices[&capture].holders.contains(&Holder::Media) {
                    self.closes(capture, Holder::Media);
                }
                self.answer(capture, |permit| MediaToGuard::Closed { permit });
            }
            Step::CloseSilently(capture) => self.closes(capture, Holder::Media),
            Step::LieClosed(capture) => self.answer(capture, |permit| MediaToGuard::Closed { permit }),
            Step::Obey => {
                for capture in Capture::ALL {
                    if self.devices[&capture].revoked {
                        self.step(Step::Complete(capture));
                        self.step(Step::Close(capture));
                    }
                }
            }
            Step::RootOpens(capture) if self.devices[&capture].present => self.opens(capture, Holder::Root),
            Step::RootCloses(capture) => self.closes(capture, Holder::Root),
            Step::LampBreaks(capture, broken) => {
                self.device(capture).broken = broken;
                if !broken {
                    self.queue.push_back(Event::Lines);
                }
            }
            Step::Chmod(capture) => {
                self.device(capture).tampered = true;
                self.happens(capture, NodeEvent::Attributes);
            }
            Step::Plug(capture, present) if present != self.devices[&capture].present => {
                self.device(capture).present = present;
                self.happens(capture, if present { NodeEvent::Appeared } else { NodeEvent::Gone });
            }
            Step::Overflow(capture) => {
                if self.devices[&capture].holders.contains(&Holder::Root) {
                    self.closes(capture, Holder::Root);
                } else if self.devices[&capture].present {
                    self.opens(capture, Holder::Root);
                }
                self.kernel.clear();
                for capture in Capture::ALL {
                    self.kernel.push((capture, NodeEvent::Lost));
                }
            }
            Step::Show(lamp) => self.queue.push_back(Event::Show(lamp)),
            Step::GuardDies(milliseconds) => self.guard_dies(Duration::from_millis(milliseconds.into())),
            Step::Room(_)
            | Step::Mute(_)
            | Step::Sleep
            | Step::Media(true)
            | Step::Ask(_)
            | Step::RootOpens(_)
            | Step::Plug(..) => {}
        }
        self.settle();
        if matches!(step, Step::Mute(_) | Step::Sleep | Step::Room(_)) {
            assert_eq!(self.grants, grants, "P2: {step:?} has granted");
            for (capture, refusal) in &self.may_ask {
                let could = could_ask.get(capture).is_none_or(Option::is_none);
                assert!(could || refusal.is_some(), "P2: {step:?} has made {capture:?} free to ask for");
            }
        }
        let may_wake = matches!(step, Step::Button(true) | Step::Wait(_));
        assert!(awake || !self.machine.awake || may_wake, "P2: {step:?} woke the room");
        self.check();
    }

    fn answer(&mut self, capture: Capture, word: impl Fn(PermitId) -> MediaToGuard) {
        let media = self.media;
        let device = self.device(capture);
        // Media answers when its open has returned, not before.
        if let Some(permit) = device.permit.filter(|_| media && !device.late) {
            let word = word(permit);
            if !matches!(word, MediaToGuard::AllOpen { .. }) {
                (device.permit, device.revoked) = (None, false);
            }
            self.queue.push_back(Event::Media(word));
        }
    }

    /// The guard dies and a new one starts after some time; media's captures close with its socket, if it obeys.
    fn guard_dies(&mut self, pause: Duration) {
        self.queue.clear();
        self.kernel.clear();
        self.now += pause;
        let memory = Memory {
            awake: self.memory.1.awake && self.now - self.memory.0 <= Duration::from_secs(10),
            ..self.memory.1
        };
        (self.media, self.room) = (false, false);
        for device in self.devices.values_mut() {
            (device.permit, device.revoked, device.must_close) = (None, false, None);
            device.orphan = device.late;
        }
        let (machine, actions) = Machine::start(self.now, setup_with_power(), memory);
        self.machine = machine;
        self.second = self.now;
        // What a dead guard leaves has no power.
        for device in self.devices.values_mut() {
            (device.powered, device.foreign) = (false, None);
        }
        self.starting = true;
        self.carry_out(actions);
        self.starting = false;
        for capture in Capture::ALL {
            assert!(!self.devices[&capture].granted, "a starting guard closes first");
            assert!(
                self.devices[&capture].live || self.devices[&capture].broken,
                "P1: a starting guard lights the lamps"
            );
            let level = if self.devices[&capture].switch_open { Level::Open } else { Level::Closed };
            let key = self.keys && capture == Capture::Microphone;
            self.queue.push_back(if key { Event::MuteKey(capture, false) } else { Event::Switch(capture, level) });
            if !self.devices[&capture].present {
                self.queue.push_back(Event::Permission(capture, Mode::Closed, Permission::Missing));
            }
        }
        self.queue.push_back(Event::Button(Some(self.button)));
        self.queue.push_back(Event::Reveal(Some(self.reveal)));
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            let releases = self.devices.values().flat_map(|device| device.releasing.iter().copied());
            let next = releases.chain(self.machine.deadline()).chain([self.second, end]).min().unwrap();
            if next > end || (next == end && self.now == end) {
                break;
            }
            self.now = self.now.max(next);
            let now = self.now;
            for device in self.devices.values_mut() {
                device.releasing.retain(|until| *until > now);
            }
            if self.second <= now {
                self.second = now + Duration::from_secs(1);
                if self.keys {
                    self.queue.push_back(Event::MuteKey(Capture::Microphone, false));
                }
                self.queue.push_back(Event::Second);
            }
            if self.machine.deadline().is_some_and(|deadline| deadline <= now) {
                self.queue.push_back(Event::Time);
            }
            self.settle();
            assert!(
                self.machine.deadline().is_none_or(|deadline| deadline > now || now == end),
                "a deadline that does not move keeps the guard busy"
            );
            self.check();
        }
    }

    /// Everything that has happened is told, and everything that follows is done.
    fn settle(&mut self) {
        loop {
            for (capture, event) in std::mem::take(&mut self.kernel) {
                self.queue.push_back(Event::Node(capture, event));
            }
            let Some(event) = self.queue.pop_front() else {
                return;
            };
            let pressed = matches!(event, Event::MuteKey(_, true));
            // Whatever happens then, it is seen that the switch has been moved to open and has stood.
            let stood = Capture::ALL.map(|capture| {
                let due = self.machine.capture(capture).switch.deadline();
                (capture, due.is_some_and(|due| due <= self.now))
            });
            let before = self.machine.microphone.switch.level();
            let actions = self.machine.step(self.now, event);
            if self.keys {
                let level = self.machine.microphone.switch.level();
                let opens = before != Level::Open && level == Level::Open;
                assert!(!opens || (pressed && before == Level::Closed), "P2: a key opened without being pressed");
                self.device(Capture::Microphone).switch_open = level == Level::Open;
            }
            self.carry_out(actions);
            for (capture, stood) in stood {
                let muted = self.machine.capture(capture).switch.is_muted();
                let before = self.muted.insert(capture, muted);
                assert!(muted || before != Some(true) || pressed || stood, "P2: a mute ended without the switch");
            }
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::SetLamp { lamp, lit } => {
                    let (LampId::Live(capture) | LampId::Muted(capture)) = lamp;
                    let device = self.device(capture);
                    let seen = if device.broken {
                        Lamp::Unknown
                    } else {
                        match lamp {
                            LampId::Live(_) => device.live = lit,
                            LampId::Muted(_) => device.muted = lit,
                        }
                        if lit { Lamp::Lit } else { Lamp::Dark }
                    };
                    if !lit && lamp == LampId::Live(capture) {
                        assert!(!self.devices[&capture].is_open() || self.kernel_knows(capture), "P1: dark while open");
                    }
                    self.queue.push_back(Event::Lamp(lamp, seen));
                }
                Action::SetPower(capture, on) => {
                    let may = self.may_power && (self.devices[&capture].holders.is_empty() || self.starting);
                    let device = self.device(capture);
                    assert!(!on || device.powered || may, "P2: the power of {capture:?} came back by itself");
                    device.powered = on;
                }
                Action::SetMode(capture, mode) => {
                    let muted = self.machine.capture(capture).switch.is_muted();
                    let awake = self.machine.awake;
                    let device = self.device(capture);
                    if mode == Mode::Granted && !device.granted {
                        assert!(device.powered, "granted without power");
                        assert!(device.live && !device.muted, "P1: granted before the lamp said so");
                        assert!(!device.broken, "P1: granted with a lamp that cannot be read back");
                        assert!(device.switch_open && awake && !muted, "P2: granted against the room");
                    }
                    let found = match std::mem::take(&mut device.tampered) {
                        _ if !device.present => Permission::Missing,
                        true => Permission::Repaired,
                        false => Permission::Right,
                    };
                    device.granted = mode == Mode::Granted && device.present;
                    self.queue.push_back(Event::Permission(capture, mode, found));
                }
                Action::Prove(capture) => {
                    for (capture, event) in std::mem::take(&mut self.kernel) {
                        self.queue.push_back(Event::Node(capture, event));
                    }
                    let open = self.devices[&capture].is_open();
                    self.queue.push_back(Event::Proof(capture, if open { Proved::Open } else { Proved::Closed }));
                }
                Action::ToMedia(GuardToMedia::Granted { permit, capture, .. }) => {
                    assert!(self.devices[&capture].granted);
                    self.grants += 1;
                    let device = self.device(capture);
                    (device.permit, device.revoked) = (Some(permit), false);
                }
                Action::ToMedia(GuardToMedia::Revoke { permit }) => {
                    for device in self.devices.values_mut().filter(|device| device.permit == Some(permit)) {
                        device.revoked = true;
                    }
                }
                Action::ToMedia(GuardToMedia::MayAsk { capture, refusal }) => {
                    self.may_ask.insert(capture, refusal);
                }
                Action::ToMedia(GuardToMedia::Refused { .. }) => {}
                Action::ToMedia(GuardToMedia::Reveal) => {
                    assert!(self.reveal && self.machine.awake, "P2: revealed without a hand on the button");
                    self.reveals += 1;
                }
                Action::ToRoom(GuardToRoom::Press { woke }) => self.presses.push(woke),
                Action::ToRoom(GuardToRoom::State(_)) => {}
                Action::Kill => {
                    self.kills += 1;
                    self.media_dies();
                    // Also a process that has left the guard's socket, and all it has started.
                    for capture in Capture::ALL {
                        while self.devices[&capture].holders.contains(&Holder::Media) {
                            self.closes(capture, Holder::Media);
                        }
                        self.device(capture).late = false;
                    }
                }
                Action::Remember(memory) => self.memory = (self.now, memory),
            }
        }
    }

    /// An event about this capture waits to be told: the guard will know in a moment.
    fn kernel_knows(&self, capture: Capture) -> bool {
        let told = |event: &Event| matches!(event, Event::Node(one, _) if *one == capture);
        self.kernel.iter().any(|(one, _)| *one == capture) || self.queue.iter().any(told)
    }

    fn check(&mut self) {
        let (now, awake) = (self.now, self.machine.awake);
        for capture in Capture::ALL {
            let muted = self.machine.capture(capture).switch.is_muted();
            let closed_proof = self.machine.capture(capture).node == Node::Closed;
            let level = self.machine.capture(capture).switch.level();
            let foreign = matches!(self.machine.capture(capture).node, Node::Foreign(_));
            let shown = closed_proof && !awake && self.machine.shown() == Some(LampId::Muted(capture));
            let device = self.device(capture);
            let open = device.is_open();
            assert!(!open || device.live || device.broken, "P1: {capture:?} is open and its lamp dark");
            assert!(!(open && closed_proof), "P1: {capture:?} is open and taken for closed");
            assert!(
                !device.muted || device.broken || (!open && (level == Level::Closed || muted || shown)),
                "P1: the red lamp lies about {capture:?}"
            );
            let may = device.switch_open && awake && !muted && device.present;
            device.must_close = if may { None } else { device.must_close.or(Some(now)) };
            device.foreign = if foreign { device.foreign.or(Some(now)) } else { None };
            let long = device.foreign.is_some_and(|since| now > since + Duration::from_millis(300));
            assert!(
                !(long && device.is_open() && device.powered),
                "P3: {capture:?} has power 300 ms after somebody else opened it"
            );
            let late = device.must_close.is_some_and(|since| now > since + Duration::from_millis(300));
            assert!(
                !(late && device.holders.contains(&Holder::Media)),
                "P3: media holds {capture:?} 300 ms after it had to close"
            );
        }
    }
}
