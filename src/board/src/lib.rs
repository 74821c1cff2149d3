//! Board files: one TOML per board says which lines are its switches and lamps, which nodes are its camera and
//! microphone, and which encoders to try. A file's existence creates the board.
//!
//! Every key that has a usual value has a default; an unknown key is an error that names file, line and key.

mod lines;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use lines::{
    Bias, Drive, Gpiochip, HidInput, HidLed, InputLine, LinesBackend, OutputLine, Power, SwitchName, header_pin,
    key_code, place,
};

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
    /// Where the lines of `lines = "gpiochip"` are.
    pub gpiochip: Option<Gpiochip>,
    /// What the wiring lets the lamps' word be worth.
    #[serde(default)]
    pub wiring: Wiring,
    /// The button that wakes the room and admits.
    pub button: InputLine,
    /// The button that uncovers what stands behind people for a while; boards need not have one.
    pub reveal: Option<InputLine>,
    /// The camera.
    pub camera: CaptureBoard,
    /// The microphone.
    pub microphone: CaptureBoard,
    /// The speaker.
    pub speaker: Speaker,
    /// The screen.
    pub screen: Screen,
    /// Lines that cut the power of camera and microphone; boards need not have any.
    #[serde(default)]
    pub power: Power,
    /// Rows of the encoder table, in the order in which they are tried.
    pub encoders: Vec<String>,
    /// How people are told from what stands behind them.
    #[serde(default)]
    pub blur: BlurBoard,
}

/// How people are told from what stands behind them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct BlurBoard {
    /// Row of media's table of segmenters.
    pub segmenter: SegmenterKind,
    /// To begin with, people are looked for in one of so many frames: 1 to 4.
    pub cadence: u32,
    /// CPU time for each frame, in microseconds; it is kept by looking for people less often and by blurring more coarsely.
    /// 0: as much as it takes.
    pub budget: u32,
}

impl Default for BlurBoard {
    fn default() -> Self {
        BlurBoard { segmenter: SegmenterKind::Selfie, cadence: 2, budget: 12_000 }
    }
}

/// Rows of media's table of segmenters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmenterKind {
    /// MediaPipe's landscape selfie model, on the processor.
    Selfie,
    /// The same in the simulated room: it stands still while its line says so.
    Sim,
}

impl SegmenterKind {
    /// All of them.
    pub const ALL: [SegmenterKind; 2] = [SegmenterKind::Selfie, SegmenterKind::Sim];
}

/// What stands behind lamps and switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wiring {
    /// The simulated room.
    Simulated,
    /// A switch, key or lamp is part of an attached device, whose firmware decides what it says (tier 0).
    Attached,
    /// The guard drives the lamps (tier 1).
    #[default]
    Guard,
    /// The kernel drives the camera's lamp (tier 2).
    Kernel,
    /// The switch cuts the power of the sensor and the lamp is in its power path (tier 3).
    Wired,
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
    /// The reference count of the V4L2 driver's module; for a driver that is built into the kernel the same as
    /// [`Proof::V4l2Priority`].
    ModuleReferences,
    /// V4L2 priority and ownership of buffers: the last choice.
    V4l2Priority,
}

impl Proof {
    /// All of them.
    pub const ALL: [Proof; 4] = [Proof::Lease, Proof::AlsaStatus, Proof::ModuleReferences, Proof::V4l2Priority];

    /// As it is written in a board file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Proof::Lease => "lease",
            Proof::AlsaStatus => "alsa-status",
            Proof::ModuleReferences => "module-references",
            Proof::V4l2Priority => "v4l2-priority",
        }
    }
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
    /// When the file cannot be read or is no board file; the error names line and key and says what would be right.
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let text = fs::read_to_string(path).map_err(|source| BoardError::Read { path: path.to_owned(), source })?;
        let invalid = |explanation: String| BoardError::Invalid { path: path.to_owned(), explanation };
        let board: Board = toml::from_str(&text).map_err(|error| invalid(error.to_string()))?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        board.check(stem).map_err(|wrong| invalid(wrong.explain(&text)))?;
        Ok(board)
    }

    /// What the types cannot say.
    fn check(&self, stem: &str) -> Result<(), Wrong> {
        if self.name != stem {
            let right = format!("name it like the file: \"{stem}\"");
            return Err(Wrong::new("name", &self.name, "is not the name of the file", right));
        }
        if self.encoders.is_empty() {
            let right = "name at least \"x264enc\"".to_owned();
            return Err(Wrong::new("encoders", "encoders", "is empty", right));
        }
        if self.camera.muted.is_some() {
            let right = "leave it out: the camera's one lamp says enough".to_owned();
            return Err(Wrong::new("camera.muted", "muted", "is a lamp of microphones", right));
        }
        if !(1..=4).contains(&self.blur.cadence) {
            let right = "write 1 to 4: a mask must not get older than 150 ms".to_owned();
            return Err(Wrong::new("blur.cadence", &self.blur.cadence.to_string(), "is out of range", right));
        }
        if self.blur.budget > 100_000 {
            let right = "write microseconds for each frame, up to 100000, or 0 for as many as it takes".to_owned();
            return Err(Wrong::new("blur.budget", &self.blur.budget.to_string(), "is out of range", right));
        }
        if self.blur.segmenter == SegmenterKind::Sim && self.lines != LinesBackend::Sim {
            let right = "write \"selfie\", or leave it out".to_owned();
            return Err(Wrong::new("blur.segmenter", "sim", "needs lines = \"sim\"", right));
        }
        for capture in [("camera", &self.camera), ("microphone", &self.microphone)] {
            capture.1.check(capture.0)?;
        }
        self.check_lines()
    }
}

impl CaptureBoard {
    fn check(&self, key: &str) -> Result<(), Wrong> {
        let nodes = format!("{key}.nodes");
        if self.nodes.is_empty() {
            return Err(Wrong::new(
                &nodes,
                key,
                "is empty",
                "name at least one node, such as \"/dev/video0\"".to_owned(),
            ));
        }
        for node in &self.nodes {
            if !node.starts_with('/') && !node.starts_with("{run}/") {
                let right = "give a whole path, or one that starts with {run}/".to_owned();
                return Err(Wrong::new(&nodes, node, "is no whole path", right));
            }
        }
        Ok(())
    }
}

/// What is wrong with a file that is a board file by its form.
struct Wrong {
    key: String,
    found: String,
    problem: &'static str,
    right: String,
}

impl Wrong {
    fn new(key: &str, found: &str, problem: &'static str, right: String) -> Self {
        Wrong { key: key.to_owned(), found: found.to_owned(), problem, right }
    }

    fn explain(&self, text: &str) -> String {
        let Wrong { key, found, problem, right } = self;
        // The last line that bears the value: of two equal ones the second is one too many.
        let line = text.lines().enumerate().filter(|(_, line)| line.contains(found.as_str())).last();
        let place = line.map(|(number, _)| format!("line {}, ", number + 1)).unwrap_or_default();
        format!("{place}{key}: \"{found}\" {problem}; {right}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards")
    }

    #[test]
    fn every_board_file_of_the_project_loads() {
        let mut seen = 0;
        for entry in fs::read_dir(folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                Board::load(&path).unwrap();
                seen += 1;
            }
        }
        assert!(seen >= 2);
    }

    /// The error of the simulated room's board with one text replaced by another.
    fn error(from: &str, to: &str) -> String {
        let text = fs::read_to_string(folder().join("sim.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sim.toml");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        Board::load(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line_and_what_would_be_right() {
        let error = error("title =", "titel =");
        for part in ["sim.toml", "line 3", "titel", "`title`"] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_its_line_and_what_would_be_right() {
        for (from, to, parts) in [
            ("proof = \"lease\"", "proof = \"hope\"", ["line 14", "hope", "`alsa-status`"]),
            ("name = \"sim\"", "name = \"pc\"", ["line 2", "\"pc\" is not the name of the file", "\"sim\""]),
            ("[\"x264enc\", \"openh264enc\"]", "[]", ["line 6", "encoders", "\"x264enc\""]),
            ("\"{run}/sim/nodes/camera\"", "\"camera0\"", ["line 13", "camera.nodes", "{run}/"]),
            ("[\"{run}/sim/nodes/camera\"]", "[]", ["camera.nodes", "is empty", "/dev/video0"]),
            ("line = \"button\"", "line = \"../button\"", ["line 9", "button.line", "plain name"]),
            ("line = \"camera-live\"", "line = \"microphone-live\"", ["line 23", "used twice", "of its own"]),
            ("line = \"reveal\"", "line = \"button\"", ["reveal.line", "used twice", "of its own"]),
            ("segmenter = \"sim\"", "segmenter = \"magic\"", ["magic", "`selfie`", "line"]),
            ("segmenter = \"sim\"", "cadence = 9", ["blur.cadence", "out of range", "1 to 4"]),
            ("segmenter = \"sim\"", "budget = 200000", ["blur.budget", "out of range", "microseconds"]),
            (
                "\nlive = { line = \"camera-live\" }",
                "\nlive = { line = \"camera-live\" }\nmuted = { line = \"red\" }",
                ["camera.muted", "microphones", "leave it out"],
            ),
        ] {
            let error = error(from, to);
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }

    #[test]
    fn a_missing_file_says_where_board_files_are() {
        let error = Board::load(Path::new("boards/missing.toml")).unwrap_err().to_string();
        assert!(error.contains("boards/missing.toml") && error.contains("--board"), "{error}");
    }
}
