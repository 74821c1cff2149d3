//! Board files: one TOML per board says which lines are its switches and lamps, which nodes are its camera and
//! microphone, and which encoders to try. A file's existence creates the board.
//!
//! Every key that has a usual value has a default; an unknown key is an error that names file, line and key.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Board {
    /// Name; the same as the file's.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// How lines are reached.
    pub lines: LinesBackend,
    /// What the wiring lets the lamps' word be worth.
    #[serde(default)]
    pub wiring: Wiring,
    /// The button that wakes the room and admits.
    pub button: InputLine,
    /// The camera.
    pub camera: CaptureBoard,
    /// The microphone.
    pub microphone: CaptureBoard,
    /// The speaker.
    pub speaker: Speaker,
    /// The screen.
    pub screen: Screen,
    /// Rows of the encoder table, in the order in which they are tried.
    pub encoders: Vec<String>,
}

/// How lines are reached; a row of the guard's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinesBackend {
    /// Files of the simulated room.
    Sim,
}

/// What stands behind lamps and switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wiring {
    /// The simulated room.
    Simulated,
    /// The guard drives the lamps (tier 1).
    #[default]
    Guard,
    /// The kernel drives the camera's lamp (tier 2).
    Kernel,
    /// The switch cuts the power of the sensor and the lamp is in its power path (tier 3).
    Wired,
}

/// A line that is read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InputLine {
    /// Its name.
    pub line: String,
    /// The low level means *open* (switch, shutter) or *pressed* (button).
    #[serde(default)]
    pub active_low: bool,
}

/// A line that is driven.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutputLine {
    /// Its name.
    pub line: String,
    /// The low level lights the lamp.
    #[serde(default)]
    pub active_low: bool,
}

/// Camera or microphone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CaptureBoard {
    /// Row of media's table of sources.
    pub source: CaptureSource,
    /// The nodes that together are the device; `{run}/` in front stands for the run directory.
    pub nodes: Vec<String>,
    /// How closure is proved.
    pub proof: Proof,
    /// The switch (microphone) or shutter (camera).
    pub switch: InputLine,
    /// The lamp that is lit while the device may be capturing or nothing is known.
    pub live: OutputLine,
    /// The lamp that is lit on proof of *muted*; microphones only.
    pub muted: Option<OutputLine>,
    /// The device cancels echo itself; microphones only.
    #[serde(default)]
    pub cancels_echo: bool,
}

/// Rows of media's tables of cameras and microphones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaptureSource {
    /// A simulated node: a file that holds what the device would deliver.
    Sim,
    /// A V4L2 camera, raw or MJPEG.
    V4l2,
    /// An ALSA capture PCM, opened as `hw:`.
    Alsa,
    /// A test pattern (camera) while the nodes are held open.
    Pattern,
    /// A tone (microphone) while the nodes are held open.
    Tone,
}

/// How the guard proves that nobody has a node open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// A write lease on a regular file, granted only when nobody else has it open (fcntl(2), `F_SETLEASE`).
    Lease,
    /// `/proc/asound/cardN/pcmMc/subK/status`.
    AlsaStatus,
    /// The reference count of the V4L2 driver's module.
    ModuleReferences,
}

/// The speaker; a row of media's table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "sink", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Speaker {
    /// The simulated speaker: a socket that takes the sound.
    Sim,
    /// An ALSA playback device such as `hw:0,0`.
    Alsa {
        /// The device's name.
        device: String,
    },
}

/// The screen; a row of media's table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "output", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Screen {
    /// The simulated screen: a socket that takes pictures.
    Sim,
    /// The whole display, without a window system.
    Kms,
    /// A window on an X server.
    X11,
}

/// Why a board cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file cannot be read.
    #[error("the board file {path} cannot be read: give --board one of the names in the folder boards/")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a board file.
    #[error("{path}: {explanation}")]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Line, key, what is wrong.
        explanation: String,
    },
}

impl Board {
    /// Reads a board file.
    ///
    /// # Errors
    /// When the file cannot be read or is no board file; the error names line and key.
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let text = fs::read_to_string(path).map_err(|source| BoardError::Read { path: path.to_owned(), source })?;
        let invalid = |explanation: String| BoardError::Invalid { path: path.to_owned(), explanation };
        let board: Board = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        if path.file_stem().is_none_or(|stem| stem != board.name.as_str()) {
            return Err(invalid(format!("name = \"{}\" is not the name of the file: make them the same", board.name)));
        }
        for (key, capture) in [("camera", &board.camera), ("microphone", &board.microphone)] {
            if capture.nodes.is_empty() {
                return Err(invalid(format!("{key}.nodes is empty: name at least one node")));
            }
        }
        Ok(board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_board_file_of_the_project_loads() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards");
        let mut seen = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                Board::load(&path).unwrap();
                seen += 1;
            }
        }
        assert!(seen >= 1);
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.toml");
        fs::write(&path, "name = \"b\"\ntitel = \"B\"\n").unwrap();
        let error = Board::load(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("titel"), "{error}");
    }
}
