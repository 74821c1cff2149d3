//! From what a camera delivers to frames of the room's picture: the tail of every camera's pipeline.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{Bench, CameraError, range};

/// Puts the tail behind `last` and links it: decode JPEG where it is, convert, scale, hide what stands behind people, hand
/// over.
pub fn finish(pipeline: &gst::Pipeline, last: &gst::Element, jpeg: bool, bench: &Bench) -> Result<(), CameraError> {
    let make = |name: &str| gst::ElementFactory::make(name).build().map_err(|_| CameraError::Plugins);
    let mut chain = vec![last.clone()];
    if jpeg {
        chain.push(make("jpegdec")?);
    }
    let convert = make("videoconvertscale")?;
    let filter = make("capsfilter")?;
    let caps = bench.picture.info().to_caps().map_err(|_| CameraError::Format)?;
    let mut wanted = caps;
    if let Some(structure) = wanted.get_mut().and_then(|caps| caps.structure_mut(0)) {
        // The camera's own rate; encoders are told the picture's.
        structure.remove_field("framerate");
        if jpeg {
            // Decoded frames are limited below, which is cheaper than the converter.
            structure.set("colorimetry", range::JPEG);
        }
    }
    filter.set_property("caps", &wanted);
    let picture = bench.picture.clone();
    let info = bench.picture.info().clone();
    // A last sample would be a second reference, and every frame would be copied before it is changed.
    let sink = gst_app::AppSink::builder()
        .name("frames")
        .sync(false)
        .max_buffers(2)
        .drop(true)
        .enable_last_sample(false)
        .build();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let segment = sample.segment().and_then(|segment| segment.downcast_ref::<gst::ClockTime>().cloned());
                let Some(mut buffer) = sample.buffer_owned() else { return Ok(gst::FlowSuccess::Ok) };
                drop(sample);
                if jpeg {
                    buffer = limited(buffer, &info);
                }
                let running_time = segment.and_then(|segment| segment.to_running_time(buffer.pts()));
                let frame = buffer.make_mut();
                frame.set_pts(running_time);
                frame.set_dts(gst::ClockTime::NONE);
                picture.camera_frame(buffer);
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    let blur = bench.blur.element().map_err(|_| CameraError::Plugins)?;
    chain.extend([convert, filter, blur, sink.upcast()]);
    let added: Vec<_> = chain.iter().skip(1).collect();
    pipeline.add_many(added).map_err(|_| CameraError::Plugins)?;
    gst::Element::link_many(&chain).map_err(|_| CameraError::Format)
}

/// A decoded JPEG frame in the range of the picture.
fn limited(mut buffer: gst::Buffer, info: &gst_video::VideoInfo) -> gst::Buffer {
    // Some are shared, for example the first, which the sink keeps as its preroll.
    let _own = buffer.make_mut();
    match gst_video::VideoFrame::from_buffer_writable(buffer, info) {
        Ok(mut frame) => {
            range::limit(&mut frame);
            frame.into_buffer()
        }
        // Wrong colours are better than no picture.
        Err(buffer) => buffer,
    }
}

/// Errors of a camera's pipeline become its failure; and where nothing can be hidden, the card comes at once.
pub fn report_errors(pipeline: &gst::Pipeline, bench: &Bench) {
    let (failed, blur, picture) = (bench.failed.clone(), bench.blur.clone(), bench.picture.clone());
    let Some(bus) = pipeline.bus() else { return };
    bus.set_sync_handler(move |_bus, message| {
        if let gst::MessageView::Error(error) = message.view() {
            let missing =
                error.error().matches(gst::ResourceError::NotFound) || error.error().matches(gst::ResourceError::Read);
            failed(if missing { CameraError::Missing } else { CameraError::Failed });
        }
        // On the camera's own thread, before it looks at its next frame.
        if blur.heard(message) {
            picture.cover();
        }
        gst::BusSyncReply::Drop
    });
}

/// Starts a pipeline that ends in [`finish`].
pub fn play(pipeline: &gst::Pipeline) -> Result<(), CameraError> {
    pipeline.set_state(gst::State::Playing).map(drop).map_err(|_| CameraError::Failed)
}
