//! An actor, in its own process: takes commands, does them, tells what happens.

use std::collections::HashMap;
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use subrosa_messages::frame::{self, Decoder};

use super::{ACTOR, monotonic};

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
