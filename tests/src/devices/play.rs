//! An actor, in its own process: takes commands, does them, tells what happens.

use std::collections::HashMap;
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Value, json};
use subrosa_messages::frame::{self, Decoder};

use super::{ACTOR, eager, monotonic};

/// What an actor holds.
#[derive(Default)]
pub(super) struct Held {
    pub(super) guard: Option<UnixStream>,
    pub(super) nodes: Vec<(PathBuf, File)>,
    pub(super) permits: HashMap<u64, String>,
    /// Which capture a node belongs to, as the guard has said.
    names: HashMap<PathBuf, String>,
    obeys: bool,
    pub(super) eager: Option<eager::Eager>,
}

impl Held {
    /// Which capture a node belongs to. In the simulated room it bears its name.
    pub(super) fn name(&self, node: &Path) -> String {
        let named = || node.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.names.get(node).cloned().unwrap_or_else(named)
    }

    /// Closes what belongs to a capture.
    pub(super) fn close(&mut self, capture: &str) {
        let (closed, kept) =
            std::mem::take(&mut self.nodes).into_iter().partition(|(node, _)| self.name(node) == capture);
        self.nodes = kept;
        drop::<Vec<_>>(closed);
    }

    /// Remembers what the guard has said of a grant.
    fn learn(&mut self, granted: &Value) {
        for node in granted["nodes"].as_array().into_iter().flatten() {
            let names = (node.as_str().map(PathBuf::from), granted["capture"].as_str());
            if let (Some(node), Some(capture)) = names {
                self.names.insert(node, capture.to_owned());
            }
        }
    }
}

pub(super) fn tell(what: &Value) {
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
    if let Some(lines) = command["eager"].as_str() {
        eager::begin(lines, held);
    }
    if let Some(mood) = command["mood"].as_str() {
        eager::set_mood(&mut held.lock().unwrap(), mood);
    }
    if let Some(path) = command["sneak"].as_str() {
        eager::open(&mut held.lock().unwrap(), Path::new(path));
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
        let mut held = held.lock().unwrap();
        if held.eager.is_some() {
            eager::close(&mut held);
        }
        held.nodes.clear();
        tell(&json!({"closed": true}));
    }
    if command["frame"] == true {
        // A camera's driver hands out whole frames to whoever reads.
        let held = held.lock().unwrap();
        let mut frame = vec![0; 1 << 22];
        let length = held.nodes.last().and_then(|(_, node)| {
            let mut ready = [PollFd::new(node, PollFlags::IN)];
            poll(&mut ready, Some(&Timespec { tv_sec: 5, tv_nsec: 0 })).ok()?;
            (&*node).read(&mut frame).ok()
        });
        tell(&json!({"frame": length.unwrap_or(0)}));
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

pub(super) fn say(held: &mut Held, message: &Value) {
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
        held.learn(&heard["granted"]);
        if held.eager.is_some() {
            eager::hear(&mut held, &heard);
            continue;
        }
        if let (Some(permit), Some(capture)) =
            (heard["granted"]["permit"].as_u64(), heard["granted"]["capture"].as_str())
        {
            held.permits.insert(permit, capture.to_owned());
        }
        if let Some(permit) = heard["revoke"]["permit"].as_u64()
            && held.obeys
        {
            let capture = held.permits.remove(&permit).unwrap_or_default();
            held.close(&capture);
            tell(&json!({"obeyed": permit}));
            say(&mut held, &json!({"closed": {"permit": permit}}));
        }
    }
    tell(&json!({"guard": "gone"}));
    let mut held = held.lock().unwrap();
    if held.obeys {
        held.nodes.clear();
    }
    eager::deserted(&mut held);
}
