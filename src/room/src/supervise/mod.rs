//! `subrosa run`: starts all processes of one room and starts again what dies.
//!
//! On a device systemd does this. Here it is the same in small: each process with a user of its own where we are root,
//! the guard's order to kill media through a pipe instead of a control group. Everything happens in the main thread,
//! since the kernel counts a parent as dead when the thread is that has started the child (prctl(2)).

mod child;
mod folders;
mod restarts;
mod watchdog;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::pipe::PipeFlags;
use rustix::process::Signal;
use subrosa_board::{Board, LinesBackend};
use subrosa_process::reach;
use subrosa_process::run_dir::RunDir;
use subrosa_process::share::Share;
use subrosa_process::users::Users;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

use crate::configuration::Configuration;
use child::{Handle, Login, Program, how, number};
use folders::{Folders, hand_over};
use restarts::{Action, Event, Restarts};
use watchdog::{Ear, Pulse};

/// How long each group of processes has for an orderly end.
const GRACE: [Duration; 3] = [Duration::from_millis(1500), Duration::from_millis(1000), Duration::from_millis(500)];

/// How `subrosa run` was called.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Name of a board, or path of its file.
    pub board: String,
    /// The configuration file; `None`: the usual one, or the defaults.
    pub configuration: Option<PathBuf>,
    /// The run directory.
    pub run: Option<PathBuf>,
    /// The state directory.
    pub state: Option<PathBuf>,
    /// The files that come with the programs.
    pub share: Option<PathBuf>,
    /// All processes run as one user.
    pub one_user: bool,
    /// Where the simulated room's page listens.
    pub sim_listen: SocketAddr,
}

/// Where the state of rooms is kept unless somebody says otherwise.
///
/// # Errors
/// When there is neither root nor a home.
pub fn usual_state() -> anyhow::Result<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/subrosa"));
    }
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".local/state"));
    let folder = variable("XDG_STATE_HOME").or_else(home).context("there is no home folder: give --state")?;
    Ok(folder.join("subrosa"))
}

/// Runs a room until it is asked to end.
///
/// # Errors
/// When something is missing that no process could do without.
pub fn run(options: RunOptions) -> anyhow::Result<()> {
    let root = rustix::process::geteuid().is_root();
    let one_user = options.one_user || !root;
    let share = Share::find(options.share.as_deref());
    let board_file = std::path::absolute(share.board_file(&options.board)?)?;
    let board = Board::load(&board_file)?;
    let file = options.configuration.clone().or_else(Configuration::usual_path);
    if let Some(file) = &file {
        Configuration::load(file)?;
    }
    let users = Users::find(one_user)?;
    let run =
        RunDir::new(std::path::absolute(options.run.clone().unwrap_or_else(|| RunDir::usual().path().to_owned()))?);
    let state = std::path::absolute(options.state.clone().map_or_else(usual_state, Ok)?)?;
    let _held = Folders::make(&run, &state, &users)?;
    if root && one_user {
        tracing::warn!("root may open every device: with --one-user as root the guard's permission binds nobody");
    }

    let here = std::env::current_exe().context("the folder of this program is not known")?;
    let mut programs = here.parent().map(Path::to_owned).unwrap_or_default();
    let simulated = match board.lines {
        LinesBackend::Sim => true,
        LinesBackend::Gpiochip | LinesBackend::Rppal | LinesBackend::Evdev | LinesBackend::Hid => false,
    };
    for name in ["subrosa-guard", "subrosa-media", "subrosa-sim"].iter().take(if simulated { 3 } else { 2 }) {
        if !programs.join(name).is_file() {
            bail!("{name} is not in {}: `make build` builds all programs", programs.display());
        }
    }
    let mut reachable_board = board_file.clone();
    let mut model = share.model();
    if !one_user {
        let place = reach::for_all(&programs, &board_file, &run)
            .context("the users of the processes cannot reach the programs")?;
        (programs, reachable_board) = (place.programs, place.board);
        model = reach::file(&model, &run).context("the model that tells people from what is behind them")?;
    }
    let place = Place { programs, board: reachable_board, model, run, state, share, one_user };
    let configuration = match &file {
        Some(file) => Some(place.configuration(file, &users)?),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new()
        .block_on(&runtime, supervise(&place, &users, configuration, simulated.then_some(options.sim_listen)))
}

/// Where everything is.
struct Place {
    programs: PathBuf,
    board: PathBuf,
    model: PathBuf,
    run: RunDir,
    state: PathBuf,
    share: Share,
    one_user: bool,
}

impl Place {
    /// The room's arguments for a configuration file: a copy, since its user may not be able to read the original.
    fn configuration(&self, file: &Path, users: &Users) -> anyhow::Result<Vec<OsString>> {
        let file = std::path::absolute(file)?;
        let copy = self.run.room().join("subrosa.toml");
        hand_over(&file, &copy, users.room)?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        Ok(vec!["--config".into(), copy.into(), "--config-folder".into(), folder.into()])
    }

    fn program(&self, name: &'static str, file: &str, user: Option<Login>) -> Program {
        let mut arguments: Vec<OsString> =
            vec!["--board".into(), self.board.clone().into(), "--run".into(), self.run.path().into()];
        if self.one_user {
            arguments.push("--one-user".into());
        }
        let file = self.programs.join(file);
        Program { name, file, arguments, user, environment: Vec::new(), inherits: None, without_us: Signal::KILL }
    }

    fn login(&self, name: &str, user: subrosa_process::users::User) -> io::Result<Option<Login>> {
        if self.one_user { Ok(None) } else { Login::of(name, user).map(Some) }
    }
}

/// A process and what becomes of it.
struct Slot {
    program: Program,
    restarts: Restarts,
    pulse: Pulse,
    running: Option<Handle>,
}

struct Room {
    slots: Vec<Slot>,
    ended: mpsc::UnboundedSender<(usize, String)>,
}

/// The places of the processes in [`Room::slots`].
const GUARD: usize = 0;
const MEDIA: usize = 1;
const ROOM: usize = 2;
const SIM: usize = 3;

async fn supervise(
    place: &Place,
    users: &Users,
    configuration: Option<Vec<OsString>>,
    sim_listen: Option<SocketAddr>,
) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    if sim_listen.is_some() {
        prepare(place).await?;
    }
    let (orders, order) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    let mut orders = pipe::Receiver::from_owned_fd(orders)?;
    let (ended, mut ends) = mpsc::unbounded_channel();
    let mut room = Room { slots: Vec::new(), ended };

    let mut guard = place.program("guard", "subrosa-guard", place.login("subrosa-guard", users.guard)?);
    guard.inherits = Some(number(&order));
    guard.arguments.extend(["--kill".into(), format!("fd:{}", number(&order)).into()]);
    // Its orderly end is to close every mode.
    guard.without_us = Signal::TERM;
    let mut media = place.program("media", "subrosa-media", place.login("subrosa-media", users.media)?);
    media.arguments.extend([
        "--state".into(),
        place.state.clone().into(),
        "--model".into(),
        place.model.clone().into(),
    ]);
    let mut own = place.program("room", "subrosa", place.login("subrosa", users.room)?);
    own.arguments.insert(0, "room".into());
    own.arguments.extend(["--state".into(), place.state.clone().into()]);
    own.arguments.extend(["--share".into(), place.share.path().into(), "--terminal".into()]);
    own.arguments.extend(configuration.into_iter().flatten());
    let mut programs = vec![guard, media, own];
    if let Some(listen) = sim_listen {
        let mut sim = place.program("sim", "subrosa-sim", place.login("subrosa-sim", users.sim)?);
        sim.arguments.insert(0, "serve".into());
        sim.arguments.extend(["--listen".into(), listen.to_string().into()]);
        programs.push(sim);
    }
    let (beats, mut heard) = mpsc::unbounded_channel();
    let owners = [users.guard, users.media, users.room, users.sim];
    for (mut program, owner) in programs.into_iter().zip(owners) {
        let path = place.run.path().join(program.name).join("notify.sock");
        match Ear::open(path, owner) {
            Ok(ear) => {
                program.environment = ear.environment();
                tokio::task::spawn_local(listen(ear, room.slots.len(), beats.clone()));
            }
            Err(error) => tracing::warn!("nobody will notice when {} hangs: {error}", program.name),
        }
        room.slots.push(Slot { program, restarts: Restarts::new(), pulse: Pulse::default(), running: None });
        room.step(room.slots.len() - 1, Event::Begin);
    }
    if let Some(listen) = sim_listen {
        tokio::task::spawn_local(introduce(place.run.clone(), listen));
    }

    let mut byte = [0_u8; 1];
    loop {
        let deadlines = room.slots.iter().flat_map(|slot| [slot.restarts.deadline(), slot.pulse.deadline()]);
        let deadline = deadlines.flatten().min();
        let alarm = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            // The guard's order: media has not closed in time (P3).
            Ok(1..) = orders.read(&mut byte) => room.obey(),
            Some((index, how)) = ends.recv() => room.ended(index, &how),
            Some(index) = heard.recv() => room.beat(index),
            () = alarm => room.tick(),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hang_up.recv() => break,
        }
    }
    room.close(&mut ends, &mut orders).await;
    Ok(())
}

async fn listen(ear: Ear, index: usize, beats: mpsc::UnboundedSender<usize>) {
    while ear.beat().await.is_ok() && beats.send(index).is_ok() {}
}

/// Makes the simulated room, before anybody looks for it.
async fn prepare(place: &Place) -> anyhow::Result<()> {
    let mut program = place.program("sim", "subrosa-sim", None);
    program.arguments.insert(0, "prepare".into());
    program.arguments.extend(["--share".into(), place.share.path().into()]);
    let status = program.start().context("subrosa-sim does not start")?.child.wait().await?;
    if !status.success() {
        bail!("the simulated room could not be made ({status})");
    }
    Ok(())
}

/// Tells the person where the simulated room is to be seen.
async fn introduce(run: RunDir, listen: SocketAddr) {
    for _ in 0..100 {
        if let Ok(address) = std::fs::read_to_string(run.sim_address()) {
            println!("The simulated room: http://{}/", address.trim());
            println!("Press its button there, or with `subrosa-sim press button`. Ctrl-C ends the room.");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("The simulated room has no page: is {listen} taken? `--sim-listen 127.0.0.1:PORT` names another place.");
}

impl Room {
    fn step(&mut self, index: usize, event: Event) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        match slot.restarts.step(Instant::now(), event) {
            None => {}
            Some(Action::Start) => match slot.program.start().and_then(|running| Ok((running.handle()?, running))) {
                Ok((handle, mut running)) => {
                    slot.running = Some(handle);
                    let ended = self.ended.clone();
                    tokio::task::spawn_local(async move {
                        let how = how(running.child.wait().await);
                        let _we_may_have_ended = ended.send((index, how));
                    });
                }
                Err(error) => {
                    let _we_may_have_ended = self.ended.send((index, format!("it does not start: {error}")));
                }
            },
        }
    }

    fn beat(&mut self, index: usize) {
        if let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.running.is_some()) {
            slot.pulse.beat(Instant::now());
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        for index in 0..self.slots.len() {
            self.step(index, Event::Tick);
            if let Some(slot) = self.slots.get_mut(index).filter(|slot| slot.pulse.stopped(now)) {
                tracing::warn!("{} hangs and is killed", slot.program.name);
                slot.pulse.forget();
                self.send(index, Signal::KILL);
            }
        }
    }

    fn ended(&mut self, index: usize, how: &str) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.running = None;
            slot.pulse.forget();
            tracing::warn!("{} has ended ({how})", slot.program.name);
        }
        self.step(index, Event::Died);
    }

    fn send(&self, index: usize, signal: Signal) {
        if let Some(running) = self.slots.get(index).and_then(|slot| slot.running.as_ref()) {
            running.send(signal);
        }
    }

    /// Carries out the guard's order.
    fn obey(&self) {
        tracing::warn!("media is killed, it did not close a capture in time");
        self.send(MEDIA, Signal::KILL);
    }

    /// Ends everything: first who captures and who talks to guests, then the guard, which proves the captures closed,
    /// then the simulated room, whose lamps tell so to the end.
    async fn close(&mut self, ends: &mut mpsc::UnboundedReceiver<(usize, String)>, orders: &mut pipe::Receiver) {
        for index in 0..self.slots.len() {
            self.step(index, Event::Close);
        }
        for (group, grace) in [&[MEDIA, ROOM][..], &[GUARD], &[SIM]].into_iter().zip(GRACE) {
            group.iter().for_each(|index| self.send(*index, Signal::TERM));
            let deadline = tokio::time::Instant::now() + grace;
            let mut byte = [0_u8; 1];
            while group.iter().any(|index| self.is_running(*index)) {
                tokio::select! {
                    biased;
                    Ok(1..) = orders.read(&mut byte) => self.obey(),
                    Some((index, _)) = ends.recv() => {
                        if let Some(slot) = self.slots.get_mut(index) {
                            slot.running = None;
                        }
                    }
                    () = tokio::time::sleep_until(deadline) => {
                        group.iter().for_each(|index| self.send(*index, Signal::KILL));
                        break;
                    }
                }
            }
        }
    }

    fn is_running(&self, index: usize) -> bool {
        self.slots.get(index).is_some_and(|slot| slot.running.is_some())
    }
}
