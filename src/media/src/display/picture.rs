//! One shown track from its frames to the newest decoded picture.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::{ConsumptionLink, StreamProducer};
use gstreamer_video as gst_video;
use subrosa_messages::media::{Codec, Rectangle};

use super::DisplayError;
use super::canvas::Scaler;
use super::wake::Wake;
use crate::inbound::Inbound;
use crate::timebase::Timebase;

/// A picture of which nothing has come for this long has stopped.
const STOPPED: Duration = Duration::from_secs(2);
/// A decoder that broke is made again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// The newest frame and when it was decoded.
type Newest = Arc<Mutex<Option<(gst::Sample, Instant)>>>;

/// A track that is shown.
pub(super) struct Picture {
    pub inbound: Inbound,
    pub place: Rectangle,
    pub scaler: Scaler,
    /// What is on the screen; `None`: its place is empty.
    pub current: Option<gst::Sample>,
    newest: Newest,
    last: Instant,
    moving: bool,
    broken: Arc<AtomicBool>,
    begun: Instant,
    pipeline: gst::Pipeline,
    link: Option<ConsumptionLink>,
}

/// What [`Picture::look`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// The screen is to be painted again.
    pub changed: bool,
    /// It began or stopped to move.
    pub moving: Option<bool>,
}

/// The decoders of a codec, in the order in which they are tried, and what stands in front of them.
fn decoder(codec: Codec) -> Result<Vec<gst::Element>, DisplayError> {
    let make = |name: &'static str| gst::ElementFactory::make(name).build().map_err(|_| DisplayError::Element(name));
    let mut chain = Vec::new();
    let decoder = match codec {
        Codec::Vp8 => {
            let decoder = make("vp8dec")?;
            decoder.set_property("threads", 1_u32);
            decoder
        }
        Codec::H264 => {
            chain.push(make("h264parse")?);
            match make("avdec_h264") {
                Ok(decoder) => {
                    decoder.set_property("max-threads", 1_i32);
                    decoder.set_property("output-corrupt", false);
                    decoder
                }
                Err(_) => make("openh264dec")?,
            }
        }
        Codec::Opus => return Err(DisplayError::NotAPicture),
    };
    // A frame that could not be decoded is not shown, and a key frame is asked for.
    decoder.set_property("discard-corrupted-frames", true);
    decoder.set_property("automatic-request-sync-points", true);
    decoder.set_property("min-force-key-unit-interval", 300_000_000_u64);
    decoder.set_property("max-errors", -1_i32);
    decoder.set_property("qos", false);
    chain.push(decoder);
    Ok(chain)
}

impl Picture {
    /// Begins decoding and asks for a key frame.
    pub fn new(inbound: Inbound, place: Rectangle, wake: &Wake, timebase: &Timebase) -> Result<Self, DisplayError> {
        let newest: Newest = Arc::default();
        let source = gst_app::AppSrc::builder().format(gst::Format::Time).is_live(true).build();
        StreamProducer::configure_consumer(&source);
        let (into, wakes) = (newest.clone(), wake.clone());
        let sink = gst_app::AppSink::builder()
            .caps(&gst::Caps::builder("video/x-raw").field("format", "I420").build())
            .sync(false)
            .max_buffers(1)
            .drop(true)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                        *into.lock().unwrap_or_else(PoisonError::into_inner) = Some((sample, Instant::now()));
                        wakes.wake();
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            )
            .build();
        let pipeline = gst::Pipeline::with_name("shown");
        timebase.rule(&pipeline);
        let mut chain: Vec<gst::Element> = vec![source.clone().upcast()];
        chain.extend(decoder(inbound.codec)?);
        chain.push(sink.upcast());
        pipeline.add_many(&chain).map_err(|_| DisplayError::Pipeline)?;
        gst::Element::link_many(&chain).map_err(|_| DisplayError::Pipeline)?;
        let broken = Arc::new(AtomicBool::new(false));
        if let Some(bus) = pipeline.bus() {
            let (broken, wakes) = (broken.clone(), wake.clone());
            bus.set_sync_handler(move |_, message| {
                if message.type_() == gst::MessageType::Error {
                    broken.store(true, Ordering::SeqCst);
                    wakes.wake();
                }
                gst::BusSyncReply::Drop
            });
        }
        pipeline.set_state(gst::State::Playing).map_err(|_| DisplayError::Pipeline)?;
        let link = inbound.producer.add_consumer(&source).map_err(|_| DisplayError::Pipeline)?;
        ask_for_key_frame(&chain);
        let now = Instant::now();
        Ok(Picture {
            inbound,
            place,
            scaler: Scaler::default(),
            current: None,
            newest,
            last: now,
            moving: false,
            broken,
            begun: now,
            pipeline,
            link: Some(link),
        })
    }

    /// Takes the newest frame, if there is one, and notices when there has been none for too long.
    pub fn look(&mut self, now: Instant) -> Look {
        let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((sample, at)) = newest {
            self.current = Some(sample);
            self.last = at;
            let moving = (!std::mem::replace(&mut self.moving, true)).then_some(true);
            return Look { changed: true, moving };
        }
        if self.moving && now.saturating_duration_since(self.last) >= STOPPED {
            self.moving = false;
            self.current = None;
            return Look { changed: true, moving: Some(false) };
        }
        Look::default()
    }

    /// When to look again if nothing comes.
    pub fn deadline(&self) -> Option<Instant> {
        let stopped = self.moving.then(|| self.last + STOPPED);
        let broken = self.broken.load(Ordering::SeqCst).then(|| self.begun + AGAIN);
        [stopped, broken].into_iter().flatten().min()
    }

    /// Whether its decoder has to be made again now.
    pub fn is_broken(&self, now: Instant) -> bool {
        self.broken.load(Ordering::SeqCst) && now >= self.begun + AGAIN
    }

    /// Goes on with the decoder of `again`; what was known of the picture stays.
    pub fn replace_decoder(&mut self, again: Picture) {
        let (current, last, moving) = (self.current.take(), self.last, self.moving);
        *self = again;
        (self.current, self.last, self.moving) = (current, last, moving);
    }

    /// Whether this is that picture, wherever it is shown.
    pub fn shows(&self, inbound: &Inbound) -> bool {
        self.inbound.track == inbound.track && self.inbound.producer == inbound.producer
    }

    /// Whether it was moving when last looked at.
    pub fn is_moving(&self) -> bool {
        self.moving
    }
}

/// The decoder needs one to begin with; the producer passes the wish on to the sender.
fn ask_for_key_frame(chain: &[gst::Element]) {
    let pad = chain.get(1).and_then(|after_source| after_source.static_pad("sink"));
    if let Some(pad) = pad {
        let _nobody_there_yet =
            pad.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        self.link.take();
        // Not here: the screen must not wait for a decoder.
        self.pipeline.call_async(|pipeline| {
            let _ended = pipeline.set_state(gst::State::Null);
        });
    }
}
