//! The trial of an encoder: a short encode in a child process.
//!
//! An element that is registered, or a device node that is there, proves nothing; and on some boards the mere attempt
//! hangs for ever (<https://github.com/insight-platform/Savant/issues/497>). So each row is tried in a process that can
//! be killed, and the result is remembered for this board, element and GStreamer version.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use serde::{Deserialize, Serialize};
use subrosa_messages::media::{Codec, Size};

use super::encoding::{EncodeError, Encoding, Plan};
use super::rate::Target;
use super::rows::{self, Row};
use crate::cut::Cut;
use crate::picture::Picture;
use crate::timebase::Timebase;

/// How long a child may take. A GPU's driver is loaded in that time.
pub const PATIENCE: Duration = Duration::from_secs(8);
/// Frames of a trial.
const FRAMES: u64 = 6;

/// What a row made in its trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Made {
    /// Which row.
    pub row: &'static str,
    /// What its SPS says: ten times the level (ITU-T H.264, A.3); `None`: not H.264.
    pub level: Option<u8>,
    /// As GStreamer writes it; `None`: the encoder does not say.
    pub colorimetry: Option<String>,
    /// Bytes of the largest frame.
    pub largest: usize,
    /// From the start of the encoder to its first frame, in milliseconds.
    pub first_frame_ms: u64,
}

/// Why a row failed its trial.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// No such row.
    #[error("there is no encoder row of that name: see docs/adding.md for the list")]
    Unknown,
    /// It does not run.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// It runs, and makes something else than was asked for.
    #[error("the encoder {row} makes a stream that peers cannot use: {what}")]
    Stream {
        /// Which row.
        row: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// The picture could not be made.
    #[error("a picture of that size cannot be made: width and height must be even")]
    Picture(#[from] gst::glib::BoolError),
}

/// Encodes some frames in this process: what the child does. `rows` are the board's; a row that is none of them is
/// tried as the table has it.
///
/// # Errors
/// When the encoder does not run, or its first frame is no key frame with headers, or a key frame that was asked for
/// does not come, or frames are lost.
pub fn run(row: &str, rows: &[&'static Row], size: Size) -> Result<Made, TrialError> {
    let of_board = rows.iter().copied().find(|known| known.name == row);
    let row = of_board.or_else(|| rows::find(row)).ok_or(TrialError::Unknown)?;
    let began = Instant::now();
    let timebase = Timebase::start();
    let cut = Cut::camera(&timebase);
    // The picture's own card is what is encoded: five frames a second, and one for each key frame.
    let picture = Picture::new(size, 30, &timebase, &cut)?;
    let failed = Arc::new(AtomicBool::new(false));
    let fault = failed.clone();
    let encoding = Encoding::start(Plan {
        row,
        picture: &picture,
        target: Target { bitrate: 1_000_000, size },
        timebase: &timebase,
        failed: Box::new(move || fault.store(true, Ordering::SeqCst)),
    })?;
    let (sender, frames) = mpsc::channel();
    let consumer = gst_app::AppSink::builder().sync(false).build();
    let pipeline = gst::Pipeline::new();
    timebase.rule(&pipeline);
    let source = gst_app::AppSrc::builder().build();
    gstreamer_utils::StreamProducer::configure_consumer(&source);
    pipeline.add_many([source.upcast_ref::<gst::Element>(), consumer.upcast_ref()])?;
    source.link(&consumer)?;
    let stream = |what| TrialError::Stream { row: row.name, what };
    consumer.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let _nobody_waits = sender.send(sample);
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    pipeline.set_state(gst::State::Playing).map_err(|_| stream("its frames cannot be read"))?;
    let link = encoding.producer().add_consumer(&source).map_err(|_| stream("its frames cannot be read"))?;
    let outcome = judge(row, &frames, &picture, &cut, &failed, began);
    drop(link);
    let _stopped = pipeline.set_state(gst::State::Null);
    outcome.map_err(stream)
}

fn judge(
    row: &Row,
    frames: &mpsc::Receiver<gst::Sample>,
    picture: &Picture,
    cut: &Cut,
    failed: &AtomicBool,
    began: Instant,
) -> Result<Made, &'static str> {
    let mut made = Made { row: row.name, level: None, colorimetry: None, largest: 0, first_frame_ms: 0 };
    let next = |made: &mut Made| -> Result<gst::Buffer, &'static str> {
        let sample = frames.recv_timeout(Duration::from_secs(3)).map_err(|_| {
            if failed.load(Ordering::SeqCst) { "it stops with an error" } else { "frames go in and none come out" }
        })?;
        let frame = sample.buffer_owned().ok_or("a frame of it cannot be read")?;
        made.largest = made.largest.max(frame.size());
        let said = sample.caps().and_then(|caps| caps.structure(0)?.get::<String>("colorimetry").ok());
        made.colorimetry = said.or(made.colorimetry.take());
        Ok(frame)
    };
    let is_key = |frame: &gst::Buffer| !frame.flags().contains(gst::BufferFlags::DELTA_UNIT);
    let first = next(&mut made)?;
    made.first_frame_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    if !is_key(&first) {
        return Err("its first frame is no key frame");
    }
    if row.codec == Codec::H264 {
        let bytes = first.map_readable().map_err(|_| "its first frame cannot be read")?;
        made.level = Some(check_headers(&bytes)?);
    }
    let mut seen = 1;
    while seen < FRAMES / 2 {
        next(&mut made)?;
        seen += 1;
    }
    // As at the edge of a capture: the card, as a key frame, at this very time.
    picture.rehearse_edge(cut);
    while seen < FRAMES {
        if is_key(&next(&mut made)?) {
            return Ok(made);
        }
        seen += 1;
    }
    Err("a key frame that was asked for does not come")
}

/// Whether an access unit starts a constrained-baseline stream that a peer can decode from here: SPS and PPS in
/// front of the slice, `profile_idc` 66 (ITU-T H.264, 7.3.2.1.1 and A.2). What is said is `level_idc`.
fn check_headers(access_unit: &[u8]) -> Result<u8, &'static str> {
    let (mut sps, mut pps) = (None, false);
    for unit in nal_units(access_unit) {
        match unit.first().map(|header| header & 0x1f) {
            Some(7) => {
                if unit.get(1) != Some(&66) {
                    return Err("its profile is not baseline");
                }
                sps = unit.get(3).copied();
            }
            Some(8) => pps = true,
            Some(5) => return sps.filter(|_| pps).ok_or("SPS or PPS are missing in front of a key frame"),
            _ => {}
        }
    }
    Err("its key frame holds no IDR slice")
}

/// The NAL units of a byte stream (ITU-T H.264, annex B).
fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let starts: Vec<usize> =
        stream.windows(3).enumerate().filter(|(_, code)| *code == [0, 0, 1]).map(|(at, _)| at + 3).collect();
    let ends: Vec<usize> = starts.iter().skip(1).map(|next| next - 3).chain([stream.len()]).collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| stream.get(start..end))
}

/// A row that is another than before, by a new program or a changed board file, is tried again.
fn fingerprint(row: &Row) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{row:?}").hash(&mut hasher);
    hasher.finish()
}

/// Results of earlier trials, in a file of the state folder.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered(BTreeMap<String, bool>);

/// Tries rows of one board.
pub struct Trials {
    board: String,
    board_file: PathBuf,
    file: PathBuf,
    program: PathBuf,
    remembered: Remembered,
    patience: Duration,
}

impl Trials {
    /// For a board, which the child reads again; results are kept in `state`.
    #[must_use]
    pub fn new(board: &str, board_file: &Path, state: &Path, program: PathBuf) -> Self {
        let file = state.join("encoders.json");
        // A file that is missing or broken means that everything is tried again.
        let remembered = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        Trials {
            board: board.to_owned(),
            board_file: board_file.to_owned(),
            file,
            program,
            remembered,
            patience: PATIENCE,
        }
    }

    /// Whether a row can be used for pictures of this size.
    pub fn passes(&mut self, row: &Row, size: Size) -> bool {
        let version = gst::version_string();
        let (board, name) = (&self.board, row.name);
        let key = format!("{board} {name} {:x} {}x{} {version}", fingerprint(row), size.width, size.height);
        if let Some(result) = self.remembered.0.get(&key) {
            return *result;
        }
        let Some(passed) = self.ask_child(row, size) else { return false };
        tracing::info!("encoder {}: trial {}", row.name, if passed { "passed" } else { "failed" });
        self.remembered.0.insert(key, passed);
        self.remember();
        passed
    }

    /// `None` when no child could be started, which says nothing about the encoder.
    fn ask_child(&self, row: &Row, size: Size) -> Option<bool> {
        let mut child = Command::new(&self.program)
            .args(["trial", row.name, "--width", &size.width.to_string(), "--height", &size.height.to_string()])
            .arg("--board")
            .arg(&self.board_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|_| tracing::warn!("an encoder's trial could not be started"))
            .ok()?;
        let started = Instant::now();
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Some(status.success()),
                Ok(None) if started.elapsed() < self.patience => thread::sleep(Duration::from_millis(10)),
                Ok(None) | Err(_) => {
                    let _gone = child.kill();
                    // One that hangs in its driver does not even die; the other rows are tried all the same.
                    let _reaped_at_its_end =
                        thread::Builder::new().name("trial-end".into()).spawn(move || child.wait());
                    return Some(false);
                }
            }
        }
    }

    fn remember(&self) {
        let written = serde_json::to_vec_pretty(&self.remembered).ok().and_then(|text| {
            let partial = self.file.with_extension("part");
            fs::write(&partial, text).and_then(|()| fs::rename(&partial, &self.file)).ok()
        });
        if written.is_none() {
            tracing::warn!("the result of an encoder's trial could not be kept: the next start tries again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 640, height: 360 };
    const BOARD: &str = "board.toml";

    #[test]
    fn software_rows_pass_and_unknown_ones_do_not() {
        crate::plugins::start().unwrap();
        for row in ["x264enc", "openh264enc", "vp8enc"] {
            let made = run(row, &[], SIZE).unwrap_or_else(|error| panic!("{row}: {error}"));
            assert_eq!((made.row, made.level.is_some(), made.largest > 0), (row, row != "vp8enc", true), "{made:?}");
        }
        assert!(matches!(run("nosuchenc", &[], SIZE), Err(TrialError::Unknown)));
    }

    #[test]
    fn a_row_whose_element_is_missing_fails_with_its_name() {
        crate::plugins::start().unwrap();
        let error = run("mpph264enc", &[], SIZE).unwrap_err().to_string();
        assert!(error.contains("mpph264enc"), "{error}");
    }

    #[test]
    fn headers_are_wanted_in_front_of_the_slice() {
        let stream =
            |units: &[&[u8]]| units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect::<Vec<u8>>();
        let (sps, pps, idr): (&[u8], &[u8], &[u8]) = (&[0x67, 66, 0xc0, 31], &[0x68, 1], &[0x65, 1]);
        assert_eq!(check_headers(&stream(&[sps, pps, idr])), Ok(31));
        assert!(check_headers(&stream(&[sps, idr])).is_err());
        assert!(check_headers(&stream(&[idr, sps, pps])).is_err());
        assert!(check_headers(&stream(&[&[0x67, 100, 0, 31], pps, idr])).is_err());
        assert!(check_headers(&[]).is_err());
    }

    fn program(folder: &Path, text: &str) -> PathBuf {
        let program = folder.join("program");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).unwrap();
        program
    }

    #[test]
    fn p10_a_trial_that_hangs_is_killed() {
        gst::init().unwrap();
        let state = tempfile::tempdir().unwrap();
        let program = program(state.path(), "exec sleep 100");
        let mut trials = Trials::new("b", BOARD.as_ref(), state.path(), program);
        trials.patience = Duration::from_millis(200);
        let started = Instant::now();
        assert!(!trials.passes(rows::find("x264enc").unwrap(), SIZE));
        assert!(started.elapsed() < Duration::from_secs(5));
    }

    /// An encoder whose driver takes a frame and never comes back.
    mod hanging {
        use std::{env, fs, thread};

        use gst::glib;
        use gstreamer as gst;
        use gstreamer_video as gst_video;
        use gstreamer_video::subclass::prelude::*;

        #[derive(Default)]
        pub struct Imp;

        #[glib::object_subclass]
        impl ObjectSubclass for Imp {
            const NAME: &'static str = "SubrosaHangingEncoder";
            type Type = HangingEncoder;
            type ParentType = gst_video::VideoEncoder;
        }

        impl ObjectImpl for Imp {}
        impl GstObjectImpl for Imp {}

        impl ElementImpl for Imp {
            fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
                static METADATA: std::sync::OnceLock<gst::subclass::ElementMetadata> = std::sync::OnceLock::new();
                Some(METADATA.get_or_init(|| {
                    gst::subclass::ElementMetadata::new("Hanging", "Codec/Encoder/Video", "Never returns", "Subrosa")
                }))
            }

            fn pad_templates() -> &'static [gst::PadTemplate] {
                static TEMPLATES: std::sync::OnceLock<Vec<gst::PadTemplate>> = std::sync::OnceLock::new();
                TEMPLATES.get_or_init(|| {
                    let raw = gst::Caps::builder("video/x-raw").build();
                    let encoded = gst::Caps::builder("video/x-h264").build();
                    let always = gst::PadPresence::Always;
                    vec![
                        gst::PadTemplate::new("sink", gst::PadDirection::Sink, always, &raw).unwrap(),
                        gst::PadTemplate::new("src", gst::PadDirection::Src, always, &encoded).unwrap(),
                    ]
                })
            }
        }

        impl VideoEncoderImpl for Imp {
            fn handle_frame(&self, _: gst_video::VideoCodecFrame<'_>) -> Result<gst::FlowSuccess, gst::FlowError> {
                fs::write(env::var("HANGS").unwrap(), "a frame went in").unwrap();
                loop {
                    thread::park();
                }
            }
        }

        glib::wrapper! {
            pub struct HangingEncoder(ObjectSubclass<Imp>) @extends gst_video::VideoEncoder, gst::Element, gst::Object;
        }
    }

    #[test]
    #[ignore = "run by the test below, in a process of its own, and never ends"]
    fn an_encoder_hangs_here() {
        crate::plugins::start().unwrap();
        gst::Element::register(None, "hangingenc", gst::Rank::NONE, hanging::HangingEncoder::static_type()).unwrap();
        let row = Row { name: "hangingenc", properties: &[], key_distance: None, ..*rows::find("x264enc").unwrap() };
        let _never = run("hangingenc", &[Box::leak(Box::new(row))], SIZE);
    }

    #[test]
    fn p10_an_encoder_that_hangs_in_its_driver_is_killed_and_the_next_one_is_tried() {
        crate::plugins::start().unwrap();
        let state = tempfile::tempdir().unwrap();
        let (itself, mark) = (std::env::current_exe().unwrap(), state.path().join("mark"));
        let program = program(
            state.path(),
            &format!(
                "case $2 in x264enc) exit 0;; esac\nHANGS={} exec {} --exact encode::trial::tests::an_encoder_hangs_here \
                 --ignored --nocapture",
                mark.display(),
                itself.display()
            ),
        );
        let mut trials = Trials::new("b", BOARD.as_ref(), state.path(), program);
        trials.patience = Duration::from_secs(10);
        let started = Instant::now();
        assert!(!trials.passes(rows::find("openh264enc").unwrap(), SIZE));
        let took = started.elapsed();
        assert!(mark.exists(), "it hung where it was to hang");
        assert!(took >= trials.patience && took < trials.patience * 2, "{took:?}");
        assert!(trials.passes(rows::find("x264enc").unwrap(), SIZE));
    }

    #[test]
    fn results_are_remembered_for_a_board() {
        gst::init().unwrap();
        let state = tempfile::tempdir().unwrap();
        let calls = state.path().join("calls");
        let program = program(state.path(), &format!("echo x >> {}\nexit 1", calls.display()));
        let row = rows::find("x264enc").unwrap();
        assert!(!Trials::new("b", BOARD.as_ref(), state.path(), program.clone()).passes(row, SIZE));
        assert!(!Trials::new("b", BOARD.as_ref(), state.path(), program.clone()).passes(row, SIZE));
        assert_eq!(fs::read_to_string(&calls).unwrap().lines().count(), 1, "the second time it is remembered");
        assert!(!Trials::new("another", BOARD.as_ref(), state.path(), program).passes(row, SIZE));
        assert_eq!(fs::read_to_string(&calls).unwrap().lines().count(), 2, "another board is another question");
    }
}
