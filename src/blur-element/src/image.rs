//! The operator's picture from a file, by whatever GStreamer can decode.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

use crate::settings::Rgba;

/// A file that takes longer is none that can be used.
const LONGEST: Duration = Duration::from_secs(5);

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// GStreamer lacks an element.
    #[error("a background picture needs the GStreamer plug-ins for playback and videoconvert")]
    Plugins(#[from] gst::glib::BoolError),
    /// The file is missing or no picture.
    #[error("the background picture cannot be read: name a PNG or JPEG file that the process may open")]
    Unreadable,
}

/// Reads a picture. Blocks until it is there.
pub fn read(path: &str) -> Result<Rgba, ImageError> {
    let pipeline = gst::Pipeline::new();
    let source = gst::ElementFactory::make("filesrc").property("location", path).build()?;
    let decode = gst::ElementFactory::make("decodebin").build()?;
    let convert = gst::ElementFactory::make("videoconvert").build()?;
    let caps = gst_video::VideoCapsBuilder::new().format(gst_video::VideoFormat::Rgba).build();
    let sink = gst_app::AppSink::builder().caps(&caps).build();
    pipeline.add_many([&source, &decode, &convert, sink.upcast_ref()])?;
    source.link(&decode)?;
    convert.link(&sink)?;
    let into = convert.downgrade();
    decode.connect_pad_added(move |_, pad| {
        if let Some(convert) = into.upgrade()
            && let Some(sink) = convert.static_pad("sink")
        {
            // What is no video does not fit, and is left out.
            let _fits = pad.link(&sink);
        }
    });
    let _preroll = pipeline.set_state(gst::State::Paused);
    let (start, bus) = (Instant::now(), pipeline.bus());
    let failed = || bus.as_ref().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error])).is_some();
    let mut sample = None;
    while sample.is_none() && start.elapsed() < LONGEST && !failed() {
        sample = sink.try_pull_preroll(gst::ClockTime::from_mseconds(50));
    }
    let _stopped = pipeline.set_state(gst::State::Null);
    let sample = sample.ok_or(ImageError::Unreadable)?;
    let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else { return Err(ImageError::Unreadable) };
    let info = gst_video::VideoInfo::from_caps(caps).map_err(|_| ImageError::Unreadable)?;
    let frame =
        gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).map_err(|_| ImageError::Unreadable)?;
    let stride = frame.plane_stride().first().and_then(|stride| usize::try_from(*stride).ok());
    let (width, height) = (frame.width() as usize, frame.height() as usize);
    let (Some(stride), Ok(data)) = (stride, frame.plane_data(0)) else { return Err(ImageError::Unreadable) };
    let rows = data.chunks(stride.max(1)).take(height).filter_map(|row| row.get(..4 * width));
    Ok(Rgba { size: (width, height), pixels: rows.flatten().copied().collect() })
}
