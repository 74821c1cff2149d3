//! What media answers, and the session-accept that says the same to jicofo.

use subrosa_messages::Pii;
use subrosa_messages::media::{Codec, Kind};

use super::super::content::{Content, Description, Extension, Feedback, Media, PayloadType, Side};
use super::super::error::JingleError;
use super::super::source::{EndpointId, Group, Semantics, Source, SourceName, Sources, VideoType};
use super::super::stanza::{Action, Jingle};
use super::super::transport::{Fingerprint, SctpMap, Setup, Transport};
use super::ability::{self, Ability};
use super::lines::BRIDGE;
use super::offer::Offer;
use crate::signalling::lines::{ROOM_AUDIO, ROOM_VIDEO};
use crate::signalling::sdp::{Sdp, Section};

/// The SSRCs that the room sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Local {
    /// Of its sound.
    pub audio: Option<u32>,
    /// Of its picture.
    pub video: Option<u32>,
    /// Of the retransmissions of its picture. webrtcbin makes a new one for each answer, and uses it.
    pub retransmission: Option<u32>,
}

/// Us, as the conference knows us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ourselves {
    /// Our id on the bridge.
    pub endpoint: EndpointId,
    /// Our full address.
    pub address: Pii<String>,
    /// What we can do.
    pub ability: Ability,
}

/// What media has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    credentials: (Pii<String>, Pii<String>),
    fingerprint: Fingerprint,
    audio: (Vec<PayloadType>, Vec<Extension>),
    video: (Vec<PayloadType>, Vec<Extension>),
    data: bool,
    /// What we send.
    pub local: Local,
}

impl Answer {
    /// Reads media's description.
    ///
    /// # Errors
    /// When it does not answer our lines, or not as the side that waits in DTLS.
    pub fn read(text: &str) -> Result<Self, JingleError> {
        let sdp = Sdp::read(text);
        let line = |mid| sdp.line(mid).ok_or(JingleError::Missing("line in media's answer"));
        let (audio, video) = (line(ROOM_AUDIO)?, line(ROOM_VIDEO)?);
        let of_session = |name| sdp.attribute(audio, name).ok_or(JingleError::Missing("transport in media's answer"));
        let (hash, digest) = of_session("fingerprint")?.split_once(' ').ok_or(JingleError::Invalid("fingerprint"))?;
        let setup = Setup::read(of_session("setup")?)?;
        // The bridge takes no RSA certificate of a client.
        if setup != Setup::Passive {
            return Err(JingleError::Invalid("setup in media's answer"));
        }
        let (video_ssrc, retransmission) = ssrcs(video);
        Ok(Answer {
            credentials: (Pii::new(of_session("ice-ufrag")?.to_owned()), Pii::new(of_session("ice-pwd")?.to_owned())),
            fingerprint: Fingerprint {
                hash: hash.to_ascii_lowercase(),
                digest: digest.trim().to_owned(),
                setup: Some(setup),
                required: None,
            },
            audio: (payload_types(audio), extensions(audio)),
            video: (payload_types(video), extensions(video)),
            data: sdp.line(BRIDGE).is_some_and(|line| line.head().nth(1) != Some("0")),
            local: Local { audio: ssrcs(audio).0, video: video_ssrc, retransmission },
        })
    }

    /// The session-accept. There are no candidates in it: the bridge learns our address from our checks (RFC 8445,
    /// section 7.3.1.3), and nobody else has any business with it.
    ///
    /// # Errors
    /// When a codec of ours was not offered.
    pub fn accept(&self, offer: &Offer, ourselves: &Ourselves) -> Result<Jingle, JingleError> {
        let mut jingle = Jingle::new(Action::SessionAccept, offer.sid.clone());
        jingle.initiator.clone_from(&offer.initiator);
        jingle.responder = Some(ourselves.address.clone());
        let all = sources(&ourselves.endpoint, self.local);
        let offered = [(Kind::Audio, &offer.audio, &self.audio), (Kind::Video, &offer.video, &self.video)];
        for (kind, (name, offered), (answered, extensions)) in offered {
            let mut payload_types = answered.clone();
            restore_names(&mut payload_types, offered);
            for codec in ourselves.ability.codecs(kind) {
                complete(&mut payload_types, offered, *codec)?;
            }
            let of_kind = |source: &&Source| source.kind == kind;
            let description = Description {
                payload_types,
                extensions: extensions.clone(),
                rtcp_mux: true,
                sources: Sources {
                    sources: all.sources.iter().filter(of_kind).cloned().collect(),
                    groups: all.groups.iter().filter(|group| group.kind == kind).cloned().collect(),
                },
                ..Description::empty(Media::Rtp(kind))
            };
            jingle.contents.push(self.content(name, description, None));
        }
        if let Some((name, port, streams)) = offer.data.as_ref().filter(|_| self.data) {
            let sctp = SctpMap { port: *port, protocol: "webrtc-datachannel".into(), streams: *streams };
            jingle.contents.push(self.content(name, Description::empty(Media::Data), Some(sctp)));
        }
        jingle.bundle = jingle.contents.iter().map(|content| content.name.clone()).collect();
        Ok(jingle)
    }

    fn content(&self, name: &str, description: Description, sctp: Option<SctpMap>) -> Content {
        Content {
            name: name.to_owned(),
            creator: Some(Side::Responder),
            senders: Some("both".into()),
            description: Some(description),
            transport: Some(Transport {
                credentials: Some(self.credentials.clone()),
                fingerprints: vec![self.fingerprint.clone()],
                sctp,
                ..Transport::default()
            }),
        }
    }
}

/// What we send, as sources: `<id>-a0` and `<id>-v0`. Both are declared once and stay, muted or not.
///
/// The rules are jicofo's: an msid for each stream that nobody else has, the same for all SSRCs of a group.
#[must_use]
pub fn sources(endpoint: &EndpointId, local: Local) -> Sources {
    let mut sources = Sources::default();
    let mut push = |kind, ssrc: u32, letter: char, word| {
        sources.sources.push(Source {
            ssrc,
            kind,
            name: Some(SourceName::of(endpoint, kind, 0)),
            owner: None,
            msid: Some(Pii::new(format!("{0}-{word}-0-1 {0}-{letter}0-1", endpoint.as_str()))),
            shows: (kind == Kind::Video).then_some(VideoType::Camera),
        });
    };
    if let Some(ssrc) = local.audio {
        push(Kind::Audio, ssrc, 'a', "audio");
    }
    for ssrc in [local.video, local.video.and(local.retransmission)].into_iter().flatten() {
        push(Kind::Video, ssrc, 'v', "video");
    }
    if let (Some(video), Some(retransmission)) = (local.video, local.retransmission) {
        let semantics = Semantics::FlowIdentification;
        sources.groups.push(Group { kind: Kind::Video, semantics, ssrcs: vec![video, retransmission] });
    }
    sources
}

/// The first SSRC of a line, and that of its retransmissions.
fn ssrcs(line: &Section<'_>) -> (Option<u32>, Option<u32>) {
    let group = line.attributes("ssrc-group").find_map(|group| {
        let mut words = group.split(' ');
        let is_retransmission = words.next() == Some("FID");
        let [first, second] = [(); 2].map(|()| words.next().and_then(|word| word.parse().ok()));
        is_retransmission.then_some((first?, second?))
    });
    match group {
        Some((first, second)) => (Some(first), Some(second)),
        None => {
            let first = line.attribute("ssrc").and_then(|value| value.split(' ').next());
            (first.and_then(|number| number.parse().ok()).filter(|ssrc: &u32| *ssrc != 0), None)
        }
    }
}

fn payload_types(line: &Section<'_>) -> Vec<PayloadType> {
    let ids = line.head().skip(3).filter_map(|word| word.parse::<u8>().ok()).filter(|id| *id < 128);
    ids.filter_map(|id| payload_type(line, id)).collect()
}

/// The part of an attribute's value that is about this payload type.
fn about(value: &str, id: u8) -> Option<&str> {
    let (number, rest) = value.split_once(' ')?;
    (number.parse() == Ok(id)).then_some(rest.trim())
}

fn payload_type(line: &Section<'_>, id: u8) -> Option<PayloadType> {
    let map = line.attributes("rtpmap").find_map(|value| about(value, id))?;
    let mut words = map.split('/');
    let (name, clock_rate) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
    let channels = words.next().and_then(|channels| channels.parse().ok());
    let parameters = line.attributes("fmtp").filter_map(|value| about(value, id)).flat_map(|value| value.split(';'));
    let parameters = parameters.filter_map(|pair| pair.trim().split_once('='));
    let feedback = line.attributes("rtcp-fb").filter_map(|value| about(value, id)).map(|value| {
        let (kind, subtype) = value.split_once(' ').map_or((value, None), |(kind, subtype)| (kind, Some(subtype)));
        Feedback { kind: kind.to_owned(), subtype: subtype.map(str::to_owned) }
    });
    Some(PayloadType {
        id,
        name,
        clock_rate,
        channels,
        parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        feedback: feedback.collect(),
    })
}

fn extensions(line: &Section<'_>) -> Vec<Extension> {
    let extensions = line.attributes("extmap").filter_map(|value| {
        let mut words = value.split(' ');
        // The number may have a direction, the URI attributes after it (RFC 8285, section 8).
        let id = words.next()?.split('/').next()?.parse().ok()?;
        Some(Extension { id, uri: words.next()?.to_owned() })
    });
    extensions.collect()
}

/// webrtcbin shouts: OPUS. The names are jicofo's.
fn restore_names(payload_types: &mut [PayloadType], offered: &Description) {
    for payload in payload_types {
        if let Some(known) = offered.payload_types.iter().find(|known| known.id == payload.id) {
            payload.name.clone_from(&known.name);
        }
    }
}

/// Adds a codec that this line does not send, but that others may send to us.
fn complete(payload_types: &mut Vec<PayloadType>, offered: &Description, codec: Codec) -> Result<(), JingleError> {
    let (payload, retransmission) = match ability::offered(offered, codec) {
        Ok(found) => found,
        // A server without H.264 is one to which we send VP8.
        Err(_) if codec == Codec::H264 => return Ok(()),
        Err(error) => return Err(error),
    };
    if payload_types.iter().any(|known| known.id == payload.id) {
        return Ok(());
    }
    payload_types.push(PayloadType {
        parameters: ability::parameters(payload),
        feedback: ability::feedback(payload).cloned().collect(),
        ..payload.clone()
    });
    payload_types.extend(retransmission.map(|rtx| PayloadType { feedback: Vec::new(), ..rtx.clone() }));
    Ok(())
}
