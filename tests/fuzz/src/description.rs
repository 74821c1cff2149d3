//! What media makes of a guest's answer before GStreamer sees it.

use subrosa_media::link::sdp;

/// An offer as the room makes it, cut to what an answer is held against.
const OFFER: &str = "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE room-video guest-audio data\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:room-video\r\na=sendonly\r\na=rtpmap:96 H264/90000\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:guest-audio\r\na=recvonly\r\na=rtpmap:98 OPUS/48000/2\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:data\r\na=sctp-port:5000\r\n";

/// The target.
pub fn description(text: &str) {
    let _refused_or_taken = sdp::check_answer(OFFER, text);
    let fingerprints = sdp::fingerprints(text);
    assert!(fingerprints.len() <= text.len(), "bounded by what came");
    let without = sdp::without_candidates(text);
    assert!(!without.lines().any(|line| line.starts_with("a=candidate:")), "no candidate is left (P5)");
}
