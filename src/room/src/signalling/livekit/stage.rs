//! What a server says, for tests of what stands on it.

use livekit_protocol::signal_response::Message as Said;
use livekit_protocol::{
    JoinResponse, ParticipantInfo, ParticipantPermission, SessionDescription, SignalResponse, TrackInfo, TrackSource,
    TrackType,
};
use prost::Message;

/// What media offers.
pub const OFFER: &str = "v=0\r\no=- 7 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 9 RTP 96\r\na=ssrc:1 msid:room cid-video\r\na=mid:room-video\r\n\
    m=audio 9 RTP 111\r\na=ssrc:2 msid:room cid-audio\r\na=mid:room-audio\r\n";
/// What the server answers.
pub const ANSWER: &str =
    "v=0\r\ns=-\r\nm=video 9 RTP 96\r\na=mid:room-video\r\nm=audio 9 RTP 111\r\na=mid:room-audio\r\n";

/// The server says who is there.
pub fn join(people: &[ParticipantInfo]) -> JoinResponse {
    let permission =
        ParticipantPermission { can_publish: true, can_subscribe: true, ..ParticipantPermission::default() };
    let own = ParticipantInfo { sid: "PA_OWN".to_owned(), permission: Some(permission), ..ParticipantInfo::default() };
    JoinResponse {
        participant: Some(own),
        other_participants: people.to_vec(),
        ping_interval: 5,
        ping_timeout: 15,
        ..JoinResponse::default()
    }
}

/// Somebody with these tracks.
pub fn person(sid: &str, tracks: &[TrackInfo]) -> ParticipantInfo {
    ParticipantInfo {
        sid: sid.to_owned(),
        identity: format!("id-{sid}"),
        tracks: tracks.to_vec(),
        ..ParticipantInfo::default()
    }
}

/// A camera.
pub fn camera(sid: &str) -> TrackInfo {
    let (kind, source) = (TrackType::Video.into(), TrackSource::Camera.into());
    TrackInfo { sid: sid.to_owned(), r#type: kind, source, mime_type: "video/VP8".to_owned(), ..TrackInfo::default() }
}

/// A microphone.
pub fn microphone(sid: &str) -> TrackInfo {
    TrackInfo { sid: sid.to_owned(), source: TrackSource::Microphone.into(), ..TrackInfo::default() }
}

/// An answer that says which track is on which slot.
pub fn answer(id: u32, slots: &[(&str, &str)]) -> Said {
    let mid_to_track_id = slots.iter().map(|(mid, track)| ((*mid).to_owned(), (*track).to_owned())).collect();
    Said::Answer(SessionDescription { r#type: "answer".to_owned(), sdp: ANSWER.to_owned(), id, mid_to_track_id })
}

/// An offer of a server with two connections, which says which track is on which line.
pub fn offer(id: u32, lines: &[(&str, &str)]) -> Said {
    let mid_to_track_id = lines.iter().map(|(mid, track)| ((*mid).to_owned(), (*track).to_owned())).collect();
    let sdp = "v=0\r\ns=-\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=sendrecv\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 125\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:125 H264/90000\r\na=fmtp:125 packetization-mode=1;profile-level-id=42e01f\r\na=sendrecv\r\n"
        .to_owned();
    Said::Offer(SessionDescription { r#type: "offer".to_owned(), sdp, id, mid_to_track_id })
}

/// As it goes over the WebSocket.
pub fn said(message: Said) -> Vec<u8> {
    SignalResponse { message: Some(message) }.encode_to_vec()
}
