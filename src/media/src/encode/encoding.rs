//! One running encoder: a pipeline that takes the room's picture and gives encoded frames.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::StreamProducer;
use gstreamer_utils::streamproducer::ProducerSettings;
use gstreamer_video as gst_video;
use subrosa_messages::media::{Codec, Size};

use super::keyframe::KeyFrames;
use super::rate::Target;
use super::rows::{Bitrate, KeyFrame, Row, Value};
use crate::cut::Cut;
use crate::pads;
use crate::picture::{Picture, View, Viewer};
use crate::timebase::Timebase;

/// Frames that go in and do not come out for so long mean that the encoder hangs.
const HANG: Duration = Duration::from_secs(2);
/// Key frames come by themselves this often; more often on request.
const KEY_FRAME_SECONDS: u32 = 10;

/// Why an encoder does not run.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The element is not installed or refuses a property.
    #[error("the encoder {row} cannot be set up: {what}; install it or take the row out of the board file")]
    SetUp {
        /// Which row.
        row: &'static str,
        /// Which element or property.
        what: String,
    },
    /// It does not start.
    #[error("the encoder {0} does not start: its device is missing, taken, or refuses the picture's size")]
    Start(&'static str),
}

/// An encoder at work. Dropping it stops it, which can take as long as its driver does.
pub struct Encoding {
    row: &'static Row,
    target: Target,
    pipeline: gst::Pipeline,
    encoder: gst::Element,
    producer: StreamProducer,
    progress: Arc<Progress>,
    view: Option<View>,
}

/// Frames that went in and came out.
#[derive(Debug, Default)]
struct Progress {
    pushed: AtomicU64,
    entered: AtomicU64,
    left: AtomicU64,
    stuck: Mutex<Option<(u64, Instant)>>,
}

/// What an encoder is made from.
pub struct Plan<'a> {
    /// Its row.
    pub row: &'static Row,
    /// The picture it takes.
    pub picture: &'a Picture,
    /// What it makes.
    pub target: Target,
    /// The clock.
    pub timebase: &'a Timebase,
    /// Called once when it fails.
    pub failed: Box<dyn Fn() + Send + Sync>,
}

impl Encoding {
    /// Builds it and starts it. Its first frame is a key frame.
    ///
    /// # Errors
    /// When an element is missing or the device does not start.
    pub fn start(plan: Plan<'_>) -> Result<Self, EncodeError> {
        let Plan { row, picture, target, timebase, failed } = plan;
        let pipeline = gst::Pipeline::new();
        timebase.rule(&pipeline);
        let setup = |what: &str| EncodeError::SetUp { row: row.name, what: what.to_owned() };

        let source = gst_app::AppSrc::builder()
            .name("picture")
            .caps(&picture.info().to_caps().map_err(|_| setup("caps"))?)
            .format(gst::Format::Time)
            .is_live(true)
            .max_buffers(2)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        let scale = make("videoconvertscale", row)?;
        let raw = make("capsfilter", row)?;
        let caps = raw_caps(row, target, picture.info()).map_err(|_| setup("caps"))?;
        raw.set_property("caps", &caps);
        let encoder = make(row.name, row)?;
        configure(&encoder, row, target, frames_per_second(row, picture)).map_err(|what| setup(&what))?;
        let encoded = make("capsfilter", row)?;
        let encoded_caps: gst::Caps = row.output_caps.parse().map_err(|_| setup("output caps"))?;
        encoded.set_property("caps", &encoded_caps);
        let sink = gst_app::AppSink::builder().name("encoded").sync(false).build();

        let mut chain: Vec<gst::Element> = vec![source.clone().upcast()];
        if rate(row, picture.info()) < picture.info().fps() {
            let fewer = make("videorate", row)?;
            fewer.set_property("drop-only", true);
            chain.push(fewer);
        }
        chain.push(scale);
        if let Some(front) = row.front {
            chain.push(make(front, row)?);
        }
        chain.extend([raw, encoder.clone(), encoded.clone()]);
        if row.repeat_headers {
            let parse = make("h264parse", row)?;
            parse.set_property("config-interval", -1_i32);
            let stream = make("capsfilter", row)?;
            let caps =
                gst::Caps::builder("video/x-h264").field("stream-format", "byte-stream").field("alignment", "au");
            stream.set_property("caps", caps.build());
            chain.extend([parse, stream]);
        }
        chain.push(sink.clone().upcast());
        pipeline.add_many(&chain).map_err(|_| setup("pipeline"))?;
        gst::Element::link_many(&chain).map_err(|_| setup("links between its elements"))?;

        let progress = Arc::new(Progress::default());
        let throttle = Arc::new(Mutex::new(KeyFrames::default()));
        let pad = |element: &gst::Element, name| element.static_pad(name).ok_or_else(|| setup("a pad"));
        watch_input(&pad(&encoder, "sink")?, &encoder, row, picture.cut(), &throttle, &progress);
        throttle_requests(&pad(&encoded, "src")?, &encoder, row, &throttle);
        let out = pad(sink.upcast_ref(), "sink")?;
        pads::plain_time(&out);
        watch_output(&out, picture.cut(), &progress);
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        report_errors(&pipeline, failed).ok_or_else(|| setup("bus"))?;

        if pipeline.set_state(gst::State::Playing).is_err() {
            let _stopped = pipeline.set_state(gst::State::Null);
            return Err(EncodeError::Start(row.name));
        }
        let size = Mutex::new(Size { width: picture.info().width(), height: picture.info().height() });
        let viewer =
            Arc::new(Input { source, size, encoder: encoder.clone(), row, progress: progress.clone(), throttle });
        let view = Some(picture.add(viewer));
        Ok(Encoding { row, target, pipeline, encoder, producer, progress, view })
    }

    /// Its row.
    #[must_use]
    pub fn row(&self) -> &'static Row {
        self.row
    }

    /// What it makes.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Its frames.
    #[must_use]
    pub fn producer(&self) -> &StreamProducer {
        &self.producer
    }

    /// Frames that have entered the encoder.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.progress.entered.load(Ordering::Relaxed)
    }

    /// Another bitrate for the same size.
    pub fn set_bitrate(&mut self, bitrate: u32) {
        self.target.bitrate = bitrate;
        set_bitrate(&self.encoder, self.row, bitrate);
    }

    /// Whether frames have gone in for [`HANG`] and none came out. To be asked about once a second.
    #[must_use]
    pub fn hangs(&self, now: Instant) -> bool {
        let (pushed, left) = (self.progress.pushed.load(Ordering::Relaxed), self.progress.left.load(Ordering::Relaxed));
        let mut stuck = self.progress.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        match *stuck {
            Some((seen, since)) if seen == left && pushed > left => now.saturating_duration_since(since) >= HANG,
            _ => {
                *stuck = Some((left, now));
                false
            }
        }
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        drop(self.view.take());
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}

/// The encoder as a viewer of the picture.
struct Input {
    source: gst_app::AppSrc,
    /// Of the frames that come now; the card is always as large as the picture.
    size: Mutex<Size>,
    encoder: gst::Element,
    row: &'static Row,
    progress: Arc<Progress>,
    throttle: Arc<Mutex<KeyFrames>>,
}

impl Viewer for Input {
    fn frame(&self, frame: gst::Buffer, size: Size) {
        let before = std::mem::replace(&mut *self.size.lock().unwrap_or_else(PoisonError::into_inner), size);
        if before != size
            && let Some(mut caps) = self.source.caps()
        {
            if let Some(structure) = caps.make_mut().structure_mut(0) {
                structure.set("width", i32::try_from(size.width).unwrap_or(i32::MAX));
                structure.set("height", i32::try_from(size.height).unwrap_or(i32::MAX));
            }
            self.source.set_caps(Some(&caps));
        }
        self.progress.pushed.fetch_add(1, Ordering::Relaxed);
        let _flushing_when_it_stops = self.source.push_buffer(frame);
    }

    fn key_frame_at(&self, running_time: gst::ClockTime) {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner).made(Instant::now());
        force_key_frame(&self.encoder, self.row, Some(running_time));
    }
}

fn make(element: &str, row: &Row) -> Result<gst::Element, EncodeError> {
    gst::ElementFactory::make(element)
        .build()
        .map_err(|_| EncodeError::SetUp { row: row.name, what: format!("no element {element}") })
}

fn frames_per_second(row: &Row, picture: &Picture) -> u32 {
    u32::try_from(rate(row, picture.info()).numer()).unwrap_or(30).max(1)
}

/// The picture's rate, or the encoder's where that is lower.
fn rate(row: &Row, info: &gst_video::VideoInfo) -> gst::Fraction {
    let most = row.frames_per_second.and_then(|most| i32::try_from(most).ok());
    most.map_or(info.fps(), |most| info.fps().min(gst::Fraction::new(most, 1)))
}

fn raw_caps(row: &Row, target: Target, info: &gst_video::VideoInfo) -> Result<gst::Caps, gst::glib::BoolError> {
    let aligned = |side: u32| i32::try_from(side / row.alignment * row.alignment).unwrap_or(i32::MAX);
    let (width, height) = (target.size.width.min(row.largest.0), target.size.height.min(row.largest.1));
    let mut text = String::from("video/x-raw");
    let mut rest = String::new();
    match row.input_caps.strip_prefix("memory:") {
        Some(memory) => text.push_str(&format!("(memory:{memory})")),
        None if row.input_caps.is_empty() => {}
        None => rest = format!(",{}", row.input_caps),
    }
    let (width, height) = (aligned(width), aligned(height));
    let fps = rate(row, info);
    format!(
        "{text},format={},width={width},height={height},framerate={}/{},pixel-aspect-ratio=1/1{rest}",
        row.format,
        fps.numer(),
        fps.denom()
    )
    .parse()
}

fn configure(encoder: &gst::Element, row: &Row, target: Target, frames_per_second: u32) -> Result<(), String> {
    for (name, value) in row.properties {
        match value {
            Value::Text(text) => pads::set(encoder, name, text).map_err(|_| format!("{name}={text}"))?,
            Value::Controls(_) => {}
        }
    }
    if let Some(distance) = row.key_distance {
        let frames = (KEY_FRAME_SECONDS * frames_per_second).to_string();
        pads::set(encoder, distance, &frames).map_err(|_| format!("{distance}={frames}"))?;
    }
    set_bitrate(encoder, row, target.bitrate);
    Ok(())
}

fn set_bitrate(encoder: &gst::Element, row: &Row, bitrate: u32) {
    let done = match row.bitrate {
        Bitrate::Kilobits(property) => pads::set(encoder, property, &(bitrate / 1000).to_string()),
        Bitrate::Bits(property) => pads::set(encoder, property, &bitrate.to_string()),
        Bitrate::Control { name, step, least, most } => {
            let rounded = (bitrate / step * step).clamp(least, most);
            let fixed = row.properties.iter().filter_map(|(_, value)| match value {
                Value::Controls(controls) => Some(controls.iter().copied()),
                Value::Text(_) => None,
            });
            let mut controls = gst::Structure::new_empty("controls");
            for (control, value) in fixed.flatten() {
                controls.set(control, value);
            }
            controls.set(name, i32::try_from(rounded).unwrap_or(i32::MAX));
            if encoder.find_property("extra-controls").is_some() {
                encoder.set_property("extra-controls", &controls);
            }
            Ok(())
        }
    };
    if done.is_err() {
        tracing::warn!("the encoder {} takes no bitrate", row.name);
    }
}

fn force_key_frame(encoder: &gst::Element, row: &Row, running_time: Option<gst::ClockTime>) {
    match row.key_frame {
        KeyFrame::Event => {
            let event =
                gst_video::UpstreamForceKeyUnitEvent::builder().running_time(running_time).all_headers(true).build();
            // Not `send_event` of the element: that takes the state lock.
            if let Some(pad) = encoder.static_pad("src") {
                pad.send_event(event);
            }
        }
        KeyFrame::Signal(signal) => encoder.emit_by_name::<()>(signal, &[]),
    }
}

/// In front of the encoder: nothing captured before the cut goes in, and key frames that waited are asked for.
fn watch_input(
    pad: &gst::Pad,
    encoder: &gst::Element,
    row: &'static Row,
    cut: &Cut,
    throttle: &Arc<Mutex<KeyFrames>>,
    progress: &Arc<Progress>,
) {
    let (cut, throttle, progress) = (cut.clone(), throttle.clone(), progress.clone());
    let encoder = encoder.downgrade();
    pads::filter(pad, move |frame| {
        if !cut.passes(frame.pts()) {
            return false;
        }
        progress.entered.fetch_add(1, Ordering::Relaxed);
        let due = throttle.lock().unwrap_or_else(PoisonError::into_inner).due(Instant::now());
        if due && let Some(encoder) = encoder.upgrade() {
            force_key_frame(&encoder, row, None);
        }
        true
    });
}

/// Behind the encoder: requests of peers pass as the throttle says.
fn throttle_requests(pad: &gst::Pad, encoder: &gst::Element, row: &'static Row, throttle: &Arc<Mutex<KeyFrames>>) {
    let throttle = throttle.clone();
    let encoder = encoder.downgrade();
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_pad, info| {
        let is_request = info.event().is_some_and(|event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok());
        if !is_request {
            return gst::PadProbeReturn::Ok;
        }
        let now = throttle.lock().unwrap_or_else(PoisonError::into_inner).ask(Instant::now());
        if now && let Some(encoder) = encoder.upgrade() {
            force_key_frame(&encoder, row, None);
        }
        gst::PadProbeReturn::Handled
    });
}

/// At the end: what was being encoded at the edge goes no further.
fn watch_output(pad: &gst::Pad, cut: &Cut, progress: &Arc<Progress>) {
    let (cut, progress) = (cut.clone(), progress.clone());
    pads::filter(pad, move |frame| {
        progress.left.fetch_add(1, Ordering::Relaxed);
        cut.passes(frame.pts())
    });
}

fn report_errors(pipeline: &gst::Pipeline, failed: Box<dyn Fn() + Send + Sync>) -> Option<()> {
    let told = std::sync::atomic::AtomicBool::new(false);
    pipeline.bus()?.set_sync_handler(move |_bus, message| {
        if matches!(message.view(), gst::MessageView::Error(_)) && !told.swap(true, Ordering::SeqCst) {
            failed();
        }
        gst::BusSyncReply::Drop
    });
    Some(())
}

/// The caps of encoded frames, for consumers that are made before there is an encoder.
#[must_use]
pub fn encoded_caps(codec: Codec) -> gst::Caps {
    match codec {
        Codec::H264 => {
            gst::Caps::builder("video/x-h264").field("stream-format", "byte-stream").field("alignment", "au").build()
        }
        Codec::Vp8 => gst::Caps::builder("video/x-vp8").build(),
        Codec::Opus => gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0_i32).build(),
    }
}
