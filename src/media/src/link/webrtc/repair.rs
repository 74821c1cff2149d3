//! The SSRC of retransmissions: the one that was said first, for as long as the link lives.
//!
//! webrtcbin 1.22 invents a new one with each answer and tells it to the element that retransmits; that element takes what
//! it has been told when the first packet of a stream comes, and keeps it. So after each answer, and right before that
//! packet, it is told what the peer knows.

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use super::receive::ssrc;
use super::shared::locked;
use crate::link::sdp::Repairs;

/// Keeps `rtprtxsend` to what the peer knows.
#[derive(Clone, Default)]
pub struct Pin(Arc<Mutex<Pinned>>);

#[derive(Default)]
struct Pinned {
    repairs: Repairs,
    sender: Option<glib::WeakRef<gst::Element>>,
    begun: Vec<u32>,
}

impl Pin {
    /// Takes what an answer says for the first time; the answers after it are to say the same.
    pub fn learn(&self, answer: &str) -> Repairs {
        let mut pinned = locked(&self.0);
        pinned.repairs.learn(answer);
        pinned.repairs.clone()
    }

    /// webrtcbin has made a description, and told the element something else.
    pub fn heed(&self, webrtcbin: &gst::Element) {
        if locked(&self.0).sender.is_none()
            && let Some(sender) = find(webrtcbin)
            && let Some(pad) = sender.static_pad("sink")
        {
            locked(&self.0).sender = Some(sender.downgrade());
            self.watch(&pad);
        }
        self.apply();
    }

    fn apply(&self) {
        let (sender, map) = {
            let pinned = locked(&self.0);
            let mut map = gst::Structure::new_empty("application/x-rtp-ssrc-map");
            for (stream, repair) in pinned.repairs.iter() {
                map.set(stream.to_string(), repair);
            }
            (pinned.sender.as_ref().and_then(glib::WeakRef::upgrade), map)
        };
        if let Some(sender) = sender.filter(|sender| sender.find_property("ssrc-map").is_some()) {
            sender.set_property("ssrc-map", map);
        }
    }

    /// The first packet of a stream decides.
    fn watch(&self, pad: &gst::Pad) {
        let pin = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
            let stream = match &info.data {
                Some(gst::PadProbeData::Buffer(buffer)) => ssrc(buffer),
                Some(gst::PadProbeData::BufferList(list)) => list.get(0).and_then(ssrc),
                _ => None,
            };
            if let Some(stream) = stream {
                let is_new = {
                    let mut pinned = locked(&pin.0);
                    let is_new = !pinned.begun.contains(&stream);
                    if is_new {
                        pinned.begun.push(stream);
                    }
                    is_new
                };
                if is_new {
                    pin.apply();
                }
            }
            gst::PadProbeReturn::Ok
        });
    }
}

/// The element that retransmits, wherever webrtcbin keeps it. It is there once a description has been set, before any packet.
fn find(webrtcbin: &gst::Element) -> Option<gst::Element> {
    let mut all = webrtcbin.downcast_ref::<gst::Bin>()?.iterate_recurse();
    while let Ok(Some(element)) = all.next() {
        if element.type_().name() == "GstRtpRtxSend" {
            return Some(element);
        }
    }
    None
}
