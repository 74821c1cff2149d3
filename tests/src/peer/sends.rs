//! What a peer sends: its camera, its microphone, and its screen when it is shown.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use super::link::{LinkPlan, Picture, caps};
use super::offer::OfferedLine;
use super::replay::{Replayed, replay};

/// The line on which a guest shows a screen.
pub(super) const SCREEN: &str = "guest-screen";

/// Adds what goes out on a line. A screen waits behind a valve that is given back.
///
/// # Errors
/// When GStreamer lacks something.
pub(super) fn add(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Element,
    line: &OfferedLine,
    index: u32,
    plan: &LinkPlan,
) -> Result<Option<gst::Element>, String> {
    let (payload, encoding) = line.codec().ok_or("a line without a codec")?;
    let color = plan.sends.unwrap_or_default();
    // Lines share payload types, and never an SSRC.
    let ssrc = 0x5b00_0000_u32 + (index << 8) + u32::from(payload);
    let is_screen = line.mid == SCREEN;
    if plan.picture == Picture::Replayed {
        let what = if encoding == "OPUS" { Replayed::Tone } else { Replayed::Guest };
        return connect(pipeline, webrtc, line, index, replay(what, payload, ssrc)?);
    }
    let plain = format!("pattern=solid-color foreground-color={color}");
    let (picture, size, rate, bits) = match (is_screen, plan.picture) {
        (true, _) => ("pattern=smpte75", "width=960,height=540", 5, 500_000),
        (false, Picture::Small) => (&*plain, "width=160,height=90", 10, 60_000),
        (false, Picture::Plain) => (&*plain, "width=640,height=360", 15, 400_000),
        (false, Picture::Busy | Picture::Replayed) => ("pattern=snow", "width=320,height=180", 15, 600_000),
    };
    let source = match encoding {
        "VP8" => format!(
            "videotestsrc is-live=true {picture} ! video/x-raw,{size},framerate={rate}/1 \
             ! vp8enc deadline=1 cpu-used=8 target-bitrate={bits} end-usage=cbr keyframe-max-dist=300 error-resilient=default \
             ! rtpvp8pay picture-id-mode=15-bit pt={payload} ssrc={ssrc} ! valve name=valve drop={is_screen} drop-mode=forward-sticky-events ! queue"
        ),
        "OPUS" => format!(
            "audiotestsrc is-live=true wave=sine freq={} volume=0.3 ! audio/x-raw,rate=48000,channels=1 \
             ! opusenc ! rtpopuspay pt={payload} ssrc={ssrc} ! queue",
            plan.tone
        ),
        other => return Err(format!("nothing to send as {other}")),
    };
    let source = gst::parse::bin_from_description(&source, true).map_err(|error| error.to_string())?;
    connect(pipeline, webrtc, line, index, source)
}

/// Puts a source on its line. The result is its valve, if the line is a screen's.
fn connect(
    pipeline: &gst::Pipeline,
    webrtc: &gst::Element,
    line: &OfferedLine,
    index: u32,
    source: gst::Bin,
) -> Result<Option<gst::Element>, String> {
    pipeline.add(&source).map_err(|error| error.to_string())?;
    // By its place: the pads of other lines may be asked for in another order.
    let pad = webrtc.request_pad_simple(&format!("sink_{index}")).ok_or("webrtcbin gave no pad")?;
    let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    transceiver.set_property("direction", gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
    transceiver.set_property("codec-preferences", caps(line));
    transceiver.set_property("do-nack", line.kind == "video");
    source.static_pad("src").ok_or("no pad")?.link(&pad).map_err(|error| error.to_string())?;
    Ok(source.by_name("valve").filter(|_| line.mid == SCREEN))
}
