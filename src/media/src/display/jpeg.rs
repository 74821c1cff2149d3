//! The screen's content as a JPEG, for screens that are sockets.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::DisplayError;

/// Of 100; text stays free of fringes.
const QUALITY: i32 = 82;

/// Encodes one picture at a time.
#[derive(Debug)]
pub struct Jpeg {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
}

impl Jpeg {
    /// For pictures of this format.
    ///
    /// # Errors
    /// When GStreamer lacks the encoder.
    pub fn new(info: &gst_video::VideoInfo) -> Result<Self, DisplayError> {
        let caps = info.to_caps().map_err(|_| DisplayError::Pipeline)?;
        let source = gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).build();
        let encoder = gst::ElementFactory::make("jpegenc")
            .property("quality", QUALITY)
            .build()
            .map_err(|_| DisplayError::Element("jpegenc"))?;
        let sink = gst_app::AppSink::builder().sync(false).build();
        let pipeline = gst::Pipeline::with_name("jpeg");
        let chain = [source.upcast_ref(), &encoder, sink.upcast_ref()];
        pipeline.add_many(chain).map_err(|_| DisplayError::Pipeline)?;
        gst::Element::link_many(chain).map_err(|_| DisplayError::Pipeline)?;
        let jpeg = Jpeg { pipeline, source, sink };
        jpeg.pipeline.set_state(gst::State::Playing).map_err(|_| DisplayError::Pipeline)?;
        Ok(jpeg)
    }

    /// The JPEG (ITU-T T.81, JFIF) of one picture.
    ///
    /// # Errors
    /// When the encoder failed; it is of no more use then.
    pub fn encode(&self, picture: gst::Buffer) -> Result<gst::Buffer, DisplayError> {
        self.source.push_buffer(picture).map_err(|_| DisplayError::Pipeline)?;
        let sample = self.sink.try_pull_sample(gst::ClockTime::from_seconds(2)).ok_or(DisplayError::Pipeline)?;
        sample.buffer_owned().ok_or(DisplayError::Pipeline)
    }
}

impl Drop for Jpeg {
    fn drop(&mut self) {
        let _ended = self.pipeline.set_state(gst::State::Null);
    }
}
