//! The simulated room, as a person in it: presses its switches, looks at its lamps, screen and speaker.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use serde_json::{Value, json};

use crate::client::Client;
use crate::namespace::Namespace;
use crate::stage::eventually;

/// A simulated line, by its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The room's button: 1 pressed.
    Button,
    /// The button that uncovers what stands behind people: 1 pressed.
    Reveal,
    /// The simulated segmenter: 1 answers, 0 stands still.
    Segmenter,
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
    /// The name of its file.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Line::Button => "button",
            Line::Reveal => "reveal",
            Line::Segmenter => subrosa_process::run_dir::RunDir::SEGMENTER,
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

    /// Presses *reveal* shortly.
    pub fn reveal(&self) {
        self.post("/reveal", &json!({}));
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
        match fs::read_to_string(self.lines.join(line.file_name())).ok()?.trim() {
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
        let file =
            fs::OpenOptions::new().write(true).open(self.lines.join(line.file_name())).expect("a simulated line");
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

    /// What the screen shows, scaled down to 64 × 36 pixels of red, green and blue. `None`: nothing yet.
    #[must_use]
    pub fn look(&self) -> Option<Vec<[u8; 3]>> {
        let jpeg = self.screen().ok()?;
        let chain = "appsrc name=in ! jpegdec ! videoconvert ! videoscale method=nearest-neighbour ! video/x-raw,format=RGB,width=64,height=36 \
                     ! appsink name=out sync=false";
        let pixels = through(chain, jpeg)?;
        // Rows of 64 × 3 bytes are a multiple of four long, so there is no padding.
        Some(pixels.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect())
    }

    /// The part of the screen that is of this colour, 0 to 1.
    #[must_use]
    pub fn shows(&self, wanted: [u8; 3]) -> f64 {
        let look = self.look().unwrap_or_default();
        let near = |pixel: &&[u8; 3]| pixel.iter().zip(wanted).all(|(one, other)| one.abs_diff(other) < 48);
        look.iter().filter(near).count() as f64 / look.len().max(1) as f64
    }

    /// What the QR code on the screen says.
    #[must_use]
    pub fn qr(&self) -> Option<String> {
        self.codes()?.pop()
    }

    /// What all of them say.
    #[must_use]
    pub fn codes(&self) -> Option<Vec<String>> {
        let jpeg = self.screen().ok()?;
        gst::init().ok()?;
        let chain = "appsrc name=in ! jpegdec ! videoconvert ! zbar cache=false ! fakesink sync=false";
        let pipeline = gst::parse::launch(chain).ok()?.downcast::<gst::Pipeline>().ok()?;
        feed(&pipeline, jpeg)?;
        pipeline.set_state(gst::State::Playing).ok()?;
        let bus = pipeline.bus()?;
        let mut said = Vec::new();
        while let Some(message) = bus.timed_pop(gst::ClockTime::from_seconds(5)) {
            match message.view() {
                gst::MessageView::Eos(_) | gst::MessageView::Error(_) => break,
                gst::MessageView::Element(element) => {
                    let symbol = element
                        .structure()
                        .filter(|found| found.name() == "barcode")
                        .and_then(|found| found.get("symbol").ok());
                    said.extend(symbol);
                }
                _ => {}
            }
        }
        let _stopped = pipeline.set_state(gst::State::Null);
        Some(said)
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

fn feed(pipeline: &gst::Pipeline, bytes: Vec<u8>) -> Option<()> {
    let input = pipeline.by_name("in")?.downcast::<gst_app::AppSrc>().ok()?;
    input.set_caps(Some(&gst::Caps::builder("image/jpeg").field("framerate", gst::Fraction::new(0, 1)).build()));
    input.set_format(gst::Format::Time);
    let mut buffer = gst::Buffer::from_mut_slice(bytes);
    buffer.get_mut()?.set_pts(gst::ClockTime::ZERO);
    let given = input.clone();
    // An `appsrc` takes buffers before it runs.
    given.push_buffer(buffer).ok()?;
    given.end_of_stream().ok().map(drop)
}

fn through(chain: &str, bytes: Vec<u8>) -> Option<Vec<u8>> {
    gst::init().ok()?;
    let pipeline = gst::parse::launch(chain).ok()?.downcast::<gst::Pipeline>().ok()?;
    let output = pipeline.by_name("out")?.downcast::<gst_app::AppSink>().ok()?;
    feed(&pipeline, bytes)?;
    pipeline.set_state(gst::State::Playing).ok()?;
    let sample = output.try_pull_sample(gst::ClockTime::from_seconds(5));
    let pixels = sample.and_then(|sample| Some(sample.buffer()?.map_readable().ok()?.as_slice().to_vec()));
    let _stopped = pipeline.set_state(gst::State::Null);
    pixels
}

/// Root mean square of samples, in dB below full scale; silence is -120.
#[must_use]
pub fn loudness(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let mean = (sum / samples.len().max(1) as f64).sqrt() / 32768.0;
    (20.0 * mean.log10()).max(-120.0)
}
