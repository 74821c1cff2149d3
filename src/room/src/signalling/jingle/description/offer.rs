//! What a session-initiate offers, checked: the one transport of the bundle and what may be sent over it.

use subrosa_messages::Pii;
use subrosa_messages::media::Kind;

use super::super::content::{Content, Description, Media};
use super::super::error::JingleError;
use super::super::source::Sources;
use super::super::stanza::{Action, BridgeSession, Jingle, SessionId, StartMuted};
use super::super::transport::{Candidate, Fingerprint, Transport};

/// The protocol of data channels (RFC 8841, section 15.2).
const DATA_CHANNEL: &str = "webrtc-datachannel";

/// A session that jicofo offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub sid: SessionId,
    /// Who offers it.
    pub initiator: Option<Pii<String>>,
    /// The session on the bridge; needed to ask for a restart.
    pub bridge_session: Option<BridgeSession>,
    /// ICE name and password of the bridge.
    pub credentials: (Pii<String>, Pii<String>),
    /// The bridge's certificate. Media compares all of them with what DTLS shows before anything flows (P8).
    pub fingerprints: Vec<Fingerprint>,
    /// Where the bridge is: UDP, RTP's component.
    pub candidates: Vec<Candidate>,
    /// Sound: the name of the content and what may be sent.
    pub audio: (String, Description),
    /// Picture: the name of the content and what may be sent.
    pub video: (String, Description),
    /// The data channel: the name of the content, the SCTP port, streams.
    pub data: Option<(String, u16, Option<u16>)>,
    /// Where the bridge's channel is, for those servers that have it over WebSocket.
    pub web_sockets: Vec<Pii<String>>,
    /// The sources that were there before us, the bridge's own among them.
    pub sources: Sources,
    /// The server wants us to begin muted.
    pub start_muted: Option<StartMuted>,
}

impl Offer {
    /// Checks a session-initiate.
    ///
    /// # Errors
    /// When it is none, or is one that this room cannot answer.
    pub fn read(jingle: &Jingle) -> Result<Self, JingleError> {
        if jingle.action != Action::SessionInitiate {
            return Err(JingleError::Action);
        }
        let audio = rtp(jingle, Kind::Audio, "sound in its offer")?;
        let video = rtp(jingle, Kind::Video, "picture in its offer")?;
        let transport = bundled(jingle)?;
        let data = of(jingle, Media::Data).and_then(|content| {
            // The map is in the transport of this content only.
            let sctp = content.transport.as_ref()?.sctp.as_ref()?;
            (sctp.protocol == DATA_CHANNEL && sctp.port != 0).then(|| (content.name.clone(), sctp.port, sctp.streams))
        });
        let fingerprints = transport.fingerprints.clone();
        if !fingerprints.iter().any(Fingerprint::is_strong) {
            return Err(JingleError::Missing("fingerprint that proves anything"));
        }
        Ok(Offer {
            sid: jingle.sid.clone(),
            initiator: jingle.initiator.clone(),
            bridge_session: jingle.bridge_session.clone(),
            credentials: transport.credentials.clone().ok_or(JingleError::Missing("ICE credentials"))?,
            fingerprints,
            candidates: transport.candidates.iter().filter(|candidate| is_usable(candidate)).cloned().collect(),
            audio,
            video,
            data,
            web_sockets: transport.web_sockets.clone(),
            sources: jingle.sources()?,
            start_muted: jingle.start_muted,
        })
    }
}

/// UDP, for RTP (and RTCP with it), to one host somewhere.
fn is_usable(candidate: &Candidate) -> bool {
    let address = candidate.address.reveal();
    let to_one_host = match address {
        std::net::IpAddr::V4(address) => {
            !address.is_unspecified() && !address.is_multicast() && !address.is_broadcast()
        }
        std::net::IpAddr::V6(address) => !address.is_unspecified() && !address.is_multicast(),
    };
    candidate.protocol == "udp" && candidate.component == 1 && candidate.port != 0 && to_one_host
}

fn of(jingle: &Jingle, media: Media) -> Option<&Content> {
    let is_it = |content: &&Content| content.description.as_ref().is_some_and(|known| known.media == media);
    jingle.contents.iter().find(is_it)
}

fn rtp(jingle: &Jingle, kind: Kind, what: &'static str) -> Result<(String, Description), JingleError> {
    let content = of(jingle, Media::Rtp(kind)).ok_or(JingleError::Missing(what))?;
    let description = content.description.clone().ok_or(JingleError::Missing(what))?;
    Ok((content.name.clone(), Description { sources: Sources::default(), ..description }))
}

/// The one transport that all contents share. jicofo repeats it; one that differs would be another connection, with
/// another certificate perhaps, which nobody compares.
fn bundled(jingle: &Jingle) -> Result<&Transport, JingleError> {
    let mut transports = jingle.contents.iter().filter_map(|content| content.transport.as_ref());
    let transports = transports.by_ref().filter(|transport| transport.credentials.is_some());
    let mut transports = transports.peekable();
    let first: &Transport = transports.next().ok_or(JingleError::Missing("transport"))?;
    let same = |other: &Transport| {
        other.credentials == first.credentials
            && (other.fingerprints.is_empty() || other.fingerprints == first.fingerprints)
    };
    if transports.all(same) { Ok(first) } else { Err(JingleError::Invalid("second transport")) }
}
