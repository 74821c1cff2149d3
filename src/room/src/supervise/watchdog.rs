//! A process that hangs is as good as dead: who has once said that it lives has to go on saying it.
//!
//! It is systemd's protocol (sd_notify(3), `WATCHDOG=1`), so that the processes need to know nothing else.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use subrosa_process::users::User;
use tokio::net::UnixDatagram;

/// Who is silent for longer hangs.
pub const LIMIT: Duration = Duration::from_secs(6);

/// When a process was heard last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse(Option<Instant>);

impl Pulse {
    /// It says that it lives.
    pub fn beat(&mut self, now: Instant) {
        self.0 = Some(now);
    }

    /// It was started anew, or is being killed: nothing is expected of it until it has said something.
    pub fn forget(&mut self) {
        self.0 = None;
    }

    /// Whether it hangs.
    #[must_use]
    pub fn stopped(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// By when it has to be heard again.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.map(|last| last + LIMIT)
    }
}

/// Where one process says that it lives.
#[derive(Debug)]
pub struct Ear {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Ear {
    /// Listens at `path` for one user.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(path: PathBuf, user: User) -> io::Result<Self> {
        let _an_old_one = fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        if user != User::of_this_process() {
            chown(&path, Some(user.uid), Some(user.gid))?;
        }
        Ok(Ear { socket, path })
    }

    /// What the process finds in its environment.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![("NOTIFY_SOCKET", self.path.clone().into()), ("WATCHDOG_USEC", LIMIT.as_micros().to_string().into())]
    }

    /// Waits until it says that it lives.
    ///
    /// # Errors
    /// When the socket fails.
    pub async fn beat(&self) -> io::Result<()> {
        let mut buffer = [0_u8; 1024];
        loop {
            let length = self.socket.recv(&mut buffer).await?;
            let text = buffer.get(..length).unwrap_or_default();
            if text.split(|byte| *byte == b'\n').any(|line| line == b"WATCHDOG=1") {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p10_who_falls_silent_hangs_and_who_never_spoke_does_not() {
        let now = Instant::now();
        let mut pulse = Pulse::default();
        assert!(!pulse.stopped(now + 10 * LIMIT) && pulse.deadline().is_none());
        pulse.beat(now);
        assert!(!pulse.stopped(now + LIMIT - Duration::from_millis(1)) && pulse.stopped(now + LIMIT));
        pulse.beat(now + LIMIT / 2);
        assert!(!pulse.stopped(now + LIMIT));
        pulse.forget();
        assert!(!pulse.stopped(now + 10 * LIMIT));
    }

    #[tokio::test]
    async fn only_the_word_of_life_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify.sock");
        let ear = Ear::open(path.clone(), User::of_this_process()).unwrap();
        let mouth = UnixDatagram::unbound().unwrap();
        mouth.send_to(b"READY=1", &path).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), ear.beat()).await.is_err());
        mouth.send_to(b"STATUS=x\nWATCHDOG=1", &path).await.unwrap();
        ear.beat().await.unwrap();
    }
}
