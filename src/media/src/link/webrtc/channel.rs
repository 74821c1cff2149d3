//! The data channels of a link (RFC 8831).
//!
//! Either side may open one; what counts is its label. webrtcbin calls a channel open before the peer has agreed to it where
//! the *peer* opened it, so both ways are watched alike: it is open once `ready-state` says so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use gstreamer_webrtc::WebRTCDataChannelState as State;
use subrosa_messages::media::{DataChannel, LinkFault};

use super::shared::{Shared, locked, weak};
use crate::link::TransportEvent;

/// A peer that opens more than that under one label, one after the other, gets no answer any more.
const MOST: usize = 8;

/// What waits to be sent on one channel, in bytes. A peer that takes nothing loses words, and costs no memory.
const MOST_WAITING: u64 = 256 * 1024;

/// The channels that were opened under the link's labels.
#[derive(Default)]
pub struct Channels {
    labelled: BTreeMap<String, Labelled>,
    /// Under other labels. A channel that goes away while webrtcbin still speaks of it makes 1.22 stumble, so they are kept.
    refused: Vec<gst_webrtc::WebRTCDataChannel>,
}

/// Those of one label.
#[derive(Default)]
struct Labelled {
    all: Vec<gst_webrtc::WebRTCDataChannel>,
    is_open: bool,
}

impl Labelled {
    /// The newest that is open.
    fn open(&self) -> Option<&gst_webrtc::WebRTCDataChannel> {
        self.all.iter().rev().find(|channel| channel.ready_state() == State::Open)
    }
}

impl Channels {
    /// Lets go of all of them.
    pub fn clear(&mut self) {
        self.labelled.clear();
        self.refused.clear();
    }
}

impl Shared {
    /// Only channels of these names are taken from the peer.
    pub(super) fn expect_channels(&self, wanted: &[DataChannel]) {
        locked(&self.channels).labelled =
            wanted.iter().map(|channel| (channel.label.clone(), Labelled::default())).collect();
    }

    /// The peer has sent something; what comes faster than anybody reads or writes is dropped here, before it waits anywhere.
    fn came(&self, label: &str, bytes: &[u8]) {
        if locked(&self.flood).passes(Instant::now(), bytes.len()) {
            (self.tell)(TransportEvent::Data(label.to_owned(), bytes.to_vec()));
        }
    }

    /// Keeps a channel that nobody wants; `false` where there are too many of them.
    fn refuses(&self, channel: &gst_webrtc::WebRTCDataChannel) -> bool {
        let refused = &mut locked(&self.channels).refused;
        let few = refused.len() < MOST;
        if few {
            refused.push(channel.clone());
        }
        few
    }

    /// Says that a channel is open, or is no more.
    fn channel_changed(&self, label: &str) {
        let changed = {
            let mut channels = locked(&self.channels);
            let Some(labelled) = channels.labelled.get_mut(label) else { return };
            let is_open = labelled.open().is_some();
            (std::mem::replace(&mut labelled.is_open, is_open) != is_open).then_some(is_open)
        };
        if let Some(open) = changed {
            (self.tell)(TransportEvent::Channel(label.to_owned(), open));
        }
    }
}

/// Opens a channel of the link.
///
/// # Errors
/// When webrtcbin does not make it.
pub(super) fn open(shared: &Arc<Shared>, webrtcbin: &gst::Element, wanted: &DataChannel) -> Result<(), LinkFault> {
    let options = gst::Structure::builder("options").field("protocol", &wanted.protocol).build();
    let channel = webrtcbin
        .emit_by_name::<Option<gst_webrtc::WebRTCDataChannel>>("create-data-channel", &[&wanted.label, &Some(options)])
        .ok_or(LinkFault::Pipeline)?;
    keep(shared, webrtcbin, &wanted.label, channel);
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
            let label = channel.label().map(String::from).unwrap_or_default();
            if locked(&shared.channels).labelled.contains_key(&label) {
                keep(&shared, webrtcbin, &label, channel);
            } else if shared.refuses(&channel) {
                channel.close();
            }
        }),
    );
}

fn keep(shared: &Arc<Shared>, webrtcbin: &gst::Element, label: &str, channel: gst_webrtc::WebRTCDataChannel) {
    {
        let mut channels = locked(&shared.channels);
        let Some(labelled) = channels.labelled.get_mut(label) else { return };
        if labelled.all.len() >= MOST {
            tracing::warn!("a peer opens one data channel after the other");
            return;
        }
        labelled.all.push(channel.clone());
    }
    let (weak_shared, bin, of) = (weak(shared), webrtcbin.downgrade(), label.to_owned());
    channel.connect_notify(Some("ready-state"), move |_, _| {
        if let (Some(shared), Some(bin)) = (weak_shared.upgrade(), bin.upgrade()) {
            // There is no channel without DTLS, and nobody else may have looked at its certificate yet.
            shared.verify(&bin);
            shared.channel_changed(&of);
        }
    });
    let (text, of) = (weak(shared), label.to_owned());
    channel.connect_on_message_string(move |_, message| {
        if let (Some(shared), Some(message)) = (text.upgrade(), message) {
            shared.came(&of, message.as_bytes());
        }
    });
    let (bytes, of) = (weak(shared), label.to_owned());
    channel.connect_on_message_data(move |_, message| {
        if let (Some(shared), Some(message)) = (bytes.upgrade(), message) {
            shared.came(&of, message);
        }
    });
    // It may have opened before anybody listened.
    shared.channel_changed(label);
}

/// Sends over a channel; what comes before it is open is not sent, and not kept.
pub(super) fn send(shared: &Shared, label: &str, bytes: &[u8]) {
    let channel = locked(&shared.channels).labelled.get(label).and_then(Labelled::open).cloned();
    let Some(channel) = channel else { return };
    if channel.buffered_amount() > MOST_WAITING {
        tracing::warn!("a peer does not take what is sent over a data channel");
        return;
    }
    let sent = match std::str::from_utf8(bytes) {
        Ok(text) => channel.send_string_full(Some(text)),
        Err(_) => channel.send_data_full(Some(&glib::Bytes::from(bytes))),
    };
    if sent.is_err() {
        tracing::warn!("a message could not be sent over a data channel");
    }
}
