//! The instrument is calibrated: the peer against a webrtcbin that offers as a room does.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;

use super::recording::{difference, pictures};
use super::{Link, LinkPlan};
use crate::needs;
use crate::stage::{Need, Stage, eventually};

struct StandIn {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        subrosa_media::link::dtls::stop(&self.pipeline);
    }
}

fn offer(video: &str) -> (StandIn, String) {
    gst::init().unwrap();
    let pipeline = gst::Pipeline::new();
    let webrtc =
        gst::ElementFactory::make("webrtcbin").property_from_str("bundle-policy", "max-bundle").build().unwrap();
    pipeline.add(&webrtc).unwrap();
    let encoding = if video.contains("vp8enc") { "VP8" } else { "H264" };
    let more = ",rtcp-fb-nack=true,rtcp-fb-nack-pli=true";
    for (source, caps) in [
        (
            format!("{video} pt=96 ssrc=1001"),
            format!("application/x-rtp,media=video,encoding-name={encoding},clock-rate=90000,payload=96,ssrc=(uint)1001,a-mid=room-video{more}"),
        ),
        (
            "audiotestsrc is-live=true wave=sine ! audio/x-raw,rate=48000,channels=1 ! opusenc ! rtpopuspay pt=111 ssrc=1002".to_owned(),
            "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111,ssrc=(uint)1002,a-mid=room-audio".to_owned(),
        ),
    ] {
        let source = gst::parse::bin_from_description(&format!("{source} ! queue"), true).unwrap();
        pipeline.add(&source).unwrap();
        let pad = webrtc.request_pad_simple("sink_%u").unwrap();
        let caps: gst::Caps = caps.parse().unwrap();
        let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
        transceiver.set_property("direction", gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_property("codec-preferences", &caps);
        transceiver.set_property("do-nack", caps.to_string().contains("video"));
        source.static_pad("src").unwrap().link(&pad).unwrap();
    }
    for caps in [
        "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=98,a-mid=guest-video",
        "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=112,a-mid=guest-audio",
    ] {
        let caps: gst::Caps = caps.parse().unwrap();
        let direction = gst_webrtc::WebRTCRTPTransceiverDirection::Recvonly;
        let _made =
            webrtc.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("add-transceiver", &[&direction, &caps]);
    }
    pipeline.set_state(gst::State::Playing).unwrap();
    super::loopback::allow(&webrtc);
    let reply = super::link::ask(&webrtc, "create-offer", &None::<gst::Structure>).unwrap().unwrap();
    let offer: gst_webrtc::WebRTCSessionDescription = reply.value("offer").unwrap().get().unwrap();
    super::link::ask(&webrtc, "set-local-description", &offer).unwrap();
    eventually("all candidates are gathered", Duration::from_secs(10), || {
        let state = webrtc.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
        (state == gst_webrtc::WebRTCICEGatheringState::Complete).then_some(())
    });
    let sdp = webrtc.property::<gst_webrtc::WebRTCSessionDescription>("local-description").sdp().as_text().unwrap();
    (StandIn { pipeline, webrtc }, sdp)
}

fn connect(video: &str, plan: &LinkPlan) -> (StandIn, Link) {
    let (room, sdp) = offer(video);
    let (link, answer) = Link::answer(&sdp, plan).unwrap();
    // As the room does: without the peer's candidates.
    let answer: String =
        answer.lines().filter(|line| !line.starts_with("a=candidate")).map(|line| format!("{line}\r\n")).collect();
    let answer = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).unwrap();
    let answer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, answer);
    super::link::ask(&room.webrtc, "set-remote-description", &answer).unwrap();
    crate::stage::eventually("it connects", Duration::from_secs(15), || link.is_connected().then_some(()));
    (room, link)
}

const H264: &str = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=180,framerate=30/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=300 ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency";

#[test]
fn the_peer_sees_hears_and_ties_every_packet_to_its_picture() {
    needs!(Need::Program("gst-launch-1.0"));
    let _stage = Stage::take();
    let (_room, link) = connect(H264, &LinkPlan { sends: Some(0xffff_0000), ..LinkPlan::default() });
    assert!(link.recording.wait_for_frame(30, Duration::from_secs(10), |_| true).is_some(), "30 frames");
    assert!(link.recording.wait_for_sound(20, Duration::from_secs(5), |sound| sound.level > -40.0).is_some(), "a tone");
    let video = link.offer.line("room-video").codec().unwrap().0;
    let packets = link.recording.packets();
    let pictures = pictures(&packets, "H264", video);
    let stamps: std::collections::HashSet<u32> =
        packets.iter().filter(|packet| packet.payload_type == video).map(|packet| packet.timestamp).collect();
    assert!(pictures.len() + 2 >= stamps.len() && pictures.len() > 25, "{} of {}", pictures.len(), stamps.len());
    let mut looks = pictures.values();
    let first = looks.next().unwrap();
    assert!(looks.any(|other| difference(first, other) > 0.1), "the ball moves");
}

#[test]
fn the_peer_can_ask_for_packets_again_and_for_key_frames() {
    needs!(Need::Program("gst-launch-1.0"));
    let _stage = Stage::take();
    let (_room, link) = connect(H264, &LinkPlan::default());
    assert!(link.recording.wait_for_frame(10, Duration::from_secs(10), |_| true).is_some());
    let line = link.offer.line("room-video").clone();
    let (main, repair) = (line.codec().unwrap().0, line.payload("RTX").expect("the offer has a line for repairs"));
    let packets = link.recording.packets();
    let last = packets.iter().rev().find(|packet| packet.payload_type == main).unwrap();
    link.ask_again(last.ssrc, [last.sequence.wrapping_sub(3), last.sequence.wrapping_sub(4)]);
    eventually("a packet is sent again", Duration::from_secs(3), || {
        link.recording.packets().iter().any(|packet| packet.payload_type == repair).then_some(())
    });
    // A key frame begins with its parameter sets, as one packet (STAP-A, type 24) or as single ones (SPS, type 7).
    let is_key = |packet: &super::Packet| {
        packet.payload_type == main && packet.bytes.get(12).is_some_and(|first| matches!(first & 0x1f, 7 | 24))
    };
    let keys = || link.recording.packets().iter().filter(|packet| is_key(packet)).count();
    let before = keys();
    let asked = Instant::now();
    link.ask_for_key_frame();
    eventually("a key frame comes", Duration::from_secs(3), || (keys() > before).then_some(()));
    assert!(asked.elapsed() < Duration::from_secs(3));
}

#[test]
fn the_peer_takes_vp8() {
    needs!(Need::Program("gst-launch-1.0"));
    let _stage = Stage::take();
    let vp8 =
        "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=15/1 ! vp8enc deadline=1 ! rtpvp8pay";
    let (_room, link) = connect(vp8, &LinkPlan { sends: Some(0xff00_ff00), ..LinkPlan::default() });
    let frame = link.recording.wait_for_frame(5, Duration::from_secs(10), |_| true).unwrap();
    assert_eq!((frame.width, frame.height), (320, 180));
}
