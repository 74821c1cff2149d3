//! Says to whoever supervises this process that its main loop turns (sd_notify(3), `WATCHDOG=1`).

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use sd_notify::NotifyState;
use tokio::io::unix::AsyncFd;

/// Beats at half of the limit, as systemd advises; a kernel timer wakes the process once for each beat, the runtime's
/// own timers would up to three times.
pub struct Life(Option<AsyncFd<OwnedFd>>);

impl Life {
    /// Says that the process serves, and begins to beat if somebody listens.
    pub fn begin() -> Self {
        let _nobody_may_have_asked = sd_notify::notify(&[NotifyState::Ready, NotifyState::Watchdog]);
        Life(sd_notify::watchdog_enabled().and_then(|limit| timer(limit / 2).ok()))
    }

    /// Waits for the next beat and says it.
    pub async fn beat(&self) {
        let Some(timer) = &self.0 else { return std::future::pending().await };
        if let Ok(mut ready) = timer.readable().await {
            let mut expirations = [0; 8];
            let _as_many_as_it_may_be = rustix::io::read(timer.get_ref(), &mut expirations);
            ready.clear_ready();
        }
        let _nobody_may_listen = sd_notify::notify(&[NotifyState::Watchdog]);
    }
}

fn timer(interval: Duration) -> io::Result<AsyncFd<OwnedFd>> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let interval = Timespec::try_from(interval).map_err(|_| io::ErrorKind::InvalidInput)?;
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: interval, it_value: interval })?;
    // SAFETY: `OwnedFd` always names the descriptor that it owns, and keeps it open until `AsyncFd` drops it.
    unsafe { AsyncFd::register(timer) }.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_beats_again_and_again_and_never_where_nobody_listens() {
        let life = Life(Some(timer(Duration::from_millis(5)).unwrap()));
        for _ in 0..3 {
            tokio::time::timeout(Duration::from_secs(5), life.beat()).await.unwrap();
        }
        let nobody = Life(None);
        assert!(tokio::time::timeout(Duration::from_millis(20), nobody.beat()).await.is_err());
    }
}
