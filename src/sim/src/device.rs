//! Switches, lamps and nodes of the simulated room, as files below the run directory.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use subrosa_board::{Board, CaptureBoard, InputLine, LinesBackend, OutputLine, SegmenterKind};
use subrosa_messages::Capture;
use subrosa_messages::guard::{Lamp, Level};
use subrosa_process::run_dir::RunDir;

/// Something in the room that a hand moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The button; on: pressed.
    Button,
    /// *Reveal*, where the board has it; on: pressed.
    Reveal,
    /// The segmenter, where the board simulates it; on: it answers.
    Segmenter,
    /// The switch of the microphone or the shutter of the camera; on: open.
    Switch(Capture),
}

/// What can be seen in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The button is held down.
    pub pressed: bool,
    /// *Reveal* is held down; `None`: the board has no such button.
    pub reveal: Option<bool>,
    /// The segmenter answers; `None`: the board does not simulate it, or nothing is known.
    pub segmenter: Option<bool>,
    /// The camera, its shutter, its lamp.
    pub camera: CaptureState,
    /// The microphone, its switch, its two lamps.
    pub microphone: CaptureState,
    /// Something delivers pictures to the screen and sound to the speaker.
    pub outputs: bool,
}

/// What can be seen of one capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureState {
    /// It is plugged in.
    pub plugged: bool,
    /// The switch (microphone) or shutter (camera).
    pub switch: Level,
    /// The lamp that says *may be capturing*.
    pub live: Lamp,
    /// The lamp that says *muted*; the camera has none.
    pub muted: Option<Lamp>,
}

impl State {
    /// The state of one capture.
    #[must_use]
    pub fn of(&self, capture: Capture) -> &CaptureState {
        match capture {
            Capture::Camera => &self.camera,
            Capture::Microphone => &self.microphone,
        }
    }
}

/// Why the room could not do what a hand asked of it.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The board has real lines.
    #[error("the board {0} is not a simulated room: only a board with lines = \"sim\" can be simulated")]
    NotSimulated(String),
    /// The board has no such thing.
    #[error("this board has no {0}: see its file in the folder boards/")]
    Lacks(&'static str),
    /// The capture is a real device.
    #[error("this board's device is a real one: pull its cable by hand")]
    RealCable,
    /// A line or node could not be worked.
    #[error("{path} cannot be {done}: was the run directory made by `subrosa-sim prepare` for this user?")]
    File {
        /// Which file.
        path: PathBuf,
        /// What was tried.
        done: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
}

/// The room's hardware: where its lines and nodes are.
#[derive(Clone, Debug)]
pub struct Device {
    board: Board,
    run: RunDir,
}

impl Device {
    /// The simulated room of a board.
    ///
    /// # Errors
    /// When the board has real lines.
    pub fn new(board: Board, run: RunDir) -> Result<Self, DeviceError> {
        if board.lines == LinesBackend::Sim {
            Ok(Device { board, run })
        } else {
            Err(DeviceError::NotSimulated(board.name))
        }
    }

    /// The run directory.
    #[must_use]
    pub fn run(&self) -> &RunDir {
        &self.run
    }

    /// The board.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The board's words about one capture.
    #[must_use]
    pub fn capture(&self, capture: Capture) -> &CaptureBoard {
        match capture {
            Capture::Camera => &self.board.camera,
            Capture::Microphone => &self.board.microphone,
        }
    }

    /// Moves a switch or the button.
    ///
    /// # Errors
    /// When the line's file cannot be written.
    pub fn set(&self, input: Input, on: bool) -> Result<(), DeviceError> {
        let line = self.input(input)?;
        let path = self.run.sim_lines().join(&line.line);
        let failed = |source| DeviceError::File { path: path.clone(), done: "written", source };
        // One byte over the one that is there: a reader never sees an empty file.
        let file = OpenOptions::new().write(true).open(&path).map_err(failed)?;
        file.write_all_at(level(on, line.active_low), 0).map_err(failed)
    }

    /// Plugs a capture in or out: its nodes come or go, as `/dev` does it.
    ///
    /// # Errors
    /// When the capture is real, or a node cannot be moved.
    pub fn plug(&self, capture: Capture, plugged: bool) -> Result<(), DeviceError> {
        let names = self.node_names(capture);
        if names.is_empty() {
            return Err(DeviceError::RealCable);
        }
        for name in names {
            let (present, away) = (self.run.sim_nodes().join(&name), self.run.sim_spare().join(&name));
            let (from, to) = if plugged { (away, present) } else { (present, away) };
            match fs::rename(&from, to) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {} // it already is where it should be
                Err(source) => return Err(DeviceError::File { path: from, done: "moved", source }),
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Looks at everything. What cannot be read is unknown.
    #[must_use]
    pub fn look(&self, outputs: bool) -> State {
        let capture = |capture| {
            let board = self.capture(capture);
            CaptureState {
                plugged: self.node_names(capture).iter().all(|name| self.run.sim_nodes().join(name).exists()),
                switch: match self.read(&board.switch.line, board.switch.active_low) {
                    Some(true) => Level::Open,
                    Some(false) => Level::Closed,
                    None => Level::Unknown,
                },
                live: self.lamp(&board.live),
                muted: board.muted.as_ref().map(|line| self.lamp(line)),
            }
        };
        State {
            pressed: self.read(&self.board.button.line, self.board.button.active_low).unwrap_or(false),
            reveal: self.board.reveal.as_ref().map(|line| self.read(&line.line, line.active_low).unwrap_or(false)),
            segmenter: segmenter_line(&self.board).and_then(|line| self.read(&line.line, line.active_low)),
            camera: capture(Capture::Camera),
            microphone: capture(Capture::Microphone),
            outputs,
        }
    }

    /// The names of a capture's nodes below the folder of simulated nodes; none if the capture is real.
    #[must_use]
    pub fn node_names(&self, capture: Capture) -> Vec<OsString> {
        let nodes = self.capture(capture).nodes.iter().map(|node| self.run.expand(node));
        let simulated = nodes.filter(|node| node.parent() == Some(&self.run.sim_nodes()));
        simulated.filter_map(|node| node.file_name().map(ToOwned::to_owned)).collect()
    }

    fn input(&self, input: Input) -> Result<Cow<'_, InputLine>, DeviceError> {
        match input {
            Input::Button => Ok(Cow::Borrowed(&self.board.button)),
            Input::Reveal => self.board.reveal.as_ref().map(Cow::Borrowed).ok_or(DeviceError::Lacks("reveal button")),
            Input::Segmenter => {
                segmenter_line(&self.board).map(Cow::Owned).ok_or(DeviceError::Lacks("simulated segmenter"))
            }
            Input::Switch(capture) => Ok(Cow::Borrowed(&self.capture(capture).switch)),
        }
    }

    fn lamp(&self, line: &OutputLine) -> Lamp {
        match self.read(&line.line, line.active_low) {
            Some(true) => Lamp::Lit,
            Some(false) => Lamp::Dark,
            None => Lamp::Unknown,
        }
    }

    fn read(&self, line: &str, active_low: bool) -> Option<bool> {
        let high = match fs::read_to_string(self.run.sim_lines().join(line)).ok()?.trim() {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        Some(high != active_low)
    }
}

/// The line that says whether the simulated segmenter answers; media reads it.
#[must_use]
pub fn segmenter_line(board: &Board) -> Option<InputLine> {
    let line = || InputLine { line: RunDir::SEGMENTER.to_owned(), ..InputLine::default() };
    (board.blur.segmenter == SegmenterKind::Sim).then(line)
}

/// The byte in a line's file for a switch, button or lamp that is on.
#[must_use]
pub fn level(on: bool, active_low: bool) -> &'static [u8] {
    if on == active_low { b"0" } else { b"1" }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::prepare::prepare;
    use subrosa_process::share::Share;
    use subrosa_process::users::Users;

    fn room() -> (tempfile::TempDir, Device) {
        let folder = tempfile::tempdir().unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml");
        let device = Device::new(Board::load(&file).unwrap(), RunDir::new(folder.path().join("run"))).unwrap();
        prepare(&device, &Share::find(Some(folder.path())), Users::one(), true).unwrap();
        (folder, device)
    }

    #[test]
    fn until_the_guard_speaks_the_live_lamps_are_lit_and_the_muted_one_is_dark() {
        let (_folder, device) = room();
        let state = device.look(false);
        for capture in Capture::ALL {
            assert_eq!((state.of(capture).plugged, state.of(capture).switch), (true, Level::Open));
            assert_eq!(state.of(capture).live, Lamp::Lit);
        }
        assert_eq!((state.camera.muted, state.microphone.muted), (None, Some(Lamp::Dark)));
        assert!(!state.pressed);
        assert_eq!((state.reveal, state.segmenter), (Some(false), Some(true)));
    }

    #[test]
    fn switches_and_button_move_and_say_so() {
        let (_folder, device) = room();
        device.set(Input::Button, true).unwrap();
        device.set(Input::Switch(Capture::Microphone), false).unwrap();
        device.set(Input::Reveal, true).unwrap();
        device.set(Input::Segmenter, false).unwrap();
        let state = device.look(true);
        assert_eq!((state.reveal, state.segmenter), (Some(true), Some(false)));
        assert!(state.pressed && state.outputs);
        assert_eq!((state.microphone.switch, state.camera.switch), (Level::Closed, Level::Open));
    }

    #[test]
    fn a_board_without_reveal_or_with_a_real_segmenter_says_so() {
        let (_folder, device) = room();
        let mut board = device.board().clone();
        (board.reveal, board.blur.segmenter) = (None, SegmenterKind::Selfie);
        let device = Device::new(board, device.run().clone()).unwrap();
        assert_eq!((device.look(true).reveal, device.look(true).segmenter), (None, None));
        for input in [Input::Reveal, Input::Segmenter] {
            assert!(matches!(device.set(input, true), Err(DeviceError::Lacks(_))), "{input:?}");
        }
    }

    #[test]
    fn a_missing_or_garbled_line_is_unknown() {
        let (_folder, device) = room();
        fs::remove_file(device.run().sim_lines().join("camera-live")).unwrap();
        fs::write(device.run().sim_lines().join("microphone-switch"), "yes").unwrap();
        let state = device.look(false);
        assert_eq!((state.camera.live, state.microphone.switch), (Lamp::Unknown, Level::Unknown));
    }

    #[test]
    fn a_real_camera_has_no_simulated_node_or_cable() {
        let (folder, device) = room();
        let mut board = device.board().clone();
        board.camera.nodes = vec!["/dev/video0".into()];
        let device = Device::new(board, device.run().clone()).unwrap();
        prepare(&device, &Share::find(Some(folder.path())), Users::one(), true).unwrap();
        assert!(!device.run().sim_nodes().join("video0").exists());
        assert!(matches!(device.plug(Capture::Camera, false), Err(DeviceError::RealCable)));
        device.plug(Capture::Microphone, false).unwrap();
    }

    #[test]
    fn unplugging_takes_the_node_away_and_plugging_brings_the_same_one_back() {
        use std::os::unix::fs::MetadataExt;
        let (_folder, device) = room();
        let node = device.run().sim_nodes().join("camera");
        let inode = fs::metadata(&node).unwrap().ino();
        for _ in 0..2 {
            device.plug(Capture::Camera, false).unwrap(); // twice is once
        }
        assert!(!node.exists() && !device.look(false).camera.plugged && device.look(false).microphone.plugged);
        device.plug(Capture::Camera, true).unwrap();
        assert_eq!(fs::metadata(&node).unwrap().ino(), inode);
    }
}
