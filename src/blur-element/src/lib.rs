//! The GStreamer element `subrosablur`: hides the background of raw video (I420, NV12), in place.
//!
//! ```text
//! gst-launch-1.0 v4l2src ! videoconvert ! subrosablur model=selfie_segmentation_landscape.tflite ! autovideosink
//! ```
//!
//! People are looked for by a thread of their own, so the camera never waits. A frame for which there is no fresh mask that is
//! worth believing is dropped (P4): it never passes raw, and no older frame is repeated. What is seen is said by an element
//! message named [`MESSAGE`] with the fields `state` (`clear`, `covered` or `off`) and `reason` ([`Reason`]).

mod element;
mod frame;
mod image;
mod model;
mod settings;
mod work;
mod worker;

use gstreamer as gst;
use gstreamer::glib;

pub use element::{Blur, MESSAGE, SIZE_MESSAGE};
pub use settings::{Mode, Reason};
pub use worker::Fault;

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    element::register(plugin)
}

#[expect(missing_docs, reason = "what the macro makes")]
mod plugin {
    use super::{gst, plugin_init};

    gst::plugin_define!(
        subrosablur,
        "Background blur that fails closed",
        plugin_init,
        env!("CARGO_PKG_VERSION"),
        "Apache-2.0",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_NAME"),
        "Subrosa"
    );
}

pub use plugin::{plugin_desc, plugin_register_static};
