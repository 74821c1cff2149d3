//! The data channel of a link (RFC 8831).
//!
//! Either side may open it; what counts is its label. webrtcbin calls a channel open before the peer has agreed to it where
//! the *peer* opened it, so both ways are watched alike: it is open once `ready-state` says so.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use gstreamer_webrtc::WebRTCDataChannelState as State;
use subrosa_messages::media::{DataChannel, LinkFault};

use super::shared::{Shared, locked, weak};
use crate::link::TransportEvent;

/// A peer that opens more than that, one after the other, gets no answer any more.
const MOST: usize = 8;

/// The channels that were opened under the link's label.
#[derive(Default)]
pub struct Channels {
    label: Option<String>,
    all: Vec<gst_webrtc::WebRTCDataChannel>,
    is_open: bool,
}

impl Channels {
    /// The newest that is open.
    fn open(&self) -> Option<&gst_webrtc::WebRTCDataChannel> {
        self.all.iter().rev().find(|channel| channel.ready_state() == State::Open)
    }

    /// Lets go of all of them.
    pub fn clear(&mut self) {
        self.all.clear();
    }
}

impl Shared {
    /// Only a channel of this name is taken from the peer.
    pub(super) fn expect_channel(&self, wanted: Option<&DataChannel>) {
        locked(&self.channels).label = wanted.map(|channel| channel.label.clone());
    }

    /// Says that the channel is open, or is no more.
    fn channel_changed(&self) {
        let changed = {
            let mut channels = locked(&self.channels);
            channels.all.retain(|channel| channel.ready_state() != State::Closed);
            let is_open = channels.open().is_some();
            (std::mem::replace(&mut channels.is_open, is_open) != is_open).then_some(is_open)
        };
        if let Some(open) = changed {
            (self.tell)(TransportEvent::Channel(open));
        }
    }
}

/// Opens the link's channel.
///
/// # Errors
/// When webrtcbin does not make it.
pub(super) fn open(shared: &Arc<Shared>, webrtcbin: &gst::Element, wanted: &DataChannel) -> Result<(), LinkFault> {
    let options = gst::Structure::builder("options").field("protocol", &wanted.protocol).build();
    let channel = webrtcbin
        .emit_by_name::<Option<gst_webrtc::WebRTCDataChannel>>("create-data-channel", &[&wanted.label, &Some(options)])
        .ok_or(LinkFault::Pipeline)?;
    keep(shared, webrtcbin, channel);
    Ok(())
}

/// Takes channels that the peer opens.
pub(super) fn listen(shared: &Arc<Shared>, webrtcbin: &gst::Element) {
    let weak = weak(shared);
    webrtcbin.connect_closure(
        "on-data-channel",
        false,
        glib::closure!(move |webrtcbin: &gst::Element, channel: gst_webrtc::WebRTCDataChannel| {
            let Some(shared) = weak.upgrade() else { return };
            let label = channel.label();
            let is_ours = locked(&shared.channels).label.as_deref() == label.as_deref();
            if is_ours {
                keep(&shared, webrtcbin, channel);
            } else {
                channel.close();
            }
        }),
    );
}

fn keep(shared: &Arc<Shared>, webrtcbin: &gst::Element, channel: gst_webrtc::WebRTCDataChannel) {
    {
        let mut channels = locked(&shared.channels);
        if channels.all.len() >= MOST {
            tracing::warn!("a peer opens one data channel after the other");
            return;
        }
        channels.all.push(channel.clone());
    }
    let (weak_shared, bin) = (weak(shared), webrtcbin.downgrade());
    channel.connect_notify(Some("ready-state"), move |_, _| {
        if let (Some(shared), Some(bin)) = (weak_shared.upgrade(), bin.upgrade()) {
            // There is no channel without DTLS, and nobody else may have looked at its certificate yet.
            shared.verify(&bin);
            shared.channel_changed();
        }
    });
    let text = weak(shared);
    channel.connect_on_message_string(move |_, message| {
        if let (Some(shared), Some(message)) = (text.upgrade(), message) {
            (shared.tell)(TransportEvent::Data(message.as_bytes().to_vec()));
        }
    });
    let bytes = weak(shared);
    channel.connect_on_message_data(move |_, message| {
        if let (Some(shared), Some(message)) = (bytes.upgrade(), message) {
            (shared.tell)(TransportEvent::Data(message.to_vec()));
        }
    });
    // It may have opened before anybody listened.
    shared.channel_changed();
}

/// Sends over the channel; what comes before it is open is not sent, and not kept.
pub(super) fn send(shared: &Shared, bytes: &[u8]) {
    let channel = locked(&shared.channels).open().cloned();
    let Some(channel) = channel else { return };
    let sent = match std::str::from_utf8(bytes) {
        Ok(text) => channel.send_string_full(Some(text)),
        Err(_) => channel.send_data_full(Some(&glib::Bytes::from(bytes))),
    };
    if sent.is_err() {
        tracing::warn!("a message could not be sent over a data channel");
    }
}
