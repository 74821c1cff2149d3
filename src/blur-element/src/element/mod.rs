//! The element `subrosablur`.

mod imp;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use gstreamer_base as gst_base;
use subrosa_blur::composition::StillError;
use subrosa_blur::segmenter::Segmenter;

use crate::settings::Mode;
use crate::worker::Fault;

/// Name of the element message that says what is seen: fields `state` (string: `clear`, `covered`, `off`) and, where it is
/// covered, `reason` (string, a [`crate::Reason`]).
pub const MESSAGE: &str = "subrosa-blur";

/// Name of the element message that asks for a picture of another size, since the budget is not kept otherwise: field `lines`
/// (fraction of the lines that the camera had at the start). Whoever can do it sends caps of that size; other sizes of the same shape
/// that follow such a wish are taken for the same pictures, so that nothing has to be held back.
pub const SIZE_MESSAGE: &str = "subrosa-blur-size";

glib::wrapper! {
    /// Hides the background of raw video, in place.
    pub struct Blur(ObjectSubclass<imp::Blur>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

impl Blur {
    /// Brings a segmenter of one's own in the place of the one that the property `model` names. It is made on the thread on which
    /// it runs, and made again when it has ended or is stuck. At any time; no mask made before counts.
    pub fn set_segmenter(&self, make: impl Fn() -> Result<Box<dyn Segmenter>, Fault> + Send + Sync + 'static) {
        self.imp().set_segmenter(std::sync::Arc::new(make));
    }

    /// Another picture for [`Mode::Image`], in RGBA (0 to 255) of this width and height; it is scaled to cover the frame. At any
    /// time; until it is ready the background is one colour.
    ///
    /// # Errors
    /// When the pixels are not of that size.
    pub fn set_picture(&self, size: (usize, usize), rgba: Vec<u8>) -> Result<(), StillError> {
        self.imp().set_picture(size, rgba)
    }
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    Mode::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "subrosablur", gst::Rank::NONE, Blur::static_type())
}
