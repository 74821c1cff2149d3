//! An actor, as the test sees it.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde_json::{Value, json};
use subrosa_messages::Capture;
use subrosa_process::users::User;

use super::{ACTOR, Bench, Identity, name};
use crate::stage::eventually;

/// In this time an actor tells what is waited for; an emulated machine is slow.
const TELLS: Duration = Duration::from_secs(10);

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
    /// An actor of this user. `program`: this test program, or a copy where that user cannot reach it.
    #[must_use]
    pub fn of(user: User, program: &Path) -> Self {
        Actor::start(program, &Identity { user, groups: Vec::new() })
    }

    pub(super) fn start(program: &Path, identity: &Identity) -> Self {
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
                assert!(start.elapsed() < TELLS, "the actor did not tell: {what}; it told {told:?}");
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

    /// Captures by itself from now on, whenever the guard lets it, and looks at its lamps (see [`Actor::all_told`]:
    /// `captures` a node, so many `frames`, a `dark` lamp). `lines`: the folder of the simulated lines.
    pub fn capture_by_itself(&self, lines: &Path) {
        self.command(&json!({"eager": lines}));
    }

    /// What an actor that captures by itself does when a permit is taken back: it `obeys`, `ignores` it, `lies` or
    /// `is silent`.
    pub fn set_mood(&self, mood: &str) {
        self.command(&json!({"mood": mood}));
    }

    /// Opens a node without having asked, and captures from it if it can.
    pub fn sneak(&self, node: &Path) {
        self.command(&json!({"sneak": node}));
    }

    /// Everything that it has told.
    #[must_use]
    pub fn all_told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    /// Connects to a socket of the guard and does not wait for it.
    pub fn go_and_connect(&self, socket: &Path) {
        self.command(&json!({"connect": socket}));
    }

    /// Closes everything that it has opened and does not wait for it.
    pub fn go_and_close(&self) {
        self.command(&json!({"close": true}));
    }

    /// Opens a node as media does. The error's number, if it failed.
    pub fn open(&self, path: &Path) -> Result<(), i64> {
        let mark = self.mark();
        self.command(&json!({"open": path}));
        let (_, error) = self.wait_from(mark, "opened", |told| told["opened"].as_i64());
        if error == 0 { Ok(()) } else { Err(error) }
    }

    /// Reads a picture from the camera that it has opened last; its length, 0 when there was none within seconds.
    #[must_use]
    pub fn frame(&self) -> u64 {
        let mark = self.mark();
        self.command(&json!({"frame": true}));
        self.wait_from(mark, "a frame", |told| told["frame"].as_u64()).1
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
