//! Board files: one TOML per board says which lines are its switches and lamps, which nodes are its camera and
//! microphone, and which encoders to try. A file's existence creates the board; what several boards have in common
//! is in a file that they extend ([`source`]).
//!
//! Every key that has a usual value has a default; an unknown key is an error that names file, line and key.

mod capture;
pub mod detection;
mod encoder;
#[cfg(test)]
mod faults;
pub mod header;
mod lines;
mod list;
pub mod source;
mod system;
#[cfg(test)]
mod testing;
pub mod wiring;

use std::path::Path;

use serde::Deserialize;

pub use capture::{CaptureBoard, CaptureSource, Echo, Proof};
pub use detection::{Machine, Match};
pub use encoder::{BitrateBy, EncoderRow, KeyFrameBy};
pub use header::Header;
pub use lines::{
    Bias, Drive, Gpiochip, HidInput, HidLed, InputLine, LinesBackend, OutputLine, Power, SwitchName, header_pin,
    key_code, place,
};
pub use list::{AUTO, FindError, Listed, find, list, markdown, words};
pub use source::{BoardError, Place, Places};
pub use system::{Bootloader, Lags, Measured, System};

use list::Head;
use source::Source;

/// One board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Board {
    /// Name; the same as the file's.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// The machines that it is for.
    #[serde(rename = "match", default)]
    pub matches: Match,
    /// The system that it is used with; `None`: any with a GStreamer that serves.
    pub system: Option<System>,
    /// What starts the system.
    pub bootloader: Option<Bootloader>,
    /// How lines are reached.
    pub lines: LinesBackend,
    /// Where the lines of `lines = "gpiochip"` are.
    pub gpiochip: Option<Gpiochip>,
    /// Its pin header; `None`: lines are somewhere else.
    pub header: Option<Header>,
    /// The button that wakes the room and admits.
    pub button: InputLine,
    /// The button that uncovers what stands behind people for a while; boards need not have one.
    pub reveal: Option<InputLine>,
    /// The camera.
    pub camera: CaptureBoard,
    /// The microphone.
    pub microphone: CaptureBoard,
    /// Lines that cut the power of camera and microphone.
    #[serde(default)]
    pub power: Power,
    /// The speaker.
    pub speaker: Speaker,
    /// The screen.
    pub screen: Screen,
    /// Rows of the encoder table, in the order in which they are tried.
    pub encoders: Vec<EncoderRow>,
    /// How people are told from what stands behind them.
    #[serde(default)]
    pub blur: BlurBoard,
    /// The most guests that it can serve at once, whatever the configuration says.
    pub max_guests: Option<usize>,
    /// What was measured on such a board; `None`: nothing ever.
    pub measured: Option<Measured>,
    /// Where each key stands.
    #[serde(skip)]
    places: Places,
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

impl Board {
    /// Reads a board file and what it extends.
    ///
    /// # Errors
    /// When the file cannot be read, is no board file, contradicts itself, or says that the board is not supported; the
    /// error names file, line and key and says what would be right.
    pub fn load(path: &Path) -> Result<Self, BoardError> {
        let source = Source::read(path)?;
        let head: Head = source.parse()?;
        let places = source.places()?;
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if head.name != stem {
            let right = format!("name it like the file: \"{stem}\"");
            let wrong = Wrong::new("name", &head.name, "is not the name of the file", right);
            return Err(wrong.explain(&places));
        }
        if let Some(reason) = head.unsupported {
            return Err(BoardError::Unsupported { name: head.name, title: head.title, reason });
        }
        let mut board: Board = source.parse()?;
        board.check().map_err(|wrong| wrong.explain(&places))?;
        board.places = places;
        Ok(board)
    }

    /// Where the keys of this board stand.
    #[must_use]
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// What the types cannot say.
    fn check(&self) -> Result<(), Wrong> {
        if self.lines == LinesBackend::Sim && !self.matches.is_empty() {
            let right = "leave it out".to_owned();
            return Err(Wrong::new("match", "match", "would take a device for a simulated room", right));
        }
        self.check_encoders()?;
        self.check_captures()?;
        self.check_blur()?;
        self.check_lines()?;
        self.check_header()?;
        self.check_system()
    }

    fn check_blur(&self) -> Result<(), Wrong> {
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

    fn explain(&self, places: &Places) -> BoardError {
        let Wrong { key, found, problem, right } = self;
        places.invalid(key, format!("{key}: \"{found}\" {problem}; {right}"))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards")
    }

    #[test]
    fn every_board_file_of_the_project_loads_or_says_that_it_is_not_supported() {
        let mut seen = 0;
        for entry in fs::read_dir(folder()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                match Board::load(&path) {
                    Ok(_) | Err(BoardError::Unsupported { .. }) => seen += 1,
                    Err(error @ (BoardError::Read { .. } | BoardError::Invalid { .. })) => panic!("{error}"),
                }
            }
        }
        assert!(seen >= 14, "{seen}");
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
            ("proof = \"lease\"", "proof = \"hope\"", ["line 13", "hope", "`alsa-status`"]),
            ("name = \"sim\"", "name = \"pc\"", ["line 2", "\"pc\" is not the name of the file", "\"sim\""]),
            ("[\"x264enc\", \"openh264enc\"]", "[]", ["line 5", "encoders", "\"x264enc\""]),
            ("\"{run}/sim/nodes/camera\"", "\"camera0\"", ["line 12", "camera.nodes", "{run}/"]),
            ("[\"{run}/sim/nodes/camera\"]", "[]", ["camera.nodes", "is empty", "/dev/video0"]),
            ("line = \"button\"", "line = \"../button\"", ["line 8", "button.line", "plain name"]),
            ("line = \"camera-live\"", "line = \"microphone-live\"", ["line 22", "used twice", "of its own"]),
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
