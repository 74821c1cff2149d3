//! A clock that wakes the guard where lines cannot: chips without interrupts, registers.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

/// Readable again and again.
#[derive(Debug)]
pub(super) struct Tick(OwnedFd);

impl Tick {
    /// Ticks from now on.
    pub(super) fn every(pause: Duration) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let pause = Timespec::try_from(pause).map_err(|_| io::ErrorKind::InvalidInput)?;
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: pause, it_value: pause })?;
        Ok(Tick(timer))
    }

    /// Readable when it has ticked.
    pub(super) fn changes(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes the ticks. However many there were, it is one look at the lines.
    pub(super) fn take(&self) {
        let mut count = [MaybeUninit::<u8>::uninit(); 8];
        let _none = rustix::io::read(&self.0, &mut count);
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    #[test]
    fn it_ticks_again_and_again_and_is_quiet_in_between() {
        let tick = Tick::every(Duration::from_millis(40)).unwrap();
        let ready = |wait: i64| {
            let timeout = Timespec { tv_sec: 0, tv_nsec: wait * 1_000_000 };
            poll(&mut [PollFd::from_borrowed_fd(tick.changes(), PollFlags::IN)], Some(&timeout)).unwrap() > 0
        };
        for _ in 0..2 {
            assert!(ready(900));
            tick.take();
            assert!(!ready(0));
        }
    }
}
