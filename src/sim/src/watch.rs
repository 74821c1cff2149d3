//! Notices every change of a line or node, whoever made it.

use std::io;
use std::mem::MaybeUninit;
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use subrosa_process::run_dir::RunDir;
use tokio::sync::mpsc;

/// Watches the simulated lines and nodes. A message means: look again. The channel closes when the folders are gone.
///
/// # Errors
/// When a folder cannot be watched.
pub fn watch(run: &RunDir) -> io::Result<mpsc::Receiver<()>> {
    let events = inotify::init(CreateFlags::CLOEXEC)?;
    let changes = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVE | WatchFlags::ATTRIB;
    for folder in [run.sim_lines(), run.sim_nodes()] {
        inotify::add_watch(&events, &folder, changes | WatchFlags::DELETE_SELF | WatchFlags::ONLYDIR)?;
    }
    // One message that has not been taken says as much as ten.
    let (sender, receiver) = mpsc::channel(1);
    thread::Builder::new().name("lines".into()).spawn(move || {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(events, &mut buffer);
        while let Ok(event) = reader.next() {
            let gone = event.events().contains(ReadFlags::IGNORED);
            if gone || matches!(sender.try_send(()), Err(mpsc::error::TrySendError::Closed(()))) {
                return;
            }
        }
    })?;
    Ok(receiver)
}
