//! Whether the lamps tell the truth, watched all the time from outside (P1): whenever a capture node is open, its lamp is lit.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::room::Room;
use crate::sim::Line;

/// Which processes have a file open, by their descriptors. A descriptor that only names the file (`O_PATH`) opens nothing
/// and does not count; nor does the guard, which keeps one of a simulated node to ask for its lease (the proof).
#[must_use]
pub fn holders(path: &Path) -> Vec<u32> {
    let Ok(wanted) = fs::metadata(path) else { return Vec::new() };
    use std::os::unix::fs::MetadataExt;
    let mut holders = Vec::new();
    let emulated = std::env::var_os("EMULATED_GUARD").is_some();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A guard of another processor bears the name of its emulator (`setup/test-aarch64.sh`).
        let guard = |name: &str| name == "subrosa-guard" || (emulated && name.starts_with("qemu-"));
        if fs::read_to_string(process.path().join("comm")).is_ok_and(|name| guard(name.trim())) {
            continue;
        }
        for descriptor in fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten() {
            let same = |found: fs::Metadata| found.dev() == wanted.dev() && found.ino() == wanted.ino();
            if fs::metadata(descriptor.path()).is_ok_and(same)
                && !only_names(&process.path().join("fdinfo").join(descriptor.file_name()))
            {
                holders.push(pid);
                break;
            }
        }
    }
    holders
}

fn only_names(info: &Path) -> bool {
    let info = fs::read_to_string(info).unwrap_or_default();
    let flags = info
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .and_then(|flags| i32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & libc::O_PATH != 0)
}

/// Whether one process has a file open: cheap enough to be asked all the time.
#[must_use]
pub fn holds(pid: u32, path: &Path) -> bool {
    let Ok(folder) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    folder.flatten().any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|target| target == path))
}

/// Looks at nodes and lamps until dropped.
pub struct Watch {
    stop: Arc<AtomicBool>,
    looks: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
    lies: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches a room's camera and microphone. Needs to be root where the processes have users of their own.
    #[must_use]
    pub fn over(room: &Room) -> Self {
        let nodes = room.run_dir().sim_nodes();
        let lines = room.run_dir().sim_lines();
        let supervisor = room.supervisor();
        let stop = Arc::new(AtomicBool::new(false));
        let looks = Arc::new(AtomicU64::new(0));
        let open = Arc::new(AtomicU64::new(0));
        let lies = Arc::new(Mutex::new(Vec::new()));
        let thread = {
            let (stop, looks, open, lies) = (stop.clone(), looks.clone(), open.clone(), lies.clone());
            std::thread::Builder::new().name("truth".into()).spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    for (node, lamp) in [("camera", Line::CameraLive), ("microphone", Line::MicrophoneLive)] {
                        // Dark before and after a moment in which the node was open is a lie; lit at either end is a
                        // lamp that was just switched.
                        let before = dark(&lines, lamp);
                        let held = media(supervisor).is_some_and(|pid| holds(pid, &nodes.join(node)));
                        let after = dark(&lines, lamp);
                        looks.fetch_add(1, Ordering::Relaxed);
                        if held {
                            open.fetch_add(1, Ordering::Relaxed);
                        }
                        if held && before && after {
                            lies.lock().unwrap().push(format!("{node} was open and {lamp:?} was dark"));
                        }
                    }
                    std::thread::sleep(Duration::from_millis(3));
                }
            })
        };
        Watch { stop, looks, open, lies, thread: Some(thread.expect("a thread")) }
    }

    /// How often it has looked, and how often a node was open then.
    #[must_use]
    pub fn looks(&self) -> (u64, u64) {
        (self.looks.load(Ordering::Relaxed), self.open.load(Ordering::Relaxed))
    }

    /// Panics if a lamp has ever lied.
    #[track_caller]
    pub fn assert_true(&self) {
        let lies = self.lies.lock().unwrap();
        let (looks, open) = self.looks();
        assert!(
            lies.is_empty(),
            "{} lies in {looks} looks, {open} of them with an open node: {:?}",
            lies.len(),
            lies.first()
        );
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn dark(lines: &Path, lamp: Line) -> bool {
    let path: PathBuf = lines.join(lamp.file_name());
    fs::read_to_string(path).is_ok_and(|level| level.trim() == "0")
}

fn media(supervisor: u32) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{supervisor}/task")).ok()?;
    let children = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids: Vec<u32> = children
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect();
    pids.into_iter()
        .find(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "subrosa-media"))
}
