//! The simulated room, as a person in it: presses its switches, looks at its lamps, screen and speaker.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::client::Client;
use crate::namespace::Namespace;
use crate::stage::eventually;

/// A simulated line, by its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The room's button: 1 pressed.
    Button,
    /// The camera's shutter: 1 lets through.
    CameraShutter,
    /// The microphone's switch: 1 lets through.
    MicrophoneSwitch,
    /// The camera's lamp.
    CameraLive,
    /// The microphone's white lamp.
    MicrophoneLive,
    /// The microphone's red lamp.
    MicrophoneMuted,
}

impl Line {
    pub(crate) fn file(self) -> &'static str {
        match self {
            Line::Button => "button",
            Line::CameraShutter => "camera-shutter",
            Line::MicrophoneSwitch => "microphone-switch",
            Line::CameraLive => "camera-live",
            Line::MicrophoneLive => "microphone-live",
            Line::MicrophoneMuted => "microphone-muted",
        }
    }
}

/// The simulated room of one run.
#[derive(Debug)]
pub struct Sim {
    client: Client,
    lines: PathBuf,
}

impl Sim {
    pub(crate) fn new(address: SocketAddr, lines: PathBuf, namespace: Option<Arc<Namespace>>) -> Self {
        Sim { client: Client::new(&format!("http://{address}"), namespace), lines }
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) {
        // The simulator restarts when it is killed; a press in between is repeated, as a person would.
        eventually("the simulated room takes an act", Duration::from_secs(5), || {
            self.client.post(path, body).ok().filter(|reply| reply.status < 300)
        });
    }

    /// Presses the button shortly.
    pub fn press(&self) {
        self.post("/press", &json!({}));
    }

    /// Holds the button until the room sleeps.
    pub fn hold(&self) {
        self.post("/hold", &json!({}));
    }

    /// Moves the microphone's switch.
    pub fn mute(&self, mute: bool) {
        self.post("/switch", &json!({"position": if mute { "mute" } else { "unmute" }}));
    }

    /// Moves the camera's shutter.
    pub fn shutter(&self, close: bool) {
        self.post("/shutter", &json!({"position": if close { "close" } else { "open" }}));
    }

    /// Pulls out `camera` or `microphone`.
    pub fn unplug(&self, capture: &str) {
        self.post("/unplug", &json!({"capture": capture}));
    }

    /// Plugs it in again.
    pub fn plug(&self, capture: &str) {
        self.post("/plug", &json!({"capture": capture}));
    }

    /// All that the simulator knows.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn state(&self) -> Result<Value, String> {
        self.client.get("/state").map(|reply| reply.json())
    }

    /// The level of a line, `None` when its file cannot be read.
    #[must_use]
    pub fn line(&self, line: Line) -> Option<bool> {
        match fs::read_to_string(self.lines.join(line.file())).ok()?.trim() {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        }
    }

    /// A lamp that is not proved dark is lit, also for the test.
    #[must_use]
    pub fn lit(&self, lamp: Line) -> bool {
        self.line(lamp) != Some(false)
    }

    /// Moves a switch by writing the level of its line in place, and says when: the moment before the write, which
    /// is as early as any program can know of it.
    pub fn edge(&self, line: Line, level: bool) -> SystemTime {
        let file = fs::OpenOptions::new().write(true).open(self.lines.join(line.file())).expect("a simulated line");
        let now = SystemTime::now();
        file.write_all_at(if level { b"1" } else { b"0" }, 0).expect("a simulated line");
        now
    }

    /// What the screen shows, as JPEG.
    ///
    /// # Errors
    /// When nothing has been shown.
    pub fn screen(&self) -> Result<Vec<u8>, String> {
        self.client.get_bytes("/screen.jpg")
    }

    /// The last `seconds` of what the speaker played, as samples at 48 kHz.
    #[must_use]
    pub fn heard(&self, seconds: u32) -> Vec<i16> {
        let wave = self.client.get_bytes(&format!("/sound.wav?seconds={seconds}")).unwrap_or_default();
        let data = wave.windows(4).position(|window| window == b"data").map_or(wave.len(), |at| at + 8);
        wave.get(data..)
            .unwrap_or_default()
            .chunks_exact(2)
            .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
            .collect()
    }
}

/// Root mean square of samples, in dB below full scale; silence is -120.
#[must_use]
pub fn loudness(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let mean = (sum / samples.len().max(1) as f64).sqrt() / 32768.0;
    (20.0 * mean.log10()).max(-120.0)
}
