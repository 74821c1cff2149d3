//! Wakes the screen's thread, which sleeps in poll(2) on this and on its socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};

/// Cheap to clone; all clones wake the same thread.
#[derive(Clone, Debug)]
pub(super) struct Wake(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    event: OwnedFd,
    /// Woken already and not yet asleep again: one wake-up does for all.
    pending: AtomicBool,
}

impl Wake {
    pub fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Wake(Arc::new(Inner { event, pending: AtomicBool::new(false) })))
    }

    /// Wakes the thread.
    pub fn wake(&self) {
        if !self.0.pending.swap(true, Ordering::SeqCst) {
            // Can only fail when it has been woken billions of times without looking.
            let _already_awake = rustix::io::write(&self.0.event, &1_u64.to_ne_bytes());
        }
    }

    /// Called by the thread before it looks at what has happened.
    pub fn reset(&self) {
        let mut count = [0; 8];
        let _nothing_there = rustix::io::read(&self.0.event, &mut count);
        self.0.pending.store(false, Ordering::SeqCst);
    }

    /// To be polled for reading.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.0.event.as_fd()
    }
}
