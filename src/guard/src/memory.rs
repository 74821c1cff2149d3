//! What a guard leaves for the one that starts after its crash: a crash neither wakes nor unmutes nor ends a
//! meeting.
//!
//! One line in the guard's own folder of the run directory. *Awake* is believed for ten seconds of the boot clock, so
//! the file is written once a second while there is something to remember. A mute is believed as long as the machine
//! runs: believing it closes, never opens.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use subrosa_process::run_dir::RunDir;

use crate::machine::{Memory, Moment};

const VALID: Duration = Duration::from_secs(10);

/// Where it is kept.
#[derive(Debug)]
pub struct MemoryFile {
    path: PathBuf,
    boot: String,
}

impl MemoryFile {
    /// In the guard's folder.
    #[must_use]
    pub fn of(run: &RunDir) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        MemoryFile { path: run.guard().join("memory"), boot: boot.trim().to_owned() }
    }

    /// What an earlier guard has left. Whatever is unreadable, of another boot or too old is nothing.
    #[must_use]
    pub fn recall(&self, now: Moment) -> Memory {
        fs::read_to_string(&self.path).ok().and_then(|line| self.parse(&line, now)).unwrap_or_default()
    }

    fn parse(&self, line: &str, now: Moment) -> Option<Memory> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [boot, written, awake, camera, microphone] = words.as_slice() else {
            return None;
        };
        if self.boot.is_empty() || *boot != self.boot {
            return None;
        }
        let flag = |word: &str| match word {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        };
        let written = Moment::from_millis(written.parse().ok()?);
        let fresh = now.checked_sub(written).is_some_and(|age| age <= VALID);
        let (camera_muted, microphone_muted) = (flag(camera)?, flag(microphone)?);
        Some(Memory { awake: flag(awake)? && fresh, camera_muted, microphone_muted })
    }

    /// Leaves this.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(&self, now: Moment, memory: Memory) -> io::Result<()> {
        let word = |flag| if flag { "yes" } else { "no" };
        let line = format!(
            "{} {} {} {} {}\n",
            self.boot,
            now.as_millis(),
            word(memory.awake),
            word(memory.camera_muted),
            word(memory.microphone_muted)
        );
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(line.as_bytes())?;
        fs::rename(new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Memory = Memory { awake: true, camera_muted: true, microphone_muted: true };

    fn file() -> (tempfile::TempDir, MemoryFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory");
        (folder, MemoryFile { path, boot: "boot-1".into() })
    }

    #[test]
    fn p10_what_is_fresh_is_recalled() {
        let (_folder, file) = file();
        let now = Moment::from_secs(100);
        assert_eq!(file.recall(now), Memory::default());
        for memory in [ALL, Memory { awake: false, ..ALL }, Memory { microphone_muted: false, ..ALL }] {
            file.keep(now, memory).unwrap();
            assert_eq!(file.recall(now + VALID), memory);
        }
    }

    #[test]
    fn p2_an_old_or_strange_memory_wakes_nothing() {
        let (_folder, mut file) = file();
        let now = Moment::from_secs(100);
        file.keep(now, ALL).unwrap();
        let muted_only = Memory { awake: false, ..ALL };
        assert_eq!(file.recall(now + VALID + Duration::from_millis(1)), muted_only);
        assert_eq!(file.recall(now - Duration::from_secs(1)), muted_only, "from the future");
        for text in ["", "boot-1", "boot-1 x yes no no", "boot-1 100000 YES no no", "boot-1 100000 yes no no no"] {
            fs::write(&file.path, text).unwrap();
            assert_eq!(file.recall(now), Memory::default(), "{text:?}");
        }
        file.keep(now, ALL).unwrap();
        file.boot = "boot-2".into();
        assert_eq!(file.recall(now), Memory::default());
        file.boot = String::new();
        file.keep(now, ALL).unwrap();
        assert_eq!(file.recall(now), Memory::default());
    }
}
