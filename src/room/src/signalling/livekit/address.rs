//! Where the WebSocket goes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use livekit_protocol::{ClientInfo, ConnectionSettings, JoinRequest, ReconnectReason, WrappedJoinRequest};
use prost::Message;

/// The version of the protocol that is spoken.
const PROTOCOL: i32 = 17;

/// How the server is spoken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One connection (`/rtc/v1`).
    One,
    /// Two connections (`/rtc`): servers and proxies that do not know the other.
    Two,
}

/// Path and query below the server's address, for a first visit or to resume as the participant of this `sid`. The token is no part
/// of it: a header keeps it out of the server's log of addresses. With two connections nothing is resumed.
#[must_use]
pub fn address(version: Version, resume: Option<&str>) -> String {
    if version == Version::Two {
        return format!("/rtc?protocol={PROTOCOL}&auto_subscribe=0&adaptive_stream=0");
    }
    let request = JoinRequest {
        // Nothing of the device: the other fields are statistics of the server's.
        client_info: Some(ClientInfo { protocol: PROTOCOL, ..ClientInfo::default() }),
        // The room says itself what it can show.
        connection_settings: Some(ConnectionSettings { auto_subscribe: false, ..ConnectionSettings::default() }),
        reconnect: resume.is_some(),
        reconnect_reason: if resume.is_some() { ReconnectReason::RrSignalDisconnected.into() } else { 0 },
        participant_sid: resume.unwrap_or_default().to_owned(),
        ..JoinRequest::default()
    };
    let wrapped = WrappedJoinRequest { join_request: request.encode_to_vec(), ..WrappedJoinRequest::default() };
    let text = URL_SAFE.encode(wrapped.encode_to_vec()).replace('=', "%3D");
    format!("/rtc/v1?join_request={text}")
}
