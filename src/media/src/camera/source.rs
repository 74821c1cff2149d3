//! Cameras that are one element of GStreamer: it opens its nodes at READY and keeps them until NULL, so that the permit is
//! used by exactly one opening.

use std::sync::PoisonError;

use gstreamer as gst;
use gstreamer::prelude::*;
use subrosa_messages::doctor::CameraModes;
use subrosa_messages::media::Size;

use super::{Bench, CameraError, Device, decode, size};

/// What a camera is asked for.
pub struct Choice {
    /// The frames.
    pub caps: gst::Caps,
    /// They are JPEG pictures.
    pub jpeg: bool,
}

/// Chooses from what the camera offers; wanted are this size and rate.
pub type Choose = fn(&gst::Caps, Size, gst::Fraction) -> Option<Choice>;

/// Opens the nodes of an element.
pub fn open(source: gst::Element, choose: Choose, bench: &Bench) -> Result<Box<dyn Device>, CameraError> {
    let pipeline = gst::Pipeline::new();
    bench.timebase.rule(&pipeline);
    pipeline.add(&source).map_err(|_| CameraError::Plugins)?;
    decode::report_errors(&pipeline, bench);
    // A drop from here on closes what is open.
    let camera = Camera { pipeline, source, choose, bench: bench.clone() };
    camera.source.set_state(gst::State::Ready).map_err(|_| CameraError::Open)?;
    Ok(Box::new(camera))
}

struct Camera {
    pipeline: gst::Pipeline,
    source: gst::Element,
    choose: Choose,
    bench: Bench,
}

impl Device for Camera {
    fn start(&mut self) -> Result<(), CameraError> {
        let pad = self.source.static_pad("src").ok_or(CameraError::Plugins)?;
        let rate = self.bench.picture.info().fps();
        let (offered, wanted) = (pad.query_caps(None), size(&self.bench.picture));
        let choice = (self.choose)(&offered, wanted, rate).ok_or(CameraError::Format)?;
        let modes = CameraModes {
            wanted,
            wanted_rate: u32::try_from(rate.numer()).unwrap_or_default(),
            chosen: choice.caps.to_string(),
            offered: offered.iter().map(ToString::to_string).collect(),
        };
        *self.bench.modes.lock().unwrap_or_else(PoisonError::into_inner) = Some(modes);
        let filter = gst::ElementFactory::make("capsfilter").build().map_err(|_| CameraError::Plugins)?;
        filter.set_property("caps", &choice.caps);
        self.pipeline.add(&filter).map_err(|_| CameraError::Plugins)?;
        self.source.link(&filter).map_err(|_| CameraError::Format)?;
        decode::finish(&self.pipeline, &filter, choice.jpeg, &self.bench)?;
        decode::play(&self.pipeline)
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _closed = self.pipeline.set_state(gst::State::Null);
    }
}
