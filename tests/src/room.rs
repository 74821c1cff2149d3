//! A whole room: `subrosa run --board sim` with folders, configuration and ports of its own.
//!
//! As root the processes have separate users, as on a device; [`Users::One`] is what a developer's machine has. All of
//! it is gone when the [`Room`] is dropped, also by a failing test.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use serde_json::Value;
use subrosa_process::run_dir::RunDir;
use tempfile::TempDir;

use crate::client::Client;
use crate::figures::{descendants, stands_still};
use crate::namespace::{Namespace, inside};
use crate::sim::Sim;
use crate::stage::{artefact, eventually, program, tree};

/// Under which users the processes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// Each has its own; needs root.
    Separate,
    /// One without any right, as on a developer's machine.
    One,
}

/// Which room to start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Users of the processes.
    pub users: Users,
    /// In which network; `None`: the machine's own.
    pub namespace: Option<Arc<Namespace>>,
    /// The address that the page and the links listen on, and no other.
    pub address: IpAddr,
    /// Port of the page; `None`: a free one.
    pub port: Option<u16>,
    /// Language of the room's screen.
    pub language: &'static str,
    /// Lines of configuration, by section: `("network.turn", "port = 3478\n…")`.
    pub more: Vec<(&'static str, String)>,
    /// Environment of the supervisor and so of all processes.
    pub environment: Vec<(String, String)>,
    /// A state folder that outlives the room; `None`: a fresh one.
    pub state: Option<PathBuf>,
    /// Wait until the page answers.
    pub ready: bool,
}

impl Default for Plan {
    fn default() -> Self {
        let root = rustix::process::geteuid().is_root();
        Plan {
            users: if root { Users::Separate } else { Users::One },
            namespace: None,
            address: Ipv4Addr::LOCALHOST.into(),
            port: None,
            language: "en",
            more: Vec::new(),
            environment: Vec::new(),
            state: None,
            ready: true,
        }
    }
}

impl Plan {
    /// A room at the room's end of a wire.
    #[must_use]
    pub fn on(wire: &crate::namespace::Wire) -> Self {
        let address = crate::namespace::Wire::ROOM.parse().expect("an address");
        Plan { namespace: Some(wire.room.clone()), address, ..Plan::default() }
    }
}

/// What the person at the device reads to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The link, to be typed.
    pub link: String,
    /// The PIN.
    pub pin: String,
    /// The certificate's fingerprint.
    pub fingerprint: String,
}

/// A running room.
pub struct Room {
    supervisor: Child,
    folder: TempDir,
    plan: Plan,
    port: u16,
    started: Instant,
    terminal: Arc<Mutex<String>>,
    log: Arc<Mutex<String>>,
    /// The simulated room's switches, lamps, screen and speaker.
    pub sim: Sim,
}

/// Copies of programs and their files, for a user who cannot enter the folder of the source tree.
fn copies(folder: &Path) -> (PathBuf, PathBuf) {
    let share = folder.join("share");
    for part in ["boards", "boards/base", "data"] {
        fs::create_dir_all(share.join(part)).expect("a folder");
        let files = fs::read_dir(tree().join(part)).into_iter().flatten().flatten();
        for entry in files.filter(|entry| entry.path().is_file()) {
            fs::copy(entry.path(), share.join(part).join(entry.file_name())).expect("a copy");
        }
    }
    for name in ["subrosa", "subrosa-guard", "subrosa-media", "subrosa-sim"] {
        fs::copy(program(name), folder.join(name)).expect("a copy");
    }
    (folder.join("subrosa"), share)
}

fn free_port(address: IpAddr) -> u16 {
    let listener = TcpListener::bind(SocketAddr::new(address, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn collect(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let into = text.clone();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(&mut from);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            into.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    text
}

impl Room {
    /// Starts a room and waits until it can be used.
    #[must_use]
    pub fn start(plan: Plan) -> Self {
        let folder = tempfile::Builder::new().prefix("subrosa-test-").tempdir().expect("a folder");
        // Every user of the room has to get in; what is secret inside has its own mode.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("the folder's mode");
        let (port, sim_port) = inside(plan.namespace.as_deref(), || {
            (plan.port.unwrap_or_else(|| free_port(plan.address)), free_port(Ipv4Addr::LOCALHOST.into()))
        });
        let configuration = folder.path().join("subrosa.toml");
        fs::write(&configuration, configuration_of(&plan, port)).expect("the configuration");
        let run = folder.path().join("run");
        let as_nobody = plan.users == Users::One && rustix::process::geteuid().is_root();
        let (program, share) = if as_nobody { copies(folder.path()) } else { (program("subrosa"), tree()) };
        let mut command = Command::new(program);
        command.args(["run", "--board", "sim"]).arg("--config").arg(&configuration);
        command
            .arg("--run")
            .arg(&run)
            .arg("--state")
            .arg(plan.state.clone().unwrap_or_else(|| folder.path().join("state")));
        command.arg("--share").arg(share).arg("--sim-listen").arg(format!("127.0.0.1:{sim_port}"));
        command.envs(plan.environment.iter().cloned()).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if plan.users == Users::One {
            command.arg("--one-user");
        }
        if as_nobody {
            const NOBODY: u32 = 65_534;
            std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).expect("the folder's owner");
            command.uid(NOBODY).gid(NOBODY);
        }
        let started = Instant::now();
        let mut supervisor = inside(plan.namespace.as_deref(), || command.spawn()).expect("`subrosa run`");
        let terminal = collect(supervisor.stdout.take().expect("its standard output"));
        let log = collect(supervisor.stderr.take().expect("its standard error"));
        let lines = RunDir::new(&run).sim_lines();
        let sim = Sim::new(SocketAddr::from((Ipv4Addr::LOCALHOST, sim_port)), lines, plan.namespace.clone());
        let mut room = Room { supervisor, folder, plan, port, started, terminal, log, sim };
        if room.plan.ready {
            room.wait_until_served();
        }
        room
    }

    /// Waits until the page answers, the simulator answers and guard and media are there. Returns how long it took
    /// from the start of the program to the first answer of the page.
    pub fn wait_until_served(&mut self) -> Duration {
        let client = self.client();
        let mut served = None;
        eventually("the room serves its page, guard and media are there", Duration::from_secs(20), || {
            if let Ok(Some(status)) = self.supervisor.try_wait() {
                panic!("`subrosa run` ended with {status}:\n{}", self.log());
            }
            let reply = client.get("/api/status").ok().filter(|reply| reply.status == 200)?;
            served.get_or_insert_with(|| self.started.elapsed());
            let status = reply.json();
            (!status["guard"].is_null() && status["media"] == true && self.sim.state().is_ok()).then_some(())
        });
        served.unwrap_or_default()
    }

    /// The origin of the page, by address.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("https://{}", SocketAddr::new(self.plan.address, self.port))
    }

    /// A client in the room's own network.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.origin(), self.plan.namespace.clone())
    }

    /// The port of the page.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The network the room is in.
    #[must_use]
    pub fn namespace(&self) -> Option<Arc<Namespace>> {
        self.plan.namespace.clone()
    }

    /// The run directory.
    #[must_use]
    pub fn run_dir(&self) -> RunDir {
        RunDir::new(self.folder.path().join("run"))
    }

    /// The state directory.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.plan.state.clone().unwrap_or_else(|| self.folder.path().join("state"))
    }

    /// The configuration file.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("subrosa.toml")
    }

    /// `GET /api/status`.
    #[must_use]
    pub fn status(&self) -> Value {
        self.client().get("/api/status").map_or(Value::Null, |reply| reply.json())
    }

    /// Presses the button of a sleeping room and reads the invitation from the terminal.
    #[track_caller]
    pub fn wake(&self) -> Invitation {
        let before = self.terminal().len();
        self.sim.press();
        eventually("the terminal shows link, PIN and fingerprint", Duration::from_secs(5), || {
            Invitation::read(self.terminal().get(before..).unwrap_or_default())
        })
    }

    /// The newest code for a phone, and the page it belongs on, from the terminal.
    #[track_caller]
    #[must_use]
    pub fn code(&self) -> (String, String) {
        eventually("the terminal shows a code for a phone", Duration::from_secs(5), || {
            let terminal = self.terminal();
            let after = |word: &str| terminal.lines().rev().find_map(|line| line.trim().strip_prefix(word));
            Some((after("Remote:")?.trim().to_owned(), after("Code:")?.trim().to_owned()))
        })
    }

    /// Everything on standard output so far: the person's terminal.
    #[must_use]
    pub fn terminal(&self) -> String {
        self.terminal.lock().unwrap().clone()
    }

    /// Everything on standard error so far: the log of all processes.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The id of `guard`, `media`, `room` or `sim`; `None` while it is not running.
    #[must_use]
    pub fn find(&self, process: &str) -> Option<u32> {
        let name = if process == "room" { "subrosa".to_owned() } else { format!("subrosa-{process}") };
        let supervisor = self.supervisor.id();
        descendants(supervisor)
            .into_iter()
            .find(|found| found.name == name && found.parent == supervisor)
            .map(|found| found.pid)
    }

    /// The same, waiting for it to run.
    #[track_caller]
    #[must_use]
    pub fn pid(&self, process: &str) -> u32 {
        eventually(&format!("{process} runs"), Duration::from_secs(5), || self.find(process))
    }

    /// The supervisor's id.
    #[must_use]
    pub fn supervisor(&self) -> u32 {
        self.supervisor.id()
    }

    /// Sends a signal to one process. Returns its id and the moment before the signal.
    #[track_caller]
    pub fn signal(&self, process: &str, signal: Signal) -> (u32, Instant) {
        let pid = self.pid(process);
        let now = Instant::now();
        send(pid, signal);
        (pid, now)
    }

    /// Stops one process and waits until all its threads stand still. Returns its id.
    #[track_caller]
    #[must_use]
    pub fn freeze(&self, process: &str) -> u32 {
        let (pid, _) = self.signal(process, Signal::STOP);
        eventually(&format!("{process} stands still"), Duration::from_secs(2), || stands_still(pid).then_some(pid))
    }

    /// Stops the supervisor, so that nobody starts what ends. Returns its id.
    #[track_caller]
    #[must_use]
    pub fn freeze_supervisor(&self) -> u32 {
        let pid = self.supervisor();
        send(pid, Signal::STOP);
        eventually("the supervisor stands still", Duration::from_secs(2), || stands_still(pid).then_some(pid))
    }

    /// Kills one process as a crash would, and returns the moment before.
    #[track_caller]
    pub fn kill(&self, process: &str) -> Instant {
        self.signal(process, Signal::KILL).1
    }

    /// Ends the room in the ordinary way and returns the whole log.
    #[must_use]
    pub fn end(mut self) -> String {
        self.stop();
        self.log()
    }

    fn stop(&mut self) {
        if matches!(self.supervisor.try_wait(), Ok(Some(_))) {
            return;
        }
        let family = descendants(self.supervisor.id());
        send(self.supervisor.id(), Signal::CONT);
        send(self.supervisor.id(), Signal::TERM);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            if matches!(self.supervisor.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _gone = self.supervisor.kill();
        let _gone = self.supervisor.wait();
        for process in family {
            let name = fs::read_to_string(format!("/proc/{}/comm", process.pid)).unwrap_or_default();
            if name.trim() == process.name {
                send(process.pid, Signal::KILL);
            }
        }
    }
}

/// Sends a signal to a process that this test has started.
pub fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone = rustix::process::kill_process(pid, signal);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
            let log = self.log();
            let _unwritable = fs::write(artefact(&format!("{name}.log")), &log);
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("the room's log ended with:");
            for line in tail.iter().rev() {
                eprintln!("    {line}");
            }
        }
    }
}

fn configuration_of(plan: &Plan, port: u16) -> String {
    let mut sections: Vec<(&str, String)> = vec![
        ("room", format!("name = \"Test room\"\nlanguage = \"{}\"\n", plan.language)),
        (
            "operator",
            "name = \"Test operator\"\naddress = \"1 Test Street\"\nprivacy_contact = \"privacy@example.org\"\n"
                .to_owned(),
        ),
        ("web", format!("listen = \"{}\"\n", SocketAddr::new(plan.address, port))),
        ("network", format!("addresses = [\"{}\"]\n", plan.address)),
    ];
    for (section, lines) in &plan.more {
        match sections.iter_mut().find(|(name, _)| name == section) {
            Some((_, text)) => text.push_str(lines),
            None => sections.push((section, lines.clone())),
        }
    }
    let body: Vec<String> = sections.iter().map(|(section, lines)| format!("[{section}]\n{lines}")).collect();
    format!("version = 1\n\n{}", body.join("\n"))
}

impl Invitation {
    /// Reads an invitation from what a terminal shows: a link, a line that speaks of a PIN, 32 pairs of hexadecimal digits.
    #[must_use]
    pub fn read(terminal: &str) -> Option<Self> {
        let words = || terminal.split_whitespace();
        let link = words().find(|word| word.starts_with("https://"))?.to_owned();
        let pin = terminal.lines().find_map(|line| {
            let after = line.get(line.find("PIN")? + 3..)?;
            let digits: String = after.chars().filter(char::is_ascii_digit).collect();
            (digits.len() >= 4).then_some(digits)
        })?;
        let pair = |pair: &&str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        let pairs: Vec<&str> = terminal.split(|c: char| c.is_whitespace() || c == ':').filter(pair).collect();
        let fingerprint = pairs.get(..32)?.join(":").to_uppercase();
        Some(Invitation { link, pin, fingerprint })
    }
}

/// Whether a path belongs to nobody but its process: what `Path::exists` cannot say.
#[must_use]
pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_read_from_a_terminal() {
        let pairs = vec!["0a"; 32].join(":");
        let text = format!(
            "Simulated room: http://127.0.0.1:8088\nLink   https://192.0.2.7:8443/\nPIN    482 913\nSHA-256 {pairs}\n"
        );
        let invitation = Invitation::read(&text).unwrap();
        assert_eq!(invitation.link, "https://192.0.2.7:8443/");
        assert_eq!(invitation.pin, "482913");
        assert_eq!(invitation.fingerprint.len(), 95);
        assert_eq!(Invitation::read("Link https://192.0.2.7:8443/\nPIN 482913\n"), None);
    }
}
