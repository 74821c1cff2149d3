//! An actor that captures whenever it may, as media does in a call, and that looks at its own lamps.
//!
//! Whoever holds a node open can say for certain whether its lamp is lit meanwhile: nothing else closes what it holds
//! between the two looks. So it takes frames all the time, and whenever a lamp changes, and tells of each lamp that it
//! has found dark.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde_json::{Value, json};

use super::play::{Held, say, tell};

/// How often frames are taken when no lamp changes.
const FRAME: Duration = Duration::from_millis(3);
/// Frames that are told of at once.
const TOLD: u64 = 10;

/// What it does when the guard takes a permit back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mood {
    /// Closes and says so.
    #[default]
    Obeys,
    /// Goes on capturing.
    Ignores,
    /// Goes on capturing and says that it has closed.
    Lies,
    /// Closes and says nothing.
    IsSilent,
}

/// An actor that captures by itself.
pub(super) struct Eager {
    lines: PathBuf,
    mood: Mood,
    may: BTreeSet<String>,
    asked: BTreeSet<String>,
    frames: u64,
    /// Descriptors of devices that were torn out.
    torn: BTreeSet<RawFd>,
}

/// From now on it captures by itself. `lines`: the folder of the simulated lines.
pub(super) fn begin(lines: &str, held: &Arc<Mutex<Held>>) {
    let lines = PathBuf::from(lines);
    let eager = Eager {
        lines: lines.clone(),
        mood: Mood::default(),
        may: BTreeSet::new(),
        asked: BTreeSet::new(),
        frames: 0,
        torn: BTreeSet::new(),
    };
    held.lock().unwrap().eager = Some(eager);
    let held = held.clone();
    std::thread::spawn(move || take_frames(&lines, &held));
}

fn take_frames(lines: &Path, held: &Mutex<Held>) {
    let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).expect("inotify");
    inotify::add_watch(&changes, lines, WatchFlags::MODIFY).expect("a watch on the lines");
    let pause = Timespec { tv_sec: 0, tv_nsec: FRAME.subsec_nanos().into() };
    loop {
        let mut ready = [PollFd::new(&changes, PollFlags::IN)];
        if poll(&mut ready, Some(&pause)).is_ok_and(|ready| ready > 0) {
            let mut events = [0; 4096];
            let _read = rustix::io::read(&changes, &mut events);
        }
        let mut held = held.lock().unwrap();
        look(&mut held);
        ask(&mut held);
    }
}

/// Takes a frame from everything that it holds and looks at the lamp. It is not closed meanwhile: nobody else has `held`.
///
/// A device that was torn out gives no frame for ever after, whoever holds it (`ENODEV`); a file in its place would. A guard that starts while it is away
/// has nothing to keep its lamp lit for.
fn look(held: &mut MutexGuard<'_, Held>) {
    let held = &mut **held;
    let names: Vec<String> = held.nodes.iter().map(|(node, _)| held.name(node)).collect();
    let Some(eager) = &mut held.eager else { return };
    eager.torn.retain(|torn| held.nodes.iter().any(|(_, file)| file.as_raw_fd() == *torn));
    for ((node, file), name) in held.nodes.iter().zip(names) {
        if !node.exists() {
            eager.torn.insert(file.as_raw_fd());
        }
        if eager.torn.contains(&file.as_raw_fd()) {
            continue;
        }
        let _frame = file.read_at(&mut [0; 16], 0);
        eager.frames += 1;
        if eager.frames.is_multiple_of(TOLD) {
            tell(&json!({"frames": TOLD}));
        }
        if fs::read(eager.lines.join(format!("{name}-live"))).is_ok_and(|level| level.starts_with(b"0")) {
            tell(&json!({"dark": name}));
        }
    }
}

/// Asks for what it may have and has not got.
fn ask(held: &mut Held) {
    let Some(eager) = &mut held.eager else { return };
    let open = |capture: &String| held.permits.values().any(|permit| permit == capture);
    let wanted: Vec<String> =
        eager.may.iter().filter(|&name| !open(name) && !eager.asked.contains(name)).cloned().collect();
    eager.asked.extend(wanted.iter().cloned());
    for capture in wanted {
        say(held, &json!({"ask": {"capture": capture}}));
    }
}

/// Hears the guard.
pub(super) fn hear(held: &mut MutexGuard<'_, Held>, heard: &Value) {
    let text = |word: &str, field: &str| heard[word][field].as_str().unwrap_or_default().to_owned();
    let eager = held.eager.as_mut().expect("an eager actor");
    if heard["may-ask"].is_object() {
        let capture = text("may-ask", "capture");
        eager.asked.remove(&capture);
        if heard["may-ask"]["refusal"].is_null() {
            eager.may.insert(capture)
        } else {
            eager.may.remove(&capture)
        };
    }
    if heard["refused"].is_object() {
        eager.asked.remove(&text("refused", "capture"));
    }
    if let Some(permit) = heard["granted"]["permit"].as_u64() {
        let capture = text("granted", "capture");
        eager.asked.remove(&capture);
        let node = heard["granted"]["nodes"][0].as_str().unwrap_or_default().to_owned();
        let opened = open(held, Path::new(&node));
        if opened {
            held.permits.insert(permit, capture);
        }
        say(held, &json!({(if opened { "all-open" } else { "did-not-open" }): {"permit": permit}}));
    }
    if let Some(permit) = heard["revoke"]["permit"].as_u64() {
        let mood = held.eager.as_ref().map_or(Mood::Obeys, |eager| eager.mood);
        if matches!(mood, Mood::Obeys | Mood::IsSilent) {
            let capture = held.permits.remove(&permit).unwrap_or_default();
            look(held);
            held.close(&capture);
        }
        if matches!(mood, Mood::Obeys | Mood::Lies) {
            held.permits.remove(&permit);
            say(held, &json!({"closed": {"permit": permit}}));
        }
    }
    ask(held);
}

/// It closes everything by itself, as when the room wants no more.
pub(super) fn close(held: &mut MutexGuard<'_, Held>) {
    look(held);
    held.nodes.clear();
    let Some(eager) = &held.eager else { return };
    let silent = eager.mood == Mood::IsSilent;
    for (permit, _) in std::mem::take(&mut held.permits) {
        if !silent {
            say(held, &json!({"closed": {"permit": permit}}));
        }
    }
}

/// The guard has gone.
pub(super) fn deserted(held: &mut Held) {
    let Some(eager) = &mut held.eager else { return };
    eager.may.clear();
    eager.asked.clear();
    held.permits.clear();
    if matches!(eager.mood, Mood::Obeys | Mood::IsSilent) {
        held.nodes.clear();
    }
}

/// Opens a node for capturing, with a permit or without, and looks at once.
pub(super) fn open(held: &mut MutexGuard<'_, Held>, node: &Path) -> bool {
    match OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(node) {
        Ok(file) => {
            if let Some(eager) = &mut held.eager {
                eager.torn.remove(&file.as_raw_fd());
            }
            held.nodes.push((node.to_owned(), file));
            tell(&json!({"captures": node}));
            look(held);
            true
        }
        Err(_) => false,
    }
}

/// What it does from now on when a permit is taken back.
pub(super) fn set_mood(held: &mut Held, mood: &str) {
    let mood = match mood {
        "ignores" => Mood::Ignores,
        "lies" => Mood::Lies,
        "is silent" => Mood::IsSilent,
        _ => Mood::Obeys,
    };
    if let Some(eager) = &mut held.eager {
        eager.mood = mood;
    }
}
