//! Cameras behind a media controller, such as sensors at CSI: several nodes that libcamera sets up together, through
//! `libcamerasrc`.
//!
//! All nodes of the permit are open at READY: libcamera opens what it finds when its manager starts. Other cameras stay out of
//! it, since their nodes are closed by their mode.

use gstreamer as gst;
use subrosa_messages::media::Size;

use super::source::{self, Choice};
use super::{Bench, CameraError, Device};
use crate::permit::Permit;

/// Opens the nodes of the permit.
pub fn open(permit: &Permit, bench: &Bench) -> Result<Box<dyn Device>, CameraError> {
    if permit.nodes().iter().any(|node| !node.exists()) {
        return Err(CameraError::Missing);
    }
    let element = gst::ElementFactory::make("libcamerasrc").build().map_err(|_| CameraError::Plugins)?;
    source::open(element, |_, size, rate| Some(choose(size, rate)), bench)
}

/// How much smaller a picture may be than it was asked for: what makes it has steps.
const STEP: i32 = 16;

/// What is asked for: size and rate of the picture. libcamera tells what a camera can do only once it was asked, and then
/// takes what is nearest: a size a step below, or another rate, passes and is scaled behind. Without any size it would take its
/// own, which may have rows of a length that GStreamer does not expect.
///
/// Never I420, which is what the room's picture is in: these cameras have four buffers, and come to a stop while an encoder
/// holds them (<https://github.com/raspberrypi/libcamera/issues/143>). What is converted is copied.
fn choose(size: Size, rate: gst::Fraction) -> Choice {
    let sides = |side: u32| {
        let side = i32::try_from(side).unwrap_or(i32::MAX);
        gst::IntRange::new(side.saturating_sub(STEP).max(2), side.max(3))
    };
    let raw = |formats: &[&str]| {
        gst::Structure::builder("video/x-raw")
            .field("format", gst::List::new(formats.iter().copied()))
            .field("width", sides(size.width))
            .field("height", sides(size.height))
    };
    let mut caps = gst::Caps::builder_full();
    for formats in [&["NV12"][..], &["YUY2", "UYVY", "BGR", "RGB", "BGRx", "RGBx"]] {
        caps = caps.structure(raw(formats).field("framerate", rate).build()).structure(raw(formats).build());
    }
    Choice { caps: caps.build(), jpeg: false }
}
