//! A test pattern, while the nodes are held open: for a board without a camera.

use std::fs::File;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::{Bench, CameraError, Device, decode, sim};
use crate::permit::Permit;

/// Opens all nodes and shows a pattern.
pub fn open(permit: &Permit, bench: &Bench) -> Result<Box<dyn Device>, CameraError> {
    let nodes = permit.nodes().iter().map(|node| sim::open_node(node)).collect::<Result<Vec<_>, _>>()?;
    Ok(Box::new(Pattern::new(nodes, bench)?))
}

/// A moving pattern.
pub struct Pattern {
    pipeline: gst::Pipeline,
    _nodes: Vec<File>,
}

impl Pattern {
    /// A pattern for as long as these files are open.
    pub fn new(nodes: Vec<File>, bench: &Bench) -> Result<Self, CameraError> {
        let pipeline = gst::Pipeline::new();
        bench.timebase.rule(&pipeline);
        let source = gst::ElementFactory::make("videotestsrc").build().map_err(|_| CameraError::Plugins)?;
        source.set_property("is-live", true);
        source.set_property_from_str("pattern", "smpte");
        source.set_property("horizontal-speed", 4_i32);
        let filter = gst::ElementFactory::make("capsfilter").build().map_err(|_| CameraError::Plugins)?;
        let info = bench.picture.info();
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", i32::try_from(info.width()).unwrap_or(i32::MAX))
            .field("height", i32::try_from(info.height()).unwrap_or(i32::MAX))
            .field("framerate", info.fps())
            .build();
        filter.set_property("caps", &caps);
        pipeline.add_many([&source, &filter]).map_err(|_| CameraError::Plugins)?;
        source.link(&filter).map_err(|_| CameraError::Plugins)?;
        decode::finish(&pipeline, &filter, false, bench)?;
        decode::report_errors(&pipeline, bench);
        Ok(Pattern { pipeline, _nodes: nodes })
    }
}

impl Device for Pattern {
    fn start(&mut self) -> Result<(), CameraError> {
        decode::play(&self.pipeline)
    }
}

impl Drop for Pattern {
    fn drop(&mut self) {
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}
