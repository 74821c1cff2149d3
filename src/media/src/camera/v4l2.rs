//! V4L2 cameras: raw pictures or MJPEG through `v4l2src`.

use gstreamer as gst;
use gstreamer::prelude::*;
use subrosa_messages::media::Size;

use super::source::{self, Choice};
use super::{Bench, CameraError, Device};
use crate::permit::Permit;

/// Opens the node of the permit.
pub fn open(permit: &Permit, bench: &Bench) -> Result<Box<dyn Device>, CameraError> {
    let node = permit.node();
    if !node.exists() {
        return Err(CameraError::Missing);
    }
    let element = gst::ElementFactory::make("v4l2src").build().map_err(|_| CameraError::Plugins)?;
    element.set_property("device", node.to_str().ok_or(CameraError::Open)?);
    source::open(element, choose, bench)
}

/// What a camera is asked for: the picture's size at its rate, raw before MJPEG (which costs a decoder); else the
/// size nearest to it that comes at the rate; else whatever there is.
fn choose(offered: &gst::Caps, size: Size, rate: gst::Fraction) -> Option<Choice> {
    let mut best: Option<(Cost, Choice)> = None;
    for structure in offered.iter() {
        let jpeg = match structure.name().as_str() {
            "video/x-raw" => false,
            "image/jpeg" => true,
            _ => continue,
        };
        let mut caps = gst::Caps::builder_full().structure(structure.to_owned()).build();
        caps.fixate_near(size, rate);
        let Some(fixed) = caps.structure(0) else { continue };
        let side = |name| fixed.get::<i32>(name).unwrap_or_default();
        let got = fixed.get::<gst::Fraction>("framerate").unwrap_or(gst::Fraction::new(0, 1));
        let slow = got < rate;
        let distance = i64::from(side("width")).abs_diff(i64::from(size.width))
            + i64::from(side("height")).abs_diff(i64::from(size.height));
        let cost = Cost { slow, distance, jpeg };
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, Choice { caps, jpeg }));
        }
    }
    best.map(|(_, choice)| choice)
}

/// Compared from the first field to the last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    slow: bool,
    distance: u64,
    jpeg: bool,
}

trait FixateNear {
    fn fixate_near(&mut self, size: Size, rate: gst::Fraction);
}

impl FixateNear for gst::Caps {
    fn fixate_near(&mut self, size: Size, rate: gst::Fraction) {
        let near = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        if let Some(structure) = self.make_mut().structure_mut(0) {
            structure.fixate_field_nearest_int("width", near(size.width));
            structure.fixate_field_nearest_int("height", near(size.height));
            structure.fixate_field_nearest_fraction("framerate", rate);
        }
        self.fixate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: Size = Size { width: 1280, height: 720 };

    fn choice(offered: &str) -> Option<(String, bool)> {
        gst::init().unwrap();
        let choice = choose(&offered.parse().unwrap(), HD, gst::Fraction::new(30, 1))?;
        Some((choice.caps.to_string(), choice.jpeg))
    }

    #[test]
    fn a_usb_camera_that_is_slow_in_raw_is_asked_for_mjpeg() {
        let (caps, jpeg) = choice(
            "video/x-raw,format=YUY2,width=1280,height=720,framerate={10/1,5/1}; \
             video/x-raw,format=YUY2,width=640,height=480,framerate=30/1; \
             image/jpeg,width=1280,height=720,framerate={30/1,15/1}",
        )
        .unwrap();
        assert!(jpeg && caps.contains("1280") && caps.contains("30/1"), "{caps}");
    }

    #[test]
    fn raw_is_taken_where_it_is_as_good() {
        let both = "image/jpeg,width=1280,height=720,framerate=30/1; \
                    video/x-raw,format=NV12,width=[2,1920],height=[2,1080],framerate=[1/1,60/1]";
        let (caps, jpeg) = choice(both).unwrap();
        assert!(!jpeg && caps.contains("1280") && caps.contains("720") && caps.contains("30/1"), "{caps}");
    }

    #[test]
    fn a_small_camera_gives_what_it_has_and_a_strange_one_nothing() {
        assert!(choice("video/x-raw,format=YUY2,width=640,height=480,framerate=15/1").unwrap().0.contains("640"));
        assert!(choice("video/x-h264,width=1280,height=720,framerate=30/1").is_none());
    }
}
