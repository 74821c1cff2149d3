//! A clock that is wrong, for the processes of one room and nobody else.
//!
//! No namespace of the kernel holds the wall clock (time_namespaces(7): only the monotonic ones), and setting it would set
//! everybody's. So a room runs with libfaketime, whose answer to *what time is it* can be changed while it runs; the
//! monotonic clocks go on as they are, as they do when somebody sets a clock. What it cannot do is tell a timer that
//! waits for a date (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`): a test makes the room look by other means.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

/// A clock that differs from the machine's.
#[derive(Debug)]
pub struct WrongClock {
    folder: TempDir,
    library: PathBuf,
}

/// For so long a process may go on with the time that it was told before: its answers are looked up once a second.
pub const NOTICED: Duration = Duration::from_millis(1500);

/// Debian's libfaketime.
#[must_use]
pub fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1")).find(|file| file.is_file())
}

impl WrongClock {
    /// A clock that is wrong by so much, for example `-30y`, `+2h`, `+0`.
    #[must_use]
    pub fn by(offset: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("subrosa-clock-").tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("its mode");
        let clock = WrongClock { folder, library: library().expect("libfaketime") };
        clock.set(offset);
        clock
    }

    /// Sets it. Whole, or not at all: processes read the file at any time.
    pub fn set(&self, offset: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{offset}\n")).expect("the clock's file");
        fs::set_permissions(&new, Permissions::from_mode(0o644)).expect("its mode");
        fs::rename(new, self.file()).expect("the clock's file");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }

    /// The environment of the processes that are to believe it.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![
            ("LD_PRELOAD".to_owned(), text(self.library.clone())),
            ("FAKETIME_TIMESTAMP_FILE".to_owned(), text(self.file())),
            ("FAKETIME_CACHE_DURATION".to_owned(), "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
        ]
    }
}
