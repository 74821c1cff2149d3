//! The DTLS certificate of this process.
//!
//! GStreamer makes an RSA key when the first `dtlsdec` needs one, which takes a second here and several on small
//! boards, and shares it as long as somebody holds it. So one element is kept for as long as the process lives.

use std::thread;

use gstreamer as gst;
use gstreamer::prelude::*;

/// Makes the certificate on a thread of its own and keeps it. A link that is opened before it is ready waits for it.
pub fn keep() {
    let _lives_as_long_as_the_process = thread::Builder::new().name("certificate".into()).spawn(|| {
        let Ok(decoder) = gst::ElementFactory::make("dtlsdec").build() else {
            tracing::warn!("GStreamer has no dtlsdec: install gstreamer1.0-plugins-bad (`make setup`)");
            return;
        };
        let made = decoder.request_pad_simple("src").is_some();
        if !made {
            tracing::warn!("no DTLS certificate could be made");
        }
        // Kept for ever, on purpose: the certificate lives as long as an element that uses it.
        std::mem::forget(decoder);
    });
}
