//! One played track from its Opus packets to samples that wait to be played.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::{ConsumptionLink, StreamProducer};
use subrosa_messages::media::TrackId;

use super::SoundError;
use super::frame::{Frame, samples};
use super::loudness::Loudness;
use super::playout::Playout;
use crate::inbound::Inbound;
use crate::timebase::Timebase;

/// A track that is heard.
pub(super) struct Track {
    pub inbound: Inbound,
    playout: Arc<Mutex<Playout>>,
    loudness: Loudness,
    broken: Arc<AtomicBool>,
    begun: Instant,
    pipeline: gst::Pipeline,
    link: Option<ConsumptionLink>,
}

impl Track {
    /// Begins decoding.
    pub fn new(inbound: Inbound, timebase: &Timebase) -> Result<Self, SoundError> {
        let playout = Arc::new(Mutex::new(Playout::default()));
        let source = gst_app::AppSrc::builder().format(gst::Format::Time).is_live(true).build();
        StreamProducer::configure_consumer(&source);
        let decoder = gst::ElementFactory::make("opusdec").build().map_err(|_| SoundError::Element("opusdec"))?;
        decoder.set_property("plc", true);
        decoder.set_property("use-inband-fec", true);
        // One packet that cannot be decoded is a gap, not the end.
        decoder.set_property("max-errors", -1);
        let convert =
            gst::ElementFactory::make("audioconvert").build().map_err(|_| SoundError::Element("audioconvert"))?;
        let waiting = playout.clone();
        let sink = gst_app::AppSink::builder()
            .caps(
                &gst::Caps::builder("audio/x-raw")
                    .field("format", "S16LE")
                    .field("layout", "interleaved")
                    .field("rate", 48_000)
                    .field("channels", 1)
                    .build(),
            )
            .sync(false)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        if let Some(map) = sample.buffer().and_then(|buffer| buffer.map_readable().ok()) {
                            waiting.lock().unwrap_or_else(PoisonError::into_inner).push(samples(&map));
                        }
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            )
            .build();
        let pipeline = gst::Pipeline::with_name("heard");
        timebase.rule(&pipeline);
        let chain = [source.upcast_ref(), &decoder, &convert, sink.upcast_ref()];
        pipeline.add_many(chain).map_err(|_| SoundError::Pipeline("heard"))?;
        gst::Element::link_many(chain).map_err(|_| SoundError::Pipeline("heard"))?;
        let broken = Arc::new(AtomicBool::new(false));
        if let Some(bus) = pipeline.bus() {
            let broken = broken.clone();
            bus.set_sync_handler(move |_, message| {
                if message.type_() == gst::MessageType::Error {
                    broken.store(true, Ordering::SeqCst);
                }
                gst::BusSyncReply::Drop
            });
        }
        pipeline.set_state(gst::State::Playing).map_err(|_| SoundError::Pipeline("heard"))?;
        let link = inbound.producer.add_consumer(&source).map_err(|_| SoundError::Pipeline("heard"))?;
        Ok(Track {
            inbound,
            playout,
            loudness: Loudness::default(),
            broken,
            begun: Instant::now(),
            pipeline,
            link: Some(link),
        })
    }

    /// Which one it is.
    pub fn id(&self) -> &TrackId {
        &self.inbound.track
    }

    /// Whether it has to be made again. Once a second is often enough to find out that it breaks again.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst) && self.begun.elapsed() > Duration::from_secs(1)
    }

    /// The next 10 ms and, now and then, how loud it is.
    pub fn pull(&mut self) -> (Frame, Option<u8>) {
        let frame = self.playout.lock().unwrap_or_else(PoisonError::into_inner).pull();
        let level = self.loudness.hear(&frame);
        (frame, level)
    }
}

impl Drop for Track {
    fn drop(&mut self) {
        self.link.take();
        // Not here: whoever drops a track must not wait for a decoder.
        self.pipeline.call_async(|pipeline| {
            let _ended = pipeline.set_state(gst::State::Null);
        });
    }
}
