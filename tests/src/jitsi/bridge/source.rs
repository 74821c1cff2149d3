//! Streams that the bridge forwards, each recognisable: a picture of one colour, or a tone.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

/// What a stream shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// A picture of this colour (`0xAARRGGBB`) as VP8.
    Vp8(u32),
    /// The same as H.264.
    H264(u32),
    /// A picture in which all moves, of this height (16:9), 30 times a second, as VP8.
    Moving(u32),
    /// A tone of this pitch, in Hz.
    Tone(u32),
}

impl Shows {
    pub(super) fn line(self) -> usize {
        match self {
            Shows::Tone(_) => 0,
            Shows::Vp8(_) | Shows::Moving(_) => 1,
            Shows::H264(_) => 2,
        }
    }

    /// The layer that a bridge forwards to whoever asks for this height (-1: the largest): simulcast has a half and a quarter of the whole.
    #[must_use]
    pub fn at(self, height: i64) -> Self {
        match self {
            Shows::Moving(whole) => {
                let layers = [whole / 4, whole / 2, whole];
                let fits = |layer: &u32| height >= 0 && i64::from(*layer) >= height.min(i64::from(whole));
                Shows::Moving(layers.into_iter().find(fits).unwrap_or(whole))
            }
            other => other,
        }
    }

    fn launch(self, ssrc: u32) -> String {
        let picture = |colour: u32| {
            format!(
                "videotestsrc is-live=true pattern=solid-color foreground-color={colour} \
                 ! video/x-raw,format=I420,width=320,height=180,framerate=15/1"
            )
        };
        match self {
            Shows::Vp8(colour) => format!(
                "{} ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=15 \
                 ! rtpvp8pay picture-id-mode=15-bit pt=100 ssrc={ssrc}",
                picture(colour)
            ),
            Shows::Moving(height) => format!(
                "videotestsrc is-live=true pattern=smpte horizontal-speed=4 \
                 ! video/x-raw,format=I420,width={},height={height},framerate=30/1 \
                 ! vp8enc deadline=1 cpu-used=8 threads=1 end-usage=cbr target-bitrate={} keyframe-max-dist=300 \
                 ! rtpvp8pay picture-id-mode=15-bit pt=100 ssrc={ssrc}",
                height * 16 / 9,
                height * height * 3
            ),
            Shows::H264(colour) => format!(
                "{} ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 \
                 ! video/x-h264,profile=constrained-baseline \
                 ! rtph264pay config-interval=-1 aggregate-mode=zero-latency pt=107 ssrc={ssrc}",
                picture(colour)
            ),
            Shows::Tone(pitch) => format!(
                "audiotestsrc is-live=true wave=sine freq={pitch} volume=0.3 ! audio/x-raw,rate=48000,channels=1 \
                 ! opusenc ! rtpopuspay pt=111 ssrc={ssrc}"
            ),
        }
    }
}

pub(super) struct Source {
    bin: gst::Bin,
    into: gst::Pad,
    funnel: gst::Element,
}

impl Source {
    pub fn start(pipeline: &gst::Pipeline, funnel: &gst::Element, ssrc: u32, shows: Shows) -> Self {
        let bin = gst::parse::bin_from_description(&shows.launch(ssrc), true).expect("a source");
        pipeline.add(&bin).expect("a pipeline");
        let into = funnel.request_pad_simple("sink_%u").expect("a pad");
        bin.static_pad("src").expect("a pad").link(&into).expect("a link");
        bin.sync_state_with_parent().expect("a running source");
        Source { bin, into, funnel: funnel.clone() }
    }

    pub fn stop(self, pipeline: &gst::Pipeline) {
        self.bin.set_state(gst::State::Null).expect("a stopped source");
        pipeline.remove(&self.bin).expect("a source of this pipeline");
        self.funnel.release_request_pad(&self.into);
    }
}

/// Padding only (RFC 3550, section 5.1), with an extension header of two bytes.
pub(super) fn probe(pipeline: &gst::Pipeline, funnel: &gst::Element, ssrc: u32, payload_type: u8, packets: u16) {
    let caps = gst::Caps::builder("application/x-rtp").field("media", "video").field("clock-rate", 90_000).build();
    let source =
        gst_app::AppSrc::builder().caps(&caps).format(gst::Format::Time).is_live(true).do_timestamp(true).build();
    pipeline.add(&source).expect("a pipeline");
    let into = funnel.request_pad_simple("sink_%u").expect("a pad");
    source.static_pad("src").expect("a pad").link(&into).expect("a link");
    source.sync_state_with_parent().expect("a running source");
    for n in 0..packets {
        let mut packet = vec![0xb0, payload_type];
        packet.extend(n.to_be_bytes());
        packet.extend(0_u32.to_be_bytes());
        packet.extend(ssrc.to_be_bytes());
        // Two-byte header, one word: id 5, two bytes.
        packet.extend([0x10, 0x00, 0, 1, 5, 2, 0, 0]);
        packet.extend([0; 199]);
        packet.push(200);
        source.push_buffer(gst::Buffer::from_slice(packet)).expect("a running source");
    }
}
