//! Opus for all links (RFC 6716): one encoder, whose packets every link takes from one producer.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_audio as gst_audio;
use gstreamer_utils::StreamProducer;
use gstreamer_utils::streamproducer::ProducerSettings;

use super::frame::{Frame, to_bytes};
use super::{SoundError, loudness};
use crate::timebase::Timebase;

/// In bit/s: full band speech, and room for its in-band FEC.
const BITRATE: i32 = 40_000;
/// Of 10. Above it libopus spends more than half as much again for nothing that a listener can tell.
const COMPLEXITY: i32 = 7;
/// In percent. In-band FEC is spent according to it; WiFi in an office loses about this.
const EXPECTED_LOSS: i32 = 10;

/// No sound, in dB below full scale.
const SILENT: u8 = 127;
/// Louder than this counts as a voice.
const QUIET: u8 = 50;

/// The encoder. It exists only while the microphone is open: closed, there is no pipeline state that could hold
/// anything that was captured.
#[derive(Debug)]
pub struct Encoder {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    producer: StreamProducer,
    running: Mutex<bool>,
    /// How loud the newest frame is, in dB below full scale: what packets say of themselves.
    level: Arc<AtomicU8>,
}

impl Encoder {
    /// An encoder at rest.
    ///
    /// # Errors
    /// When GStreamer lacks an element.
    pub fn new(timebase: &Timebase) -> Result<Self, SoundError> {
        let source = gst_app::AppSrc::builder()
            .caps(
                &gst::Caps::builder("audio/x-raw")
                    .field("format", "S16LE")
                    .field("layout", "interleaved")
                    .field("rate", 48_000)
                    .field("channels", 1)
                    .build(),
            )
            .format(gst::Format::Time)
            .is_live(true)
            .build();
        let encoder = gst::ElementFactory::make("opusenc").build().map_err(|_| SoundError::Element("opusenc"))?;
        encoder.set_property("bitrate", BITRATE);
        encoder.set_property("complexity", COMPLEXITY);
        encoder.set_property_from_str("audio-type", "voice");
        encoder.set_property_from_str("frame-size", "20");
        encoder.set_property("inband-fec", true);
        encoder.set_property("packet-loss-percentage", EXPECTED_LOSS);
        let sink = gst_app::AppSink::builder().build();
        let level = Arc::new(AtomicU8::new(SILENT));
        say_level(&sink, &level);
        let pipeline = gst::Pipeline::with_name("opus");
        timebase.rule(&pipeline);
        let chain = [source.upcast_ref(), &encoder, sink.upcast_ref()];
        pipeline.add_many(chain).map_err(|_| SoundError::Pipeline("opus"))?;
        gst::Element::link_many(chain).map_err(|_| SoundError::Pipeline("opus"))?;
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        Ok(Encoder { pipeline, source, producer, running: Mutex::new(false), level })
    }

    /// Where the packets come out.
    #[must_use]
    pub fn producer(&self) -> StreamProducer {
        self.producer.clone()
    }

    /// Frames may follow.
    pub fn begin(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = self.pipeline.set_state(gst::State::Playing).is_ok();
        if !*running {
            tracing::error!("the Opus encoder did not start");
        }
    }

    /// Encodes a frame whose first sample was taken at the running time `pts`. Without effect while at rest.
    pub fn encode(&self, frame: &Frame, pts: gst::ClockTime) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !*running {
            return;
        }
        self.level.store(loudness::of(frame), Ordering::Relaxed);
        let mut buffer = gst::Buffer::from_mut_slice(to_bytes(frame));
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(pts);
            buffer.set_duration(gst::ClockTime::from_mseconds(10));
        }
        if self.source.push_buffer(buffer).is_err() {
            tracing::warn!("the Opus encoder took no frame");
        }
    }

    /// Comes to rest. When it returns, no packet is on its way, and nothing of what was captured is left in a queue or
    /// in the encoder's memory.
    pub fn forget(&self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running = false;
        self.level.store(SILENT, Ordering::Relaxed);
        if self.pipeline.set_state(gst::State::Ready).is_err() {
            tracing::error!("the Opus encoder did not stop");
        }
    }
}

/// Each packet is marked with how loud it is, for links whose peer wants to know (RFC 6464): a bridge takes nobody for the one who
/// speaks who does not say so.
fn say_level(sink: &gst_app::AppSink, level: &Arc<AtomicU8>) {
    let level = level.clone();
    let Some(pad) = sink.static_pad("sink") else { return };
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let level = level.load(Ordering::Relaxed);
            gst_audio::AudioLevelMeta::add(buffer.make_mut(), level, level < QUIET);
        }
        gst::PadProbeReturn::Ok
    });
}

impl Drop for Encoder {
    fn drop(&mut self) {
        let _ended = self.pipeline.set_state(gst::State::Null);
    }
}
