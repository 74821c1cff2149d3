//! The run directory: every socket of the three processes, and the simulated room's lines and nodes.
//!
//! On a device it is `/run/subrosa`, a tmpfs. Each process owns the folder that bears its name and nobody else
//! writes there.

use std::path::{Path, PathBuf};

/// Paths below one run directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The run directory at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        RunDir(path.into())
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

    /// The room's folder.
    #[must_use]
    pub fn room(&self) -> PathBuf {
        self.0.join("room")
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

    /// The simulated capture nodes.
    #[must_use]
    pub fn sim_nodes(&self) -> PathBuf {
        self.sim().join("nodes")
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
