//! The guard alone, with lines and nodes as files and with actors that play media and the room.
//!
//! An actor is a process of its own, since media must have its own user and must be able to die: the test program
//! started again with [`ACTOR`] in its environment, which calls [`act`]. It takes commands on its standard input and
//! tells on its standard output what it did and heard, and when (`CLOCK_MONOTONIC`, which all processes share).

mod actor;
mod eager;
mod play;

use std::env;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use actor::{Actor, Told};
pub use play::act;
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use subrosa_messages::Capture;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::{User, Users};
use tempfile::TempDir;

use crate::stage::{eventually, program, tree};
use crate::vm::Chip;

/// Marks a process of the test program that is an actor.
pub const ACTOR: &str = "SUBROSA_TEST_ACTOR";

/// Under which users guard and actors run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Each has its own, as on a device. Needs root.
    Separate,
    /// One without any right, as on a developer's machine.
    One,
}

/// How the guard kills media here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kill {
    /// A pipe to this process, which kills its actor.
    Pipe,
    /// Through a control group.
    Cgroup(PathBuf),
}

/// Time since boot, as all processes here measure it.
#[must_use]
pub fn monotonic() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    Duration::new(time.tv_sec.try_into().expect("a time"), time.tv_nsec.try_into().expect("a time"))
}

/// Who runs a process.
#[derive(Clone, Debug)]
struct Identity {
    user: User,
    groups: Vec<libc::gid_t>,
}

impl Identity {
    /// Makes a command run as this user with these groups and nothing else; without root it already does.
    fn dress(&self, command: &mut Command) {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let Identity { user, groups } = self.clone();
        // SAFETY: only system calls that may be made between fork and exec, on memory made before the fork.
        unsafe {
            command.pre_exec(move || {
                if libc::setgroups(groups.len(), groups.as_ptr()) != 0
                    || libc::setgid(user.gid) != 0
                    || libc::setuid(user.uid) != 0
                    || libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0
                {
                    return Err(io::Error::last_os_error());
                }
                Ok(())
            });
        }
    }
}

/// Names the guard of another kind of processor, which `$EMULATOR` runs (`setup/test-aarch64.sh`).
const EMULATED_GUARD: &str = "EMULATED_GUARD";

/// A run directory with lines and nodes, and the guard that owns them.
pub struct Bench {
    folder: TempDir,
    /// Where everything is.
    pub run: RunDir,
    /// Users of the processes.
    pub tier: Tier,
    users: Users,
    kill: Kill,
    guard: Option<Child>,
    orders: Option<PipeReader>,
    log: PathBuf,
    /// The kernel's lines, where the guard does not read files.
    chip: Option<Chip>,
    /// Nodes of drivers, where they are no files: camera, microphone.
    nodes: Option<[PathBuf; 2]>,
}

impl Bench {
    /// Makes lines and nodes. The guard does not run yet.
    #[must_use]
    pub fn prepare(tier: Tier, kill: Kill) -> Self {
        let folder = tempfile::Builder::new().prefix("subrosa-guard-").tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its mode");
        let users = match tier {
            Tier::Separate => Users::separate().expect("`make setup` creates the users"),
            Tier::One if rustix::process::geteuid().is_root() => {
                const NOBODY: User = User { uid: 65_534, gid: 65_534 };
                Users { guard: NOBODY, media: NOBODY, room: NOBODY, sim: NOBODY, doctor: NOBODY }
            }
            Tier::One => Users::one(),
        };
        // A clone may be in a folder that these users cannot enter.
        let guard = env::var_os(EMULATED_GUARD).map_or_else(|| program("subrosa-guard"), PathBuf::from);
        for (name, program) in [("subrosa-guard", guard), ("subrosa-sim", program("subrosa-sim"))] {
            fs::copy(program, folder.path().join(name)).expect("a copy of a program");
        }
        fs::copy(env::current_exe().expect("this program"), folder.path().join("actor"))
            .expect("a copy of this program");
        fs::copy(tree().join("boards/sim.toml"), folder.path().join("sim.toml")).expect("a copy of the board");
        let run = RunDir::new(folder.path().join("run"));
        fs::create_dir(run.path()).expect("the run directory");
        fs::create_dir(run.guard()).expect("the guard's folder");
        if rustix::process::geteuid().is_root() {
            chown(run.guard(), Some(users.guard.uid), Some(users.guard.gid)).expect("the guard's folder");
            if tier == Tier::One {
                chown(run.path(), Some(users.sim.uid), Some(users.sim.gid)).expect("the run directory");
            }
        }
        let log = folder.path().join("guard.log");
        let bench = Bench { folder, run, tier, users, kill, guard: None, orders: None, log, chip: None, nodes: None };
        let mut prepare = bench.command("subrosa-sim", &["prepare"]);
        prepare.arg("--share").arg(bench.folder.path());
        if tier == Tier::One {
            Identity { user: users.sim, groups: Vec::new() }.dress(&mut prepare);
        }
        let done = prepare.stderr(Stdio::null()).status().expect("subrosa-sim prepare");
        assert!(done.success(), "subrosa-sim prepare: {done}");
        bench
    }

    /// Lines, nodes and a guard that has proved them closed.
    #[must_use]
    pub fn start(tier: Tier) -> Self {
        let mut bench = Bench::prepare(tier, Kill::Pipe);
        bench.start_guard();
        bench.wait_dark();
        bench
    }

    /// The same with lines of a chip, as in the virtual machine. The guard does not run yet. `board` describes the
    /// lines; nodes are those of the simulated room.
    #[must_use]
    pub fn prepare_on(chip: Chip, board: &str) -> Self {
        let mut bench = Bench::prepare(Tier::Separate, Kill::Pipe);
        fs::write(bench.folder.path().join("real.toml"), board).expect("the board file");
        bench.chip = Some(chip);
        bench
    }

    /// The same with nodes of drivers, which are given to the guard here as udev's rules would. `board` describes them;
    /// lines are those of the simulated room.
    #[must_use]
    pub fn prepare_nodes(camera: &Path, microphone: &Path, board: &str) -> Self {
        let mut bench = Bench::prepare(Tier::Separate, Kill::Pipe);
        fs::write(bench.folder.path().join("real.toml"), board).expect("the board file");
        for node in [camera, microphone] {
            chown(node, Some(bench.users.guard.uid), Some(bench.users.media.gid)).expect("a node");
            fs::set_permissions(node, Permissions::from_mode(0o400)).expect("a node");
        }
        bench.nodes = Some([camera.to_owned(), microphone.to_owned()]);
        bench
    }

    /// The chip that the guard's lines are on.
    #[must_use]
    pub fn chip(&self) -> &Chip {
        self.chip.as_ref().expect("a chip")
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let program = self.folder.path().join(name);
        let mut command = match env::var("EMULATOR") {
            Ok(emulator) if name == "subrosa-guard" => {
                let mut words = emulator.split_whitespace();
                let mut command = Command::new(words.next().expect("an emulator"));
                command.args(words).arg(program);
                command
            }
            _ => Command::new(program),
        };
        let real = self.chip.is_some() || self.nodes.is_some();
        let board = if real { "real.toml" } else { "sim.toml" };
        command.args(arguments).arg("--board").arg(self.folder.path().join(board));
        command.arg("--run").arg(self.run.path()).current_dir("/").stdin(Stdio::null());
        if self.tier == Tier::One {
            command.arg("--one-user");
        }
        command
    }

    fn guard_identity(&self) -> Identity {
        Identity { user: self.users.guard, groups: vec![self.users.media.gid, self.users.room.gid] }
    }

    /// Starts the guard; returns when it listens.
    pub fn start_guard(&mut self) {
        /// The number that the pipe has in the guard.
        const PIPE: i32 = 200;
        for socket in [self.run.guard_for_media(), self.run.guard_for_room()] {
            let _not_there = fs::remove_file(socket);
        }
        let mut command = self.command("subrosa-guard", &[]);
        command.stderr(OpenOptions::new().create(true).append(true).open(&self.log).expect("a log"));
        let mut inherited: Option<PipeWriter> = None;
        match &self.kill {
            Kill::Pipe => {
                let (reader, writer) = io::pipe().expect("a pipe");
                let number = writer.as_raw_fd();
                // SAFETY: dup2 may be called between fork and exec; the pipe is open in the child.
                unsafe {
                    command.pre_exec(move || {
                        if libc::dup2(number, PIPE) < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
                    });
                }
                command.arg("--kill").arg(format!("fd:{PIPE}"));
                self.orders = Some(reader);
                inherited = Some(writer);
            }
            Kill::Cgroup(path) => drop(command.arg("--kill").arg(format!("cgroup:{}", path.display()))),
        }
        self.guard_identity().dress(&mut command);
        self.guard = Some(command.spawn().expect("subrosa-guard"));
        drop(inherited);
        // Looked for and not tried: whoever connects and goes has ended a meeting.
        let wanted = if self.tier == Tier::Separate { 0o660 } else { 0o600 };
        eventually("the guard listens", Duration::from_secs(5), || {
            let child = self.guard.as_mut().expect("a guard");
            if let Some(status) = child.try_wait().expect("its status") {
                panic!("the guard has ended ({status}): {}", fs::read_to_string(&self.log).unwrap_or_default());
            }
            let socket = fs::metadata(self.run.guard_for_room()).ok()?;
            (socket.mode() & 0o777 == wanted).then_some(())
        });
    }

    /// The guard's process.
    #[must_use]
    pub fn guard(&self) -> Pid {
        Pid::from_child(self.guard.as_ref().expect("a guard"))
    }

    /// Kills the guard without a word.
    pub fn kill_guard(&mut self) {
        let mut guard = self.guard.take().expect("a guard");
        guard.kill().expect("SIGKILL");
        guard.wait().expect("its end");
    }

    /// Ends the guard in order; returns how long that took.
    pub fn end_guard(&mut self) -> Duration {
        let start = Instant::now();
        kill_process(self.guard(), Signal::TERM).expect("SIGTERM");
        let mut guard = self.guard.take().expect("a guard");
        assert!(guard.wait().expect("its end").success());
        start.elapsed()
    }

    /// Runs what systemd runs after the guard's end; returns whether it succeeded.
    #[must_use]
    pub fn stop_hook(&self) -> bool {
        let mut command = self.command("subrosa-guard", &["stop-hook"]);
        self.guard_identity().dress(&mut command);
        command.stderr(Stdio::null()).status().expect("subrosa-guard stop-hook").success()
    }

    /// The way to the node of a capture.
    #[must_use]
    pub fn node(&self, capture: Capture) -> PathBuf {
        match (&self.nodes, capture) {
            (Some([camera, _]), Capture::Camera) => camera.clone(),
            (Some([_, microphone]), Capture::Microphone) => microphone.clone(),
            (None, _) => self.run.sim_nodes().join(name(capture)),
        }
    }

    /// The permission of a node.
    #[must_use]
    pub fn mode(&self, capture: Capture) -> u32 {
        fs::metadata(self.node(capture)).map_or(0, |node| node.mode() & 0o7777)
    }

    /// The permission that a granted node has here.
    #[must_use]
    pub fn granted_mode(&self) -> u32 {
        match self.tier {
            Tier::Separate => 0o460,
            Tier::One => 0o600,
        }
    }

    /// The way to a line.
    #[must_use]
    pub fn line(&self, name: &str) -> PathBuf {
        self.run.sim_lines().join(name)
    }

    /// Sets a line as a contact does, and says when: the moment before.
    pub fn set(&self, line: &str, level: bool) -> Duration {
        if let Some(chip) = &self.chip {
            let now = monotonic();
            chip.pull(line, level);
            return now;
        }
        let file = OpenOptions::new().write(true).open(self.line(line)).expect("a line");
        let now = monotonic();
        file.write_all_at(if level { b"1" } else { b"0" }, 0).expect("a line");
        now
    }

    /// Moves a capture's switch.
    pub fn switch(&self, capture: Capture, open: bool) -> Duration {
        self.set(if capture == Capture::Camera { "camera-shutter" } else { "microphone-switch" }, open)
    }

    /// Presses the button shortly.
    pub fn press(&self) {
        self.set("button", true);
        std::thread::sleep(Duration::from_millis(120));
        self.set("button", false);
        std::thread::sleep(Duration::from_millis(60));
    }

    /// The level of a line. What cannot be read is `None`.
    #[must_use]
    pub fn level(&self, line: &str) -> Option<bool> {
        if let Some(chip) = &self.chip {
            return chip.level(line);
        }
        match fs::read(self.line(line)).ok()?.as_slice() {
            b"1" => Some(true),
            b"0" => Some(false),
            _ => None,
        }
    }

    /// The live lamp is not dark. What cannot be read is lit.
    #[must_use]
    pub fn lit(&self, capture: Capture) -> bool {
        self.level(&format!("{}-live", name(capture))) != Some(false)
    }

    /// The red lamp says *muted*.
    #[must_use]
    pub fn red(&self) -> bool {
        self.level("microphone-muted") == Some(true)
    }

    /// Waits until both live lamps are dark.
    #[track_caller]
    pub fn wait_dark(&self) {
        eventually("both live lamps are dark", Duration::from_secs(3), || {
            Capture::ALL.into_iter().all(|capture| !self.lit(capture)).then_some(())
        });
    }

    /// Waits for the guard's order to kill, and says when it came. `None`: it did not within the time given.
    pub fn order_to_kill(&mut self, within: Duration) -> Option<Duration> {
        let orders = self.orders.as_mut().expect("a pipe");
        let mut ready = [rustix::event::PollFd::new(orders, rustix::event::PollFlags::IN)];
        let timeout = within.try_into().expect("a time");
        if rustix::event::poll(&mut ready, Some(&timeout)).expect("poll") == 0 {
            return None;
        }
        let now = monotonic();
        let mut byte = [0];
        (orders.read(&mut byte).expect("an order") == 1).then_some(now)
    }

    /// Media, connected to the guard.
    #[must_use]
    pub fn media(&self) -> Actor {
        let media = self.actor(self.users.media);
        media.connect(&self.run.guard_for_media());
        media
    }

    /// The room, connected to the guard.
    #[must_use]
    pub fn room(&self) -> Actor {
        let room = self.actor(self.users.room);
        room.connect(&self.run.guard_for_room());
        room
    }

    /// Somebody of this user who has done nothing yet.
    #[must_use]
    pub fn actor(&self, user: User) -> Actor {
        Actor::start(&self.folder.path().join("actor"), &Identity { user, groups: Vec::new() })
    }

    /// The users of this bench.
    #[must_use]
    pub fn users(&self) -> Users {
        self.users
    }

    /// A room that is awake, with media that may ask for everything.
    #[must_use]
    pub fn awake(&self) -> (Actor, Actor) {
        let (room, media) = (self.room(), self.media());
        self.press();
        for capture in Capture::ALL {
            media.may_ask(capture);
        }
        (room, media)
    }

    /// What the guard has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the guard's log:\n{}", self.log());
        }
        if let Some(mut guard) = self.guard.take() {
            let _ended = guard.kill();
            let _ended = guard.wait();
        }
    }
}

/// The name of a capture in messages, lines and nodes.
#[must_use]
pub fn name(capture: Capture) -> &'static str {
    match capture {
        Capture::Camera => "camera",
        Capture::Microphone => "microphone",
    }
}
