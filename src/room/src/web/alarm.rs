//! Waiting for a date, or for the clock to be set.

use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::certificates::date::Date;

/// Waits without waking in between: the kernel tells when the date has come, and when somebody has set the clock
/// (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`).
pub struct Alarm;

impl Alarm {
    /// Returns at the date, or soon after the clock was set.
    pub async fn at(date: Date) {
        if wait(date).await.is_err() {
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
    }
}

async fn wait(date: Date) -> std::io::Result<()> {
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let once = Timespec { tv_sec: 0, tv_nsec: 0 };
    // Zero would switch the timer off.
    let when = Timespec { tv_sec: date.max(1), tv_nsec: 0 };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(&timer, flags, &Itimerspec { it_interval: once, it_value: when })?;
    // SAFETY: `OwnedFd` always names the descriptor that it owns, and keeps it open until `AsyncFd` drops it.
    let timer = unsafe { AsyncFd::register(timer) }.map_err(std::io::Error::from)?;
    loop {
        let mut ready = timer.readable().await?;
        let mut expirations = [0; 8];
        match rustix::io::read(timer.get_ref(), &mut expirations) {
            Ok(_) | Err(Errno::CANCELED) => return Ok(()),
            Err(Errno::AGAIN | Errno::INTR) => ready.clear_ready(),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_date_that_has_passed_rings_at_once_and_a_later_one_does_not() {
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let start = Instant::now();
        Alarm::at(now - 10).await;
        Alarm::at(0).await;
        assert!(start.elapsed() < Duration::from_secs(5));
        assert!(tokio::time::timeout(Duration::from_millis(50), Alarm::at(now + 1000)).await.is_err());
    }
}
