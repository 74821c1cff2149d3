//! What `subrosa doctor` asks of a running guard and of a running media, and what they answer.
//!
//! Towards the guard there is no word for *open*, as there is none for the room (P2). Media may be told to want a
//! capture, as the room may tell it; whether it gets one is for the guard and for the hand at the switch to say.

use serde::{Deserialize, Serialize};

use crate::Capture;
use crate::guard::{GuardState, LampId};
use crate::media::{CaptureHealth, Size};

/// What the doctor says to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoctorToGuard {
    /// Light this lamp to be looked at, or none any more. Without effect while the room is awake, and never a reason to
    /// darken a live lamp. Ends by itself after half a minute and with the connection.
    Show(Option<LampId>),
}

/// What the guard says to the doctor: after connecting, and at each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// What is true.
    pub state: GuardState,
    /// Every input of the board as it was read.
    pub inputs: Vec<InputLook>,
    /// The lamp that is shown, while one is.
    pub shown: Option<LampId>,
    /// Of the camera and of the microphone.
    pub lags: [Lag; 2],
}

impl Look {
    /// How long it took, of one capture.
    #[must_use]
    pub fn lag(&self, capture: Capture) -> Lag {
        let [camera, microphone] = self.lags;
        match capture {
            Capture::Camera => camera,
            Capture::Microphone => microphone,
        }
    }
}

/// One input as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputLook {
    /// Where the board file names it, such as `camera.switch`.
    pub key: String,
    /// Pressed, or open; `None`: it cannot be read.
    pub level: Option<bool>,
}

/// How long it took, at the longest since the guard started. Measured on what happens anyway; nothing is opened for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// From media's question to the lamp lit and read back, in microseconds.
    pub permit_to_lamp_us: Option<u64>,
    /// From the moment at which the guard read the switch closed to the proof that the device is, in microseconds.
    pub edge_to_closed_us: Option<u64>,
    /// How many edges that was.
    pub edges: u32,
}

/// What the doctor says to media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DoctorToMedia {
    /// Want these captures, as for a call, until the connection ends. Without effect while there is a link: nothing that
    /// is captured for the doctor goes anywhere.
    Want {
        /// The camera.
        camera: bool,
        /// The microphone.
        microphone: bool,
    },
    /// Play a chirp and listen for it. Answered by [`MediaToDoctor::Echo`].
    Chirp,
    /// How is it? Answered by [`MediaToDoctor::Vitals`].
    Ask,
}

/// What media says to the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaToDoctor {
    /// How captures are.
    Vitals {
        /// Links to guests; while there is one the doctor's wishes count for nothing.
        links: u32,
        /// The camera.
        camera: CaptureHealth,
        /// The microphone.
        microphone: CaptureHealth,
        /// Frames taken from the camera since media started.
        camera_frames: u64,
        /// What the camera was asked for and what it could have had.
        modes: Option<CameraModes>,
    },
    /// What became of a chirp.
    Echo(Echo),
}

/// What a camera offers and what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameraModes {
    /// The picture that the room sends.
    pub wanted: Size,
    /// And its frames a second.
    pub wanted_rate: u32,
    /// What was chosen, as GStreamer writes it.
    pub chosen: String,
    /// What the camera offers, one entry for each format, as GStreamer writes it.
    pub offered: Vec<String>,
}

/// What became of a chirp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Echo {
    /// The microphone is not open.
    NotListening,
    /// It was played and not heard.
    NotHeard,
    /// It came back.
    Heard {
        /// From the moment at which the speaker was given it to the moment at which the microphone had it, in
        /// microseconds: speaker's buffer, display or amplifier, air, microphone's buffer.
        delay_us: u32,
        /// How clearly: the highest correlation against the next one elsewhere, in tenths.
        clearness: u32,
    },
}

/// What `subrosa-guard look` prints where no guard runs: every line of the board as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinesLook {
    /// Every input of the board as it was read.
    pub inputs: Vec<InputLook>,
    /// Every lamp by its key in the board file, and whether it could be set and read back.
    pub lamps: Vec<(String, bool)>,
}
