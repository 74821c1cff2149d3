//! The data channels of a peer: what the room opened, what it said on them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

/// All channels of a link.
#[derive(Clone, Default)]
pub struct Channels(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    open: BTreeMap<String, gst_webrtc::WebRTCDataChannel>,
    said: Vec<(Instant, String, String)>,
}

impl Channels {
    /// Takes what the room opens.
    pub(super) fn listen(&self, webrtc: &gst::Element) {
        let all = self.clone();
        webrtc.connect_closure(
            "on-data-channel",
            false,
            glib::closure!(move |_: &gst::Element, channel: gst_webrtc::WebRTCDataChannel| {
                let label = channel.label().map(String::from).unwrap_or_default();
                let (of, heard) = (label.clone(), all.clone());
                channel.connect_on_message_string(move |_, text| {
                    let text = text.map(str::to_owned).unwrap_or_default();
                    heard.0.lock().unwrap().said.push((Instant::now(), of.clone(), text));
                });
                all.0.lock().unwrap().open.insert(label, channel);
            }),
        );
    }

    /// The labels of those that are open.
    #[must_use]
    pub fn open(&self) -> Vec<String> {
        let is_open =
            |channel: &gst_webrtc::WebRTCDataChannel| channel.ready_state() == gst_webrtc::WebRTCDataChannelState::Open;
        let inner = self.0.lock().unwrap();
        inner.open.iter().filter(|(_, channel)| is_open(channel)).map(|(label, _)| label.clone()).collect()
    }

    /// The subprotocol of one.
    #[must_use]
    pub fn protocol(&self, label: &str) -> Option<String> {
        self.0.lock().unwrap().open.get(label)?.protocol().map(String::from)
    }

    /// Says something. Whether there was a channel to say it on.
    pub fn say(&self, label: &str, text: &str) -> bool {
        let channel = self.0.lock().unwrap().open.get(label).cloned();
        channel.is_some_and(|channel| channel.send_string_full(Some(text)).is_ok())
    }

    /// Everything that the room said on one of them.
    #[must_use]
    pub fn said(&self, label: &str) -> Vec<String> {
        let inner = self.0.lock().unwrap();
        inner.said.iter().filter(|(_, of, _)| of == label).map(|(_, _, text)| text.clone()).collect()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap().open.clear();
    }
}
