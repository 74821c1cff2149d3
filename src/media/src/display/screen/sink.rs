//! Screens that GStreamer has a sink for: the display controller, and a window of an X server.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use subrosa_process::run_dir::RunDir;

use super::super::DisplayError;
use super::{Screen, ScreenError};

struct SinkScreen {
    name: &'static str,
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
}

/// The whole display, without a window system. The sink scales by the display controller where the screen is not of the
/// configured size.
pub(super) fn open_kms(_run: &RunDir, info: &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError> {
    let sink = make("kmssink")?;
    // Without a window system nobody else has set a mode.
    sink.set_property("force-modesetting", true);
    open("kmssink", sink, info)
}

/// A window; the X server is the one of the environment (`DISPLAY`). When that server ends, Xlib ends this process,
/// which is started again.
pub(super) fn open_x11(_run: &RunDir, info: &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError> {
    let sink = make("ximagesink")?;
    // Its thread for events looks twenty times a second whether the mouse has moved.
    sink.set_property("handle-events", false);
    open("ximagesink", sink, info)
}

#[cfg(test)]
pub(in super::super) fn open_window(
    display: &str,
    info: &gst_video::VideoInfo,
) -> Result<Box<dyn Screen>, ScreenError> {
    let sink = make("ximagesink")?;
    sink.set_property("handle-events", false);
    sink.set_property("display", display);
    open("ximagesink", sink, info)
}

fn make(name: &'static str) -> Result<gst::Element, DisplayError> {
    gst::ElementFactory::make(name).build().map_err(|_| DisplayError::Element(name))
}

fn open(name: &'static str, sink: gst::Element, info: &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError> {
    sink.set_property("sync", false);
    sink.set_property("qos", false);
    let caps = info.to_caps().map_err(|_| DisplayError::Pipeline)?;
    // One picture waits at most; an older one that nobody has seen yet is dropped for it.
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .is_live(true)
        .max_buffers(1)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build();
    // Passes through what the sink takes as it is.
    let convert = make("videoconvert")?;
    let pipeline = gst::Pipeline::with_name("screen");
    let chain = [source.upcast_ref(), &convert, &sink];
    pipeline.add_many(chain).map_err(|_| DisplayError::Pipeline)?;
    gst::Element::link_many(chain).map_err(|_| DisplayError::Pipeline)?;
    let screen = SinkScreen { name, pipeline, source };
    screen.pipeline.set_state(gst::State::Playing).map_err(|_| ScreenError::Open(name))?;
    Ok(Box::new(screen))
}

impl Screen for SinkScreen {
    fn show(&mut self, picture: gst::Buffer) -> Result<(), ScreenError> {
        self.attend()?;
        self.source.push_buffer(picture).map_err(|_| ScreenError::Failed(self.name))?;
        Ok(())
    }

    fn attend(&mut self) -> Result<(), ScreenError> {
        let error = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        if error.is_some() { Err(ScreenError::Failed(self.name)) } else { Ok(()) }
    }
}

impl Drop for SinkScreen {
    fn drop(&mut self) {
        let _ended = self.pipeline.set_state(gst::State::Null);
    }
}
