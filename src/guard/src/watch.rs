//! Who opens and closes the nodes: inotify(7), one instance for the nodes and the folders they are in.
//!
//! The watch on a node is on its inode and survives renaming; the one on its folder tells when a node comes or
//! goes. The folder is not watched for opens: in `/dev` that would wake the guard for every `/dev/null`.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

/// Names one watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchId(i32);

/// What was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The node was opened.
    Opened(WatchId),
    /// A descriptor of the node was closed.
    Shut(WatchId),
    /// Owner, group, mode or number of links have changed.
    Attributes(WatchId),
    /// Nodes may have come, gone or changed places.
    Moved,
    /// The watch is no more.
    Ended(WatchId),
    /// The queue was full.
    Lost,
}

/// The watches.
#[derive(Debug)]
pub struct Watch {
    events: OwnedFd,
}

impl Watch {
    /// An instance without watches.
    ///
    /// # Errors
    /// When the kernel has none to give.
    pub fn new() -> io::Result<Self> {
        Ok(Watch { events: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches a node. The guard must be able to read it.
    ///
    /// # Errors
    /// When the node cannot be read, or a device cgroup denies it.
    pub fn node(&self, path: &Path) -> io::Result<WatchId> {
        let what = WatchFlags::OPEN
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CLOSE_NOWRITE
            | WatchFlags::ATTRIB
            | WatchFlags::MOVE_SELF
            | WatchFlags::DELETE_SELF;
        Ok(WatchId(inotify::add_watch(&self.events, path, what)?))
    }

    /// Watches a folder for nodes that come and go.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn folder(&self, path: &Path) -> io::Result<WatchId> {
        let what = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        Ok(WatchId(inotify::add_watch(&self.events, path, what)?))
    }

    /// Ends a watch.
    pub fn end(&self, watch: WatchId) {
        // It may have ended by itself: the node was deleted.
        let _ended = inotify::remove_watch(&self.events, watch.0);
    }

    /// Readable when there is something to see.
    #[must_use]
    pub fn changes(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    /// All that was seen since the last time, in order.
    #[must_use]
    pub fn take(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for_each_event(&self.events, |watch, flags| {
            let id = WatchId(watch);
            let shut = ReadFlags::CLOSE_WRITE | ReadFlags::CLOSE_NOWRITE;
            let moved = ReadFlags::CREATE
                | ReadFlags::DELETE
                | ReadFlags::MOVED_FROM
                | ReadFlags::MOVED_TO
                | ReadFlags::MOVE_SELF
                | ReadFlags::DELETE_SELF
                | ReadFlags::UNMOUNT;
            for (what, means) in [
                (ReadFlags::QUEUE_OVERFLOW, Seen::Lost),
                (ReadFlags::OPEN, Seen::Opened(id)),
                (shut, Seen::Shut(id)),
                (ReadFlags::ATTRIB, Seen::Attributes(id)),
                (moved, Seen::Moved),
                (ReadFlags::IGNORED, Seen::Ended(id)),
            ] {
                if flags.intersects(what) {
                    seen.push(means);
                }
            }
        });
        seen
    }
}

/// Reads an inotify instance until nothing is left.
pub(crate) fn for_each_event(events: &OwnedFd, mut each: impl FnMut(i32, ReadFlags)) {
    let mut buffer = [MaybeUninit::uninit(); 8192];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    while let Ok(event) = reader.next() {
        each(event.wd(), event.events());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn p1_opens_closes_and_permissions_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        fs::write(&path, "").unwrap();
        let watch = Watch::new().unwrap();
        let id = watch.node(&path).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(watch.take(), [Seen::Opened(id)]);
        drop(file);
        assert_eq!(watch.take(), [Seen::Shut(id)]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(watch.take(), [Seen::Attributes(id)]);
    }

    #[test]
    fn p1_a_renamed_node_is_still_watched() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("node"), folder.path().join("elsewhere"));
        fs::write(&path, "").unwrap();
        let watch = Watch::new().unwrap();
        let id = watch.node(&path).unwrap();
        fs::rename(&path, &elsewhere).unwrap();
        assert_eq!(watch.take(), [Seen::Moved]);
        drop(File::open(&elsewhere).unwrap());
        assert_eq!(watch.take(), [Seen::Opened(id), Seen::Shut(id)]);
    }

    #[test]
    fn nodes_that_come_and_go_are_seen_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new().unwrap();
        watch.folder(folder.path()).unwrap();
        let path = folder.path().join("node");
        fs::write(&path, "").unwrap();
        assert_eq!(watch.take(), [Seen::Moved], "neither the open nor the close");
        fs::remove_file(&path).unwrap();
        assert_eq!(watch.take(), [Seen::Moved]);
    }

    #[test]
    fn p1_a_full_queue_is_told() {
        let limit: usize =
            fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        fs::write(&path, "").unwrap();
        let watch = Watch::new().unwrap();
        let id = watch.node(&path).unwrap();
        for _ in 0..=limit / 2 {
            drop(File::open(&path).unwrap());
        }
        let seen = watch.take();
        assert_eq!((seen.first(), seen.last()), (Some(&Seen::Opened(id)), Some(&Seen::Lost)));
    }
}
