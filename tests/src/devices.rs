//! The guard alone, with lines and nodes as files and with actors that play media and the room.
//!
//! An actor is a process of its own, since media must have its own user and must be able to die: the test program
//! started again with [`ACTOR`] in its environment, which calls [`act`]. It takes commands on its standard input and
//! tells on its standard output what it did and heard, and when (`CLOCK_MONOTONIC`, which all processes share).

use std::collections::HashMap;
use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use subrosa_messages::Capture;
use subrosa_messages::frame::{self, Decoder};
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::{User, Users};
use tempfile::TempDir;

use crate::stage::{eventually, program, tree};

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
                Users { guard: NOBODY, media: NOBODY, room: NOBODY, sim: NOBODY }
            }
            Tier::One => Users::one(),
        };
        // A clone may be in a folder that these users cannot enter.
        for name in ["subrosa-guard", "subrosa-sim"] {
            fs::copy(program(name), folder.path().join(name)).expect("a copy of a program");
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
        let bench = Bench { folder, run, tier, users, kill, guard: None, orders: None, log };
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

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.path().join(name));
        command.args(arguments).arg("--board").arg(self.folder.path().join("sim.toml"));
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
        self.run.sim_nodes().join(name(capture))
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

/// Something that an actor has told.
#[derive(Clone, Debug)]
pub struct Told {
    /// When, on the common clock.
    pub at: Duration,
    /// What.
    pub what: Value,
}

/// A process that plays media or the room.
pub struct Actor {
    child: Mutex<Child>,
    commands: Mutex<ChildStdin>,
    told: Arc<Mutex<Vec<Told>>>,
}

impl Actor {
    fn start(program: &Path, identity: &Identity) -> Self {
        let mut command = Command::new(program);
        command.args(["--exact", "actor", "--nocapture"]).env(ACTOR, "1").current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        identity.dress(&mut command);
        let mut child = command.spawn().expect("an actor");
        let commands = Mutex::new(child.stdin.take().expect("its commands"));
        let told = Arc::new(Mutex::new(Vec::new()));
        let (output, into) = (child.stdout.take().expect("its words"), told.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // The test harness of the actor writes lines of its own.
                let Some(told) =
                    line.find("{\"at\"").and_then(|start| serde_json::from_str::<Value>(&line[start..]).ok())
                else {
                    continue;
                };
                let at = Duration::from_nanos(told["at"].as_u64().expect("a time"));
                into.lock().unwrap().push(Told { at, what: told["what"].clone() });
            }
        });
        Actor { child: Mutex::new(child), commands, told }
    }

    fn command(&self, command: &Value) {
        // An actor that was killed takes no commands, and that is what some tests are about.
        let _may_be_dead = writeln!(self.commands.lock().unwrap(), "{command}");
    }

    /// How many things were told so far; a place from which to wait.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// Waits for something told at or after a mark.
    #[track_caller]
    pub fn wait_from<T>(&self, mark: usize, what: &str, pick: impl Fn(&Value) -> Option<T>) -> (Duration, T) {
        let start = Instant::now();
        loop {
            {
                let told = self.told.lock().unwrap();
                if let Some(found) =
                    told.iter().skip(mark).find_map(|told| pick(&told.what).map(|found| (told.at, found)))
                {
                    return found;
                }
                assert!(start.elapsed() < Duration::from_secs(5), "the actor did not tell: {what}; it told {told:?}");
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Whether something was told at or after a mark.
    #[must_use]
    pub fn has_told(&self, mark: usize, pick: impl Fn(&Value) -> bool) -> bool {
        self.told.lock().unwrap().iter().skip(mark).any(|told| pick(&told.what))
    }

    /// Connects to a socket of the guard.
    pub fn connect(&self, socket: &Path) {
        assert!(self.try_connect(socket), "the connection was refused");
    }

    /// Connects to a socket of the guard, if it is let.
    #[must_use]
    pub fn try_connect(&self, socket: &Path) -> bool {
        let mark = self.mark();
        self.command(&json!({"connect": socket}));
        self.wait_from(mark, "connected", |told| told["connect"].as_bool()).1
    }

    /// Says something to the guard.
    pub fn say(&self, message: &Value) {
        self.command(&json!({"say": message}));
    }

    /// Closes everything at once when the guard revokes or goes, as media has to.
    pub fn obey(&self) {
        self.command(&json!({"obey": true}));
    }

    /// Opens a node as media does. The error's number, if it failed.
    pub fn open(&self, path: &Path) -> Result<(), i64> {
        let mark = self.mark();
        self.command(&json!({"open": path}));
        let (_, error) = self.wait_from(mark, "opened", |told| told["opened"].as_i64());
        if error == 0 { Ok(()) } else { Err(error) }
    }

    /// Closes everything that it has opened, and says when.
    pub fn close(&self) -> Duration {
        let mark = self.mark();
        self.command(&json!({"close": true}));
        self.wait_from(mark, "closed", |told| told["closed"].as_bool()).0
    }

    /// Starts a process that holds what this one holds, and lives on without it.
    pub fn fork(&self) -> Pid {
        let mark = self.mark();
        self.command(&json!({"fork": true}));
        let (_, pid) = self.wait_from(mark, "forked", |told| told["forked"].as_i64());
        Pid::from_raw(pid.try_into().expect("a process id")).expect("a process id")
    }

    /// Asks for a capture until it is granted; the permit and when it came.
    #[track_caller]
    pub fn ask(&self, capture: Capture) -> (Duration, u64) {
        let mark = self.mark();
        self.say(&json!({"ask": {"capture": name(capture)}}));
        self.wait_from(mark, "granted", |told| {
            let granted = &told["heard"]["granted"];
            (granted["capture"] == name(capture)).then(|| granted["permit"].as_u64()).flatten()
        })
    }

    /// Asks for a capture and is refused; why.
    #[track_caller]
    pub fn is_refused(&self, capture: Capture) -> String {
        let mark = self.mark();
        self.say(&json!({"ask": {"capture": name(capture)}}));
        let pick = |told: &Value| {
            let refused = &told["heard"]["refused"];
            (refused["capture"] == name(capture)).then(|| refused["reason"].as_str().map(str::to_owned)).flatten()
        };
        self.wait_from(mark, "refused", pick).1
    }

    /// Asks for a capture, opens it and says so: a capture as in a call.
    #[track_caller]
    pub fn capture(&self, bench: &Bench, capture: Capture) -> u64 {
        let (_, permit) = self.ask(capture);
        assert_eq!(self.open(&bench.node(capture)), Ok(()));
        self.say(&json!({"all-open": {"permit": permit}}));
        permit
    }

    /// Waits until the last word about a capture is that it may be asked for.
    #[track_caller]
    pub fn may_ask(&self, capture: Capture) {
        self.wait_refusal(capture, None);
    }

    /// Waits until the last word about a capture is this refusal.
    #[track_caller]
    pub fn wait_refusal(&self, capture: Capture, refusal: Option<&str>) {
        eventually(&format!("{capture:?} would be refused: {refusal:?}"), Duration::from_secs(5), || {
            let told = self.told.lock().unwrap();
            let last = told.iter().rev().find(|told| told.what["heard"]["may-ask"]["capture"] == name(capture))?;
            (last.what["heard"]["may-ask"]["refusal"].as_str() == refusal).then_some(())
        });
    }

    /// The last state that the guard has told the room.
    #[must_use]
    pub fn state(&self) -> Value {
        let told = self.told.lock().unwrap();
        let state = told.iter().rev().map(|told| &told.what["heard"]["state"]).find(|state| !state.is_null());
        state.cloned().unwrap_or(Value::Null)
    }

    /// Waits for a state.
    #[track_caller]
    pub fn wait_state(&self, what: &str, is: impl Fn(&Value) -> bool) {
        eventually(what, Duration::from_secs(5), || is(&self.state()).then_some(()));
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child.lock().unwrap())
    }

    /// Kills it.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.child.lock().unwrap().try_wait().expect("its status").is_some()
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap();
        let _dead = child.kill();
        let _dead = child.wait();
    }
}

// ------------------------------------------------------------------------------------------ in the actor's process

/// What an actor holds.
#[derive(Default)]
struct Held {
    guard: Option<UnixStream>,
    nodes: Vec<(PathBuf, File)>,
    permits: HashMap<u64, String>,
    obeys: bool,
}

fn tell(what: &Value) {
    let at = u64::try_from(monotonic().as_nanos()).expect("a time");
    // One write, so that lines of two threads do not mix.
    let line = format!("{}\n", json!({"at": at, "what": what}));
    let _nobody_listens = io::stdout().lock().write_all(line.as_bytes());
    let _nobody_listens = io::stdout().flush();
}

/// Plays media or the room until the standard input ends. Without [`ACTOR`] in the environment it does nothing.
pub fn act() {
    if env::var_os(ACTOR).is_none() {
        return;
    }
    let held = Arc::new(Mutex::new(Held::default()));
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let Ok(command) = serde_json::from_str::<Value>(&line) else {
            continue;
        };
        carry_out(&command, &held);
    }
    std::process::exit(0);
}

fn carry_out(command: &Value, held: &Arc<Mutex<Held>>) {
    if let Some(path) = command["connect"].as_str() {
        let stream = UnixStream::connect(path).ok();
        tell(&json!({"connect": stream.is_some()}));
        if let Some(stream) = stream {
            held.lock().unwrap().guard = Some(stream.try_clone().expect("a copy"));
            let held = held.clone();
            std::thread::spawn(move || listen(stream, &held));
        }
    }
    if !command["say"].is_null() {
        say(&mut held.lock().unwrap(), &command["say"]);
    }
    if command["obey"] == true {
        held.lock().unwrap().obeys = true;
    }
    if let Some(path) = command["open"].as_str() {
        let opened = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let error = match opened {
            Ok(file) => {
                held.lock().unwrap().nodes.push((path.into(), file));
                0
            }
            Err(error) => error.raw_os_error().unwrap_or(-1),
        };
        tell(&json!({"opened": error}));
    }
    if command["close"] == true {
        held.lock().unwrap().nodes.clear();
        tell(&json!({"closed": true}));
    }
    if command["fork"] == true {
        // SAFETY: the child makes nothing but system calls that are allowed after a fork.
        match unsafe { libc::fork() } {
            // SAFETY: as above.
            0 => loop {
                unsafe { libc::pause() };
            },
            pid => tell(&json!({"forked": pid})),
        }
    }
}

fn say(held: &mut Held, message: &Value) {
    if let Some(guard) = &mut held.guard {
        let _gone = frame::write(guard, message, &[]);
    }
}

fn listen(mut stream: UnixStream, held: &Mutex<Held>) {
    let mut decoder = Decoder::<Value>::default();
    while let Ok(Some(heard)) = frame::read(&mut stream, &mut decoder) {
        let heard = heard.message;
        tell(&json!({"heard": heard}));
        let mut held = held.lock().unwrap();
        if let (Some(permit), Some(capture)) =
            (heard["granted"]["permit"].as_u64(), heard["granted"]["capture"].as_str())
        {
            held.permits.insert(permit, capture.to_owned());
        }
        if let Some(permit) = heard["revoke"]["permit"].as_u64()
            && held.obeys
        {
            let capture = held.permits.remove(&permit).unwrap_or_default();
            held.nodes.retain(|(path, _)| !path.ends_with(&capture));
            say(&mut held, &json!({"closed": {"permit": permit}}));
        }
    }
    tell(&json!({"guard": "gone"}));
    let mut held = held.lock().unwrap();
    if held.obeys {
        held.nodes.clear();
    }
}
