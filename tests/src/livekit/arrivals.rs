//! Pictures that come to a participant, noted where they leave SRTP: nothing has waited for its turn in a jitter buffer yet.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::sps;

/// Pictures of others that have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Whole frames, of all of them together.
    pub frames: u64,
    /// When the first was whole. The server forwards a picture from a key frame on.
    pub first: Option<Instant>,
    /// Bytes of their packets.
    pub bytes: u64,
    /// Width and height of the newest, where it is H.264.
    pub size: Option<(u32, u32)>,
}

#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Payload types that are pictures.
    payloads: Mutex<BTreeSet<u8>>,
    pictures: Mutex<Pictures>,
}

impl Arrivals {
    pub fn pictures(&self) -> Pictures {
        *self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server offers this.
    pub fn offered(&self, sdp: &str) {
        self.payloads.lock().unwrap_or_else(PoisonError::into_inner).extend(sdp.lines().filter_map(payload));
    }

    /// Notes what comes to this pipeline from now on.
    pub fn watch(self: &Arc<Self>, pipeline: &gst::Pipeline) {
        let arrivals = Arc::clone(self);
        pipeline.connect_deep_element_added(move |_, _, element| {
            if element.factory().is_none_or(|factory| factory.name() != "dtlssrtpdec") {
                return;
            }
            let Some(pad) = element.static_pad("rtp_src") else { return };
            let arrivals = Arc::clone(&arrivals);
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
                let note = |buffer: &gst::BufferRef| {
                    if let Ok(packet) = buffer.map_readable() {
                        arrivals.packet(&packet);
                    }
                };
                match &info.data {
                    Some(gst::PadProbeData::Buffer(buffer)) => note(buffer),
                    Some(gst::PadProbeData::BufferList(list)) => list.iter().for_each(note),
                    _ => {}
                }
                gst::PadProbeReturn::Ok
            });
        });
    }

    /// The last packet of a picture's frame has the marker (RFC 6184, RFC 7741). With padding it is one by which the server feels its way.
    fn packet(&self, packet: &[u8]) {
        let &[first, second, ..] = packet else { return };
        let is_padding = first & 0x20 != 0;
        if is_padding || !self.payloads.lock().unwrap_or_else(PoisonError::into_inner).contains(&(second & 0x7f)) {
            return;
        }
        let mut pictures = self.pictures.lock().unwrap_or_else(PoisonError::into_inner);
        pictures.bytes += packet.len() as u64;
        pictures.size = sps::of_packet(packet).or(pictures.size);
        if second & 0x80 != 0 {
            pictures.frames += 1;
            pictures.first.get_or_insert_with(Instant::now);
        }
    }
}

/// The payload type in `a=rtpmap:96 VP8/90000`.
fn payload(line: &str) -> Option<u8> {
    let (payload, codec) = line.trim().strip_prefix("a=rtpmap:")?.split_once(' ')?;
    ["H264/", "VP8/"].iter().any(|name| codec.starts_with(name)).then(|| payload.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_its_last_packet() {
        let arrivals = Arrivals::default();
        arrivals.offered(
            "m=video 9 X 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=rtpmap:111 opus/48000/2\r\n",
        );
        for (first, second, frames) in
            [(0x80, 96, 0), (0x80, 0xe0, 1), (0x80, 0xe1, 1), (0xa0, 0xe0, 1), (0x90, 0xe0, 2)]
        {
            arrivals.packet(&[first, second, 0, 1]);
            assert_eq!(arrivals.pictures().frames, frames, "{first:x} {second:x}");
        }
        assert!(arrivals.pictures().first.is_some());
    }
}
