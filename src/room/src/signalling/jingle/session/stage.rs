//! What tests play the session with: a focus that says what recordings hold, and a media that answers as webrtcbin does.

use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::{LinkId, RoomToMedia};

use super::super::description::ability::{Ability, CodecList};
use super::super::source::EndpointId;
use super::super::stanza::{Action as Word, Jingle, SessionId};
use super::event::{Action, Event, Peer, Request};
use super::machine::Session;
use crate::signalling::jingle::recordings::frames;
use crate::signalling::recording;

pub const US: &str = "5c346d26";

pub fn endpoint(id: &str) -> EndpointId {
    EndpointId::read(id).unwrap()
}

pub fn list(text: &str) -> CodecList {
    CodecList::read(Some(text))
}

/// A session of ours with media that can do H.264.
pub fn session(now: Instant) -> Session {
    let mut session = Session::new(endpoint(US), Pii::new(format!("{US}@example.org/1")), 0);
    session.step(now, Event::MediaReady(Ability { h264: true }));
    session
}

fn recorded(action: Word, sid: &str) -> Jingle {
    let frames = frames(&recording::read("15a-native-sctp-vp8/N"));
    let jingles = frames.iter().map(|(_, iq)| Jingle::read(Jingle::inside(iq).unwrap()).unwrap());
    let mut jingle = jingles.into_iter().find(|jingle| jingle.action == action).unwrap();
    jingle.sid = SessionId(sid.into());
    jingle
}

/// The offer of recording 15a, under this name.
pub fn initiate(sid: &str) -> Jingle {
    thread_local!(static OFFER: Jingle = recorded(Word::SessionInitiate, ""));
    Jingle { sid: SessionId(sid.into()), ..OFFER.with(Clone::clone) }
}

/// The sources of the other participant of recording 15a.
pub fn sources(action: Word, sid: &str) -> Jingle {
    thread_local!(static SOURCES: Jingle = recorded(Word::SourceAdd, ""));
    Jingle { sid: SessionId(sid.into()), action, ..SOURCES.with(Clone::clone) }
}

/// Whose sources these are.
pub const OTHER: &str = "55cc5571";

/// A message with nothing in it.
pub fn bare(action: Word, sid: &str) -> Jingle {
    Jingle::new(action, SessionId(sid.into()))
}

pub fn asked(from: Peer, jingle: Jingle) -> Event {
    Event::Asked(Request { from, id: "q".into() }, Ok(Box::new(jingle)))
}

pub fn focus(jingle: Jingle) -> Event {
    asked(Peer::Focus, jingle)
}

/// What webrtcbin answers to a description of ours, with this SSRC for retransmissions.
pub fn answer(offer: &str, retransmission: u32) -> String {
    let mut text = String::from("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    let mut mid = "";
    let kept = ["m=", "a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:", "a=sctp-port:"];
    for line in offer.lines() {
        if kept.iter().any(|start| line.starts_with(start)) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        if let Some(named) = line.strip_prefix("a=mid:") {
            mid = named;
            text.push_str("a=ice-ufrag:room\r\na=ice-pwd:0123456789012345678901\r\na=setup:passive\r\n");
            text.push_str(&format!("a=fingerprint:sha-256 {}\r\n", ["AB"; 32].join(":")));
        }
        let ssrcs = match (line.starts_with("a=mid:"), mid) {
            (true, "room-audio") => "a=ssrc:4001 cname:x\r\n".to_owned(),
            (true, "room-video") => {
                format!(
                    "a=ssrc-group:FID 4002 {retransmission}\r\na=ssrc:4002 cname:x\r\na=ssrc:{retransmission} cname:x\r\n"
                )
            }
            _ => String::new(),
        };
        text.push_str(&ssrcs);
    }
    text
}

/// The last description for media among these actions.
pub fn description(actions: &[Action]) -> Option<(LinkId, String)> {
    actions.iter().rev().find_map(|action| match action {
        Action::Media(RoomToMedia::Description { link, sdp, .. }) => Some((*link, sdp.reveal().clone())),
        _ => None,
    })
}

/// The number of the last IQ among these actions.
pub fn number(actions: &[Action]) -> Option<u64> {
    actions.iter().rev().find_map(|action| match action {
        Action::Ask(_, number, _) => Some(*number),
        _ => None,
    })
}

/// Media's answer to the last description among these actions.
pub fn answered(actions: &[Action], retransmission: u32) -> Event {
    let (link, sdp) = description(actions).expect("a description");
    Event::Answered { link, sdp: Pii::new(answer(&sdp, retransmission)) }
}
