//! The guard's one thread: waits for lines, nodes, sockets and time, tells the machine, carries out what it wants.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::time::{ClockId, clock_gettime};
use sd_notify::NotifyState;
use subrosa_board::{Board, InputLine, LinesBackend};
use subrosa_messages::Capture;
use subrosa_messages::doctor::{DoctorToGuard, InputLook, Look};
use subrosa_messages::guard::{GuardToMedia, Lamp, Level, MediaToGuard, RoomToGuard, Trust};
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::Users;

use crate::devices::{Devices, word};
use crate::enforce::Enforcer;
use crate::lines::{self, Lines, LinesError};
use crate::machine::{Action, Event, LampId, Machine, Mode, Moment, Setup};
use crate::memory::MemoryFile;
use crate::node::Rights;
use crate::server::{Door, Heard};
use crate::signals::Signals;
use crate::watch::{Seen, Watch};

const SECOND: Duration = Duration::from_secs(1);
/// A guard that is told to end waits this long for the proof that everything is closed: media has 250 ms to obey,
/// and what follows its death takes a moment.
const ENDING: Duration = Duration::from_millis(600);

/// Why the guard cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The lines cannot be reached.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// No inotify.
    #[error("nodes cannot be watched: is fs.inotify.max_user_instances (sysctl) used up by other programs?")]
    Watch(#[source] io::Error),
    /// No socket.
    #[error(
        "{path} cannot be made: the run directory needs a folder of the guard's own, and the guard's user must be a \
         member of its peers' groups (`make setup`)"
    )]
    Socket {
        /// Where it would be.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No signals.
    #[error("signals cannot be received")]
    Signals(#[source] io::Error),
    /// Waiting failed.
    #[error("waiting for events failed")]
    Wait(#[source] io::Error),
}

/// All that a guard is made of.
pub struct Guard {
    board: Board,
    machine: Machine,
    lines: Box<dyn Lines>,
    watch: Watch,
    camera: Devices,
    microphone: Devices,
    media: Door<MediaToGuard>,
    room: Door<RoomToGuard>,
    doctor: Door<DoctorToGuard>,
    /// What the doctor that is connected was told last.
    looked: Option<Look>,
    enforcer: Enforcer,
    memory: MemoryFile,
    signals: Signals,
    queue: VecDeque<Event>,
    second: Moment,
    end: Option<Moment>,
    complained: bool,
    /// What switches power, as it was last set and read back.
    powered: BTreeMap<&'static str, (bool, Lamp)>,
}

/// Whether a button is down now, and whether it was for a moment since this was last asked.
fn pressed(lines: &mut dyn Lines, line: &InputLine) -> (Option<bool>, Option<Option<bool>>) {
    let presses = lines.presses(line);
    let now = lines.read(line);
    (now, (presses > 0 && now == Some(false)).then_some(Some(true)))
}

/// Time since boot, suspended time included.
fn now() -> Moment {
    let time = clock_gettime(ClockId::Boottime);
    Moment::new(time.tv_sec.try_into().unwrap_or_default(), time.tv_nsec.try_into().unwrap_or_default())
}

impl Guard {
    /// Closes every mode, lights every live lamp, watches and proves; then listens.
    ///
    /// # Errors
    /// When lines, watches or sockets cannot be had.
    pub fn start(
        board: Board,
        run: &RunDir,
        users: &Users,
        one_user: bool,
        enforcer: Enforcer,
    ) -> Result<Self, GuardError> {
        let rights = Rights::of(users, one_user);
        let mut camera = Devices::new(Capture::Camera, &board.camera, run, rights);
        let mut microphone = Devices::new(Capture::Microphone, &board.microphone, run, rights);
        // Whatever fails below, this is done.
        camera.set(Mode::Closed);
        microphone.set(Mode::Closed);
        let mut lines = lines::open(&board, run)?;
        for capture in [&board.camera, &board.microphone] {
            lines.set(&capture.live, true);
        }
        let signals = Signals::take().map_err(GuardError::Signals)?;
        let watch = Watch::new().map_err(GuardError::Watch)?;
        let memory = MemoryFile::of(run);
        let now = now();
        let setup = Setup {
            camera_single: board.camera.nodes.len() == 1,
            microphone_single: board.microphone.nodes.len() == 1,
            camera_muted_lamp: board.camera.muted.is_some(),
            microphone_muted_lamp: board.microphone.muted.is_some(),
            camera_power: board.power.camera.is_some(),
            microphone_power: board.power.microphone.is_some(),
            trust: trust(&board, one_user),
        };
        let (machine, actions) = Machine::start(now, setup, memory.recall(now));
        let door = |path: PathBuf, source| GuardError::Socket { path, source };
        let (for_media, for_room, for_doctor) = (run.guard_for_media(), run.guard_for_room(), run.guard_for_doctor());
        let mut guard = Guard {
            machine,
            lines,
            watch,
            camera,
            microphone,
            media: Door::open(&for_media, users.media).map_err(|source| door(for_media, source))?,
            room: Door::open(&for_room, users.room).map_err(|source| door(for_room, source))?,
            doctor: Door::open(&for_doctor, users.doctor).map_err(|source| door(for_doctor, source))?,
            looked: None,
            enforcer,
            memory,
            signals,
            queue: VecDeque::new(),
            second: now,
            end: None,
            complained: false,
            powered: BTreeMap::new(),
            board,
        };
        guard.carry_out(actions);
        guard.watch_folders();
        guard.read_lines();
        guard.think();
        Ok(guard)
    }

    /// Guards until it is told to end.
    ///
    /// # Errors
    /// When waiting itself fails.
    pub fn run(mut self) -> Result<(), GuardError> {
        // Not under systemd: nobody to tell.
        let _nobody = sd_notify::notify(&[NotifyState::Ready]);
        loop {
            let changed = self.wait()?;
            if self.signals.arrived() {
                self.end.get_or_insert(now().saturating_add(ENDING));
                self.queue.push_back(Event::Stop);
            }
            if self.lines.take_changes() {
                self.queue.push_back(Event::Lines);
            }
            // A switch that has just been closed is read before anything that media says.
            self.read_lines();
            self.think();
            if changed {
                self.take_seen();
                self.think();
                self.hear();
                self.think();
            }
            let now = now();
            if now >= self.second {
                self.second = now.saturating_add(SECOND);
                self.each_second();
            }
            if self.machine.deadline().is_some_and(|deadline| deadline <= now) {
                self.queue.push_back(Event::Time);
            }
            self.think();
            self.tell_doctor();
            if self.end.is_some_and(|end| self.machine.is_at_rest() || now >= end) {
                return Ok(());
            }
        }
    }

    /// Waits; `false` when only time has passed.
    fn wait(&self) -> Result<bool, GuardError> {
        let until = [Some(self.second), self.machine.deadline(), self.end].into_iter().flatten().min();
        let pause = until.map_or(SECOND, |until| until.saturating_sub(now()));
        let timeout =
            Timespec { tv_sec: pause.as_secs().try_into().unwrap_or_default(), tv_nsec: pause.subsec_nanos().into() };
        let mut descriptors = vec![
            PollFd::from_borrowed_fd(self.signals.arrival(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.lines.changes(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.watch.changes(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.media.knock(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.room.knock(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.doctor.knock(), PollFlags::IN),
        ];
        for (line, unsent) in [
            (self.media.line(), self.media.has_unsent()),
            (self.room.line(), self.room.has_unsent()),
            (self.doctor.line(), self.doctor.has_unsent()),
        ] {
            let wanted = if unsent { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            descriptors.extend(line.map(|line| PollFd::from_borrowed_fd(line, wanted)));
        }
        match poll(&mut descriptors, Some(&timeout)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(GuardError::Wait(error.into())),
        }
    }

    fn devices(&mut self, capture: Capture) -> &mut Devices {
        match capture {
            Capture::Camera => &mut self.camera,
            Capture::Microphone => &mut self.microphone,
        }
    }

    fn watch_folders(&self) {
        for folder in self.camera.folders().chain(self.microphone.folders()) {
            // Again and again is once. A folder that is not there yet (`/dev/snd` without a sound card) is looked for
            // every second.
            let _not_there_yet = self.watch.folder(folder);
        }
    }

    fn read_lines(&mut self) {
        for capture in Capture::ALL {
            let line = match capture {
                Capture::Camera => &self.board.camera.switch,
                Capture::Microphone => &self.board.microphone.switch,
            };
            let presses = self.lines.presses(line);
            let toggles = self.lines.toggles(line);
            match self.lines.read(line) {
                None => self.queue.push_back(Event::Switch(capture, Level::Unknown)),
                Some(_) if toggles => {
                    self.queue.push_back(Event::MuteKey(capture, false));
                    self.queue.extend((0..presses).map(|_| Event::MuteKey(capture, true)));
                }
                Some(true) => self.queue.push_back(Event::Switch(capture, Level::Open)),
                Some(false) => self.queue.push_back(Event::Switch(capture, Level::Closed)),
            }
        }
        let (down, earlier) = pressed(&mut *self.lines, &self.board.button);
        self.queue.extend(earlier.into_iter().chain([down]).map(Event::Button));
        if let Some(line) = &self.board.reveal {
            let (down, earlier) = pressed(&mut *self.lines, line);
            self.queue.extend(earlier.into_iter().chain([down]).map(Event::Reveal));
        }
    }

    /// Queues all that was seen at the nodes.
    fn take_seen(&mut self) {
        let mut moved = false;
        for seen in self.watch.take() {
            moved |= matches!(seen, Seen::Moved | Seen::Lost | Seen::Ended(_));
            for capture in Capture::ALL {
                if let Some(event) = self.devices(capture).meaning(seen) {
                    self.queue.push_back(Event::Node(capture, event));
                }
            }
        }
        if moved {
            self.look_for_nodes();
        }
    }

    fn look_for_nodes(&mut self) {
        for capture in Capture::ALL {
            for event in self.devices(capture).look() {
                self.queue.push_back(Event::Node(capture, event));
            }
        }
        self.watch_folders();
    }

    fn hear(&mut self) {
        for heard in self.media.hear() {
            self.queue.push_back(match heard {
                Heard::Connected => Event::MediaConnected,
                Heard::Said(word) => Event::Media(word),
                Heard::Gone => Event::MediaGone,
            });
        }
        for heard in self.room.hear() {
            self.queue.push_back(match heard {
                Heard::Connected => Event::RoomConnected,
                Heard::Said(word) => Event::Room(word),
                Heard::Gone => Event::RoomGone,
            });
        }
        for heard in self.doctor.hear() {
            self.queue.push_back(match heard {
                Heard::Said(DoctorToGuard::Show(lamp)) => Event::Show(lamp),
                Heard::Connected | Heard::Gone => {
                    self.looked = None;
                    Event::Show(None)
                }
            });
        }
    }

    /// Tells whoever looks after the device what has changed since it was told last.
    fn tell_doctor(&mut self) {
        if self.doctor.line().is_none() {
            return;
        }
        let inputs = self.board.inputs().into_iter();
        let inputs =
            inputs.map(|(key, line)| InputLook { key: key.to_owned(), level: self.lines.read(line) }).collect();
        let look = Look { state: self.machine.look(), inputs, shown: self.machine.shown(), lags: self.machine.lags() };
        if self.looked.as_ref() != Some(&look) {
            self.doctor.say(&look);
            self.looked = Some(look);
        }
    }

    fn each_second(&mut self) {
        self.lines.second();
        // What has just come back is read now.
        self.read_lines();
        self.look_for_nodes();
        self.queue.push_back(Event::Second);
        let _nobody = sd_notify::notify(&[NotifyState::Watchdog]);
    }

    /// Tells the machine everything that has happened until nothing is left to be told.
    fn think(&mut self) {
        while let Some(event) = self.queue.pop_front() {
            let actions = self.machine.step(now(), event);
            self.carry_out(actions);
        }
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::SetLamp { lamp, lit } => {
                    let seen = self.set_lamp(lamp, lit);
                    self.queue.push_back(Event::Lamp(lamp, seen));
                }
                Action::SetPower(capture, on) => self.set_power(capture, on),
                Action::SetMode(capture, mode) => {
                    let found = self.devices(capture).set(mode);
                    self.queue.push_back(Event::Permission(capture, mode, found));
                }
                Action::Prove(capture) => self.prove(capture),
                Action::ToMedia(mut message) => {
                    if let GuardToMedia::Granted { capture, nodes, .. } = &mut message {
                        *nodes = self.devices(*capture).paths().to_vec();
                    }
                    self.media.say(&message);
                }
                Action::ToRoom(message) => self.room.say(&message),
                Action::Kill => self.kill(),
                Action::Remember(memory) => {
                    if let Err(error) = self.memory.keep(now(), memory)
                        && !std::mem::replace(&mut self.complained, true)
                    {
                        tracing::warn!(
                            "a crash of the guard would end the meeting, its folder cannot be written: {error}"
                        );
                    }
                }
            }
        }
    }

    fn set_lamp(&mut self, lamp: LampId, lit: bool) -> Lamp {
        let line = match lamp {
            LampId::Live(Capture::Camera) => Some(&self.board.camera.live),
            LampId::Live(Capture::Microphone) => Some(&self.board.microphone.live),
            LampId::Muted(Capture::Camera) => self.board.camera.muted.as_ref(),
            LampId::Muted(Capture::Microphone) => self.board.microphone.muted.as_ref(),
        };
        line.map_or(Lamp::Unknown, |line| self.lines.set(line, lit))
    }

    fn set_power(&mut self, capture: Capture, on: bool) {
        let line = match capture {
            Capture::Camera => &self.board.power.camera,
            Capture::Microphone => &self.board.power.microphone,
        };
        let Some(line) = line else { return };
        let wanted = if on { Lamp::Lit } else { Lamp::Dark };
        let set = self.lines.set(line, on);
        let (capture, powered) = (word(capture), if on { "on" } else { "off" });
        let news = self.powered.insert(capture, (on, set)) != Some((on, set));
        if news && set != wanted {
            tracing::error!("the power of the {capture} cannot be switched {powered}: look at its line");
        } else if news && !on {
            tracing::warn!("the power of the {capture} was cut: it was kept open, or could not be proved closed");
        }
    }

    /// What was seen before the proof is told before the proof; it must not count as news after it.
    fn prove(&mut self, capture: Capture) {
        self.take_seen();
        let proved = match capture {
            Capture::Camera => self.camera.prove(&self.watch),
            Capture::Microphone => self.microphone.prove(&self.watch),
        };
        self.queue.push_back(Event::Proof(capture, proved));
    }

    fn kill(&mut self) {
        match self.enforcer.kill() {
            Ok(()) => tracing::warn!("media did not close a capture in time and was killed"),
            Err(error) => tracing::error!("media did not close a capture in time, and could not be killed: {error}"),
        }
    }
}

fn trust(board: &Board, one_user: bool) -> Trust {
    match board.lines {
        LinesBackend::Sim if one_user => Trust::SimulatedOneUser,
        LinesBackend::Sim => Trust::SimulatedUsers,
        LinesBackend::Gpiochip | LinesBackend::Rppal | LinesBackend::Evdev | LinesBackend::Hid => {
            Trust::Real { camera: board.camera.worth(), microphone: board.microphone.worth() }
        }
    }
}
