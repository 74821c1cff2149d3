//! What the bridge has received of its client, decoded while it arrives.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_rtp as gst_rtp;
use gstreamer_video as gst_video;

/// A decoded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When.
    pub at: Instant,
    /// In pixels.
    pub height: u32,
    /// Mean brightness.
    pub luma: u8,
}

/// A packet as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When.
    pub at: Instant,
    /// Its SSRC.
    pub ssrc: u32,
    /// Its payload type.
    pub payload_type: u8,
    /// How loud it says it is, in dB below full scale (RFC 6464).
    pub level: Option<u8>,
}

/// All that came.
#[derive(Default)]
pub struct Seen {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    frames: Vec<Frame>,
    packets: Vec<Packet>,
}

impl Seen {
    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_all();
    }

    /// Frames so far.
    #[must_use]
    pub fn frames(&self) -> Vec<Frame> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).frames.clone()
    }

    /// Packets so far.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).packets.clone()
    }

    /// Waits until `wanted` finds something in what came.
    pub fn wait<T>(&self, within: Duration, wanted: impl Fn(&[Frame], &[Packet]) -> Option<T>) -> Option<T> {
        let until = Instant::now() + within;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = wanted(&inner.frames, &inner.packets) {
                return Some(found);
            }
            let left = until.checked_duration_since(Instant::now())?;
            inner = self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Decodes everything that comes out.
pub(super) fn watch(pipeline: &gst::Pipeline, webrtc: &gst::Element, seen: &Arc<Seen>) {
    let (weak, packets) = (pipeline.downgrade(), seen.clone());
    pipeline.connect_deep_element_added(move |_, _, element| {
        if element.type_().name() == "GstDtlsSrtpDec"
            && let Some(pad) = element.static_pad("rtp_src")
        {
            let packets = packets.clone();
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
                match &info.data {
                    Some(gst::PadProbeData::Buffer(buffer)) => note(&packets, buffer),
                    Some(gst::PadProbeData::BufferList(list)) => list.iter_owned().for_each(|one| note(&packets, &one)),
                    _ => {}
                }
                gst::PadProbeReturn::Ok
            });
        }
    });
    let seen = seen.clone();
    webrtc.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = weak.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) {
            decode(&pipeline, pad, &seen);
        }
    });
}

fn note(seen: &Seen, buffer: &gst::Buffer) {
    let Ok(packet) = gst_rtp::RTPBuffer::from_buffer_readable(buffer) else { return };
    let level = packet.extension_onebyte_header(1, 0).and_then(|bytes| bytes.first().map(|first| first & 0x7f));
    let (ssrc, payload_type) = (packet.ssrc(), packet.payload_type());
    seen.change(|inner| inner.packets.push(Packet { at: Instant::now(), ssrc, payload_type, level }));
}

fn decode(pipeline: &gst::Pipeline, pad: &gst::Pad, seen: &Arc<Seen>) {
    let caps = pad.current_caps();
    let name = caps.and_then(|caps| caps.structure(0)?.get::<String>("encoding-name").ok()).unwrap_or_default();
    let chain = match name.as_str() {
        "H264" => "rtph264depay ! avdec_h264 max-threads=1 ! videoconvert ! video/x-raw,format=I420",
        "VP8" => "rtpvp8depay ! vp8dec ! videoconvert ! video/x-raw,format=I420",
        _ => "identity",
    };
    let text = format!("queue ! {chain} ! fakesink name=end sync=false async=false");
    let Ok(chain) = gst::parse::bin_from_description(&text, true) else { return };
    let (end, seen) = (chain.by_name("end").and_then(|end| end.static_pad("sink")), seen.clone());
    if let Some(end) = end.filter(|_| name == "H264" || name == "VP8") {
        end.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let (Some(gst::PadProbeData::Buffer(buffer)), Some(caps)) = (&info.data, pad.current_caps())
                && let Some((height, luma)) = look(&caps, buffer)
            {
                seen.change(|inner| inner.frames.push(Frame { at: Instant::now(), height, luma }));
            }
            gst::PadProbeReturn::Ok
        });
    }
    if pipeline.add(&chain).is_ok()
        && let Some(sink) = chain.static_pad("sink")
    {
        let _linked = pad.link(&sink);
        let _running = chain.sync_state_with_parent();
    }
}

fn look(caps: &gst::Caps, buffer: &gst::BufferRef) -> Option<(u32, u8)> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
    let samples: Vec<u64> = frame.plane_data(0).ok()?.iter().step_by(97).map(|sample| u64::from(*sample)).collect();
    let mean = samples.iter().sum::<u64>().checked_div(samples.len() as u64)?;
    Some((info.height(), u8::try_from(mean).ok()?))
}
