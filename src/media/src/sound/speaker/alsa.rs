//! An ALSA playback device.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::super::frame::{Frame, to_bytes};
use super::{Speaker, SpeakerError};

/// A device that wants nothing for this long has failed, whatever it says.
const STALLED: Duration = Duration::from_millis(500);

struct AlsaSpeaker {
    device: String,
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    hungry: Arc<(Mutex<bool>, Condvar)>,
}

fn element(name: &'static str) -> Result<gst::Element, SpeakerError> {
    gst::ElementFactory::make(name).build().map_err(|_| SpeakerError::Element(name))
}

pub(super) fn open(device: &str) -> Result<Box<dyn Speaker>, SpeakerError> {
    let hungry = Arc::new((Mutex::new(true), Condvar::new()));
    let wants = hungry.clone();
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
        .callbacks(
            gst_app::AppSrcCallbacks::builder()
                .need_data(move |_, _| {
                    let (hungry, changed) = &*wants;
                    *hungry.lock().unwrap_or_else(PoisonError::into_inner) = true;
                    changed.notify_all();
                })
                .build(),
        )
        .build();
    let (convert, resample, sink) = (element("audioconvert")?, element("audioresample")?, element("alsasink")?);
    sink.set_property("device", device);
    // As soon as there is room in its buffer of 40 ms; the pace is the device's.
    sink.set_property("sync", false);
    sink.set_property("provide-clock", false);
    sink.set_property("latency-time", 10_000_i64);
    sink.set_property("buffer-time", 40_000_i64);
    let pipeline = gst::Pipeline::with_name("speaker");
    let chain = [source.upcast_ref(), &convert, &resample, &sink];
    let failed = |_| SpeakerError::Failed(device.to_owned());
    pipeline.add_many(chain).map_err(failed)?;
    gst::Element::link_many(chain).map_err(failed)?;
    let speaker = AlsaSpeaker { device: device.to_owned(), pipeline, source, hungry };
    speaker.pipeline.set_state(gst::State::Playing).map_err(|_| SpeakerError::Open(device.to_owned()))?;
    Ok(Box::new(speaker))
}

impl Speaker for AlsaSpeaker {
    fn play(&mut self, frame: &Frame) -> Result<(), SpeakerError> {
        let failed = || SpeakerError::Failed(self.device.clone());
        let (hungry, changed) = &*self.hungry;
        *hungry.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.source.push_buffer(gst::Buffer::from_mut_slice(to_bytes(frame))).map_err(|_| failed())?;
        let (wants, _) = changed
            .wait_timeout_while(hungry.lock().unwrap_or_else(PoisonError::into_inner), STALLED, |hungry| !*hungry)
            .unwrap_or_else(PoisonError::into_inner);
        let stalled = !*wants;
        let error = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        if stalled || error.is_some() { Err(failed()) } else { Ok(()) }
    }
}

impl Drop for AlsaSpeaker {
    fn drop(&mut self) {
        let _ended = self.pipeline.set_state(gst::State::Null);
    }
}
