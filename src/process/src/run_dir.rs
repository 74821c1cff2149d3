//! The run directory: every socket of the three processes, and the simulated room's lines and nodes.
//!
//! On a device it is `/run/subrosa`, a tmpfs. Each process owns the folder that bears its name and nobody else
//! writes there.

use std::env;
use std::path::{Path, PathBuf};

/// Paths below one run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The simulated line that says whether the simulated segmenter answers: `1`, or stands still: `0`.
    pub const SEGMENTER: &str = "segmenter";

    /// The run directory at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        RunDir(path.into())
    }

    /// Where this user's processes meet unless they are told otherwise: root's at `/run/subrosa`, everybody else's
    /// below `$XDG_RUNTIME_DIR`, or in `/tmp` where there is none.
    #[must_use]
    pub fn usual() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        if uid == 0 {
            return RunDir::new("/run/subrosa");
        }
        match env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => RunDir::new(Path::new(&folder).join("subrosa")),
            None => RunDir::new(format!("/tmp/subrosa-{uid}")),
        }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The guard's folder.
    #[must_use]
    pub fn guard(&self) -> PathBuf {
        self.0.join("guard")
    }

    /// Where media speaks with the guard. The guard listens.
    #[must_use]
    pub fn guard_for_media(&self) -> PathBuf {
        self.guard().join("media.sock")
    }

    /// Where the room speaks with the guard. The guard listens.
    #[must_use]
    pub fn guard_for_room(&self) -> PathBuf {
        self.guard().join("room.sock")
    }

    /// Where `subrosa doctor` speaks with the guard. The guard listens.
    #[must_use]
    pub fn guard_for_doctor(&self) -> PathBuf {
        self.guard().join("doctor.sock")
    }

    /// Media's folder.
    #[must_use]
    pub fn media(&self) -> PathBuf {
        self.0.join("media")
    }

    /// Where the room speaks with media. Media listens.
    #[must_use]
    pub fn media_for_room(&self) -> PathBuf {
        self.media().join("room.sock")
    }

    /// Where `subrosa doctor` speaks with media. Media listens.
    #[must_use]
    pub fn media_for_doctor(&self) -> PathBuf {
        self.media().join("doctor.sock")
    }

    /// The room's folder.
    #[must_use]
    pub fn room(&self) -> PathBuf {
        self.0.join("room")
    }

    /// Where `subrosa join` speaks with the room. The room listens.
    #[must_use]
    pub fn room_for_join(&self) -> PathBuf {
        self.room().join("join.sock")
    }

    /// Copies of the programs, where the processes could not reach the originals.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.0.join("programs")
    }

    /// The simulated room's folder.
    #[must_use]
    pub fn sim(&self) -> PathBuf {
        self.0.join("sim")
    }

    /// The simulated lines, one file each: `0` or `1`.
    #[must_use]
    pub fn sim_lines(&self) -> PathBuf {
        self.sim().join("lines")
    }

    /// Says whether the simulated segmenter answers.
    #[must_use]
    pub fn sim_segmenter(&self) -> PathBuf {
        self.sim_lines().join(Self::SEGMENTER)
    }

    /// The simulated capture nodes.
    #[must_use]
    pub fn sim_nodes(&self) -> PathBuf {
        self.sim().join("nodes")
    }

    /// Where nodes lie while they are unplugged.
    #[must_use]
    pub fn sim_spare(&self) -> PathBuf {
        self.sim().join("spare")
    }

    /// Holds the address of the simulated room's page.
    #[must_use]
    pub fn sim_address(&self) -> PathBuf {
        self.sim().join("address")
    }

    /// Where the simulated screen and speaker listen.
    #[must_use]
    pub fn sim_outputs(&self) -> PathBuf {
        self.sim().join("outputs.sock")
    }

    /// Replaces a leading `{run}` in a path of a board file.
    #[must_use]
    pub fn expand(&self, path: &str) -> PathBuf {
        match path.strip_prefix("{run}/") {
            Some(rest) => self.0.join(rest),
            None => PathBuf::from(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_run_is_replaced() {
        let run = RunDir::new("/run/subrosa");
        assert_eq!(run.expand("{run}/sim/nodes/camera"), Path::new("/run/subrosa/sim/nodes/camera"));
        assert_eq!(run.expand("/dev/video0"), Path::new("/dev/video0"));
    }
}
