//! From what a camera delivers to frames of the room's picture: the tail of every camera's pipeline.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use subrosa_messages::media::Size;

use super::{Bench, CameraError, range, size};

/// What holds the size of the frames.
const FILTER: &str = "size";

/// Puts the tail behind `last` and links it: decode JPEG where it is, convert, scale, hide what stands behind people, hand
/// over.
pub fn finish(pipeline: &gst::Pipeline, last: &gst::Element, jpeg: bool, bench: &Bench) -> Result<(), CameraError> {
    let make = |name: &str| gst::ElementFactory::make(name).build().map_err(|_| CameraError::Plugins);
    let mut chain = vec![last.clone()];
    if jpeg {
        chain.push(make("jpegdec")?);
    }
    let convert = make("videoconvertscale")?;
    let filter = gst::ElementFactory::make("capsfilter").name(FILTER).build().map_err(|_| CameraError::Plugins)?;
    let caps = bench.picture.info().to_caps().map_err(|_| CameraError::Format)?;
    let mut wanted = caps;
    if let Some(structure) = wanted.get_mut().and_then(|caps| caps.structure_mut(0)) {
        // The camera's own rate; encoders are told the picture's.
        structure.remove_field("framerate");
        if jpeg {
            // Decoded frames are limited below, which is cheaper than the converter.
            structure.set("colorimetry", range::JPEG);
            // Where colours lie in JPEG, a quarter of a pixel from where video has them: for that alone the converter would
            // copy each frame.
            structure.remove_field("chroma-site");
        }
    }
    filter.set_property("caps", &wanted);
    let picture = bench.picture.clone();
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
                let info = sample.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
                let (Some(mut buffer), Some(info)) = (sample.buffer_owned(), info) else {
                    return Ok(gst::FlowSuccess::Ok);
                };
                drop(sample);
                let running_time = segment.and_then(|segment| segment.to_running_time(buffer.pts()));
                let frame = buffer.make_mut();
                frame.set_pts(running_time);
                frame.set_dts(gst::ClockTime::NONE);
                picture.camera_frame(buffer, Size { width: info.width(), height: info.height() });
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    let blur = bench.blur.element().map_err(|_| CameraError::Plugins)?;
    if jpeg && let Some(pad) = sink.static_pad("sink") {
        // In front of the sink: the sink itself holds each frame while it hands it over, and one that is held is copied
        // before it is changed.
        let _stays = pad.add_probe(gst::PadProbeType::BUFFER, |pad, probe| {
            let info = pad.current_caps().and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
            if let (Some(info), Some(buffer)) = (info, probe.buffer_mut()) {
                *buffer = limited(std::mem::take(buffer), &info);
            }
            gst::PadProbeReturn::Ok
        });
    }
    chain.extend([convert, filter, blur, sink.upcast()]);
    let added: Vec<_> = chain.iter().skip(1).collect();
    pipeline.add_many(added).map_err(|_| CameraError::Plugins)?;
    gst::Element::link_many(&chain).map_err(|_| CameraError::Format)
}

/// A decoded JPEG frame in the range of the picture.
fn limited(mut buffer: gst::Buffer, info: &gst_video::VideoInfo) -> gst::Buffer {
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
    let weak = pipeline.downgrade();
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
        if let Some(share) = blur.wishes(message)
            && let Some(filter) = weak.upgrade().and_then(|pipeline| pipeline.by_name(FILTER))
        {
            resize(&filter, scaled(size(&picture), share));
        }
        gst::BusSyncReply::Drop
    });
}

/// Frames are scaled to this size in front of the blur from the next one on; what is behind it follows ([`crate::encode`]).
fn resize(filter: &gst::Element, size: Size) {
    let mut caps = filter.property::<gst::Caps>("caps");
    if let Some(structure) = caps.make_mut().structure_mut(0) {
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        structure.set("width", side(size.width));
        structure.set("height", side(size.height));
    }
    filter.set_property("caps", &caps);
}

/// A share of a size, in even numbers.
fn scaled(size: Size, share: gst::Fraction) -> Size {
    let part = |side: u32| {
        let numerator = u32::try_from(share.numer()).unwrap_or(1);
        let denominator = u32::try_from(share.denom()).unwrap_or(1).max(1);
        ((side.saturating_mul(numerator) / denominator) & !1).clamp(2, side)
    };
    Size { width: part(size.width), height: part(size.height) }
}

/// Starts a pipeline that ends in [`finish`].
pub fn play(pipeline: &gst::Pipeline) -> Result<(), CameraError> {
    pipeline.set_state(gst::State::Playing).map(drop).map_err(|_| CameraError::Failed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::camera::Modes;
    use crate::cut::Cut;
    use crate::picture::Picture;
    use crate::timebase::Timebase;

    /// An element does nothing where caps are the same on both sides.
    #[test]
    fn a_decoded_frame_of_the_picture_s_size_passes_the_converter_without_a_copy() {
        crate::plugins::start().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let picture = Picture::new(Size { width: 320, height: 180 }, 30, &timebase, &cut).unwrap();
        let (blur, modes) = (crate::blur::tests::off(), Modes::default());
        let bench = Bench { picture, timebase, blur, failed: Arc::new(|_| {}), modes };
        let line = "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=320,height=180 ! jpegenc";
        let source = gst::parse::bin_from_description(line, true).unwrap();
        let pipeline = gst::Pipeline::new();
        pipeline.add(&source).unwrap();
        finish(&pipeline, source.upcast_ref(), true, &bench).unwrap();
        play(&pipeline).unwrap();
        let is_converter =
            |element: &gst::Element| element.factory().is_some_and(|factory| factory.name() == "videoconvertscale");
        let converter = pipeline.iterate_elements().into_iter().flatten().find(is_converter).unwrap();
        let caps = |pad: &str| converter.static_pad(pad).unwrap().current_caps();
        let started = Instant::now();
        while caps("src").is_none() {
            assert!(started.elapsed() < Duration::from_secs(10), "no frame came");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(caps("sink"), caps("src"));
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn shares_of_a_size_are_even_and_never_larger() {
        let hd = Size { width: 1280, height: 720 };
        let size = |width, height| Size { width, height };
        for (share, wanted) in [((1, 1), hd), ((2, 3), size(852, 480)), ((1, 2), size(640, 360)), ((3, 2), hd)] {
            assert_eq!(scaled(hd, gst::Fraction::new(share.0, share.1)), wanted);
        }
    }
}
