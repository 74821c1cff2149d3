//! The link that we offer: what is announced of it, what was offered, and what the answers say. With slots it is the only one of a session;
//! without them, others come on the [`super::subscriber`]'s.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use livekit_protocol::request_response::{Reason, Request};
use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::{
    AddTrackRequest, BackupCodecPolicy, MuteTrackRequest, ParticipantPermission, RequestResponse, SessionDescription,
    SimulcastCodec, TrackInfo, TrackPublishedResponse, TrackSource, TrackType, VideoLayer, VideoQuality,
};
use subrosa_messages::Pii;
use subrosa_messages::media::{
    Codec, DataChannel, DescriptionKind, Direction, Kind, Line, LinkId, Mid, RoomToMedia, Size, Source as Sent,
    TurnServer,
};

use super::candidates::Candidates;
use super::event::{Action, Settings, Told};
use super::offer;
use super::packet::CHANNEL;
use super::people::Source;
use super::session::{Out, capture, mute, say};
use crate::signalling::Sends;
use crate::signalling::lines::{ROOM_AUDIO, ROOM_VIDEO, ROOM_VIDEO_BESIDE, slot_audio, slot_video};

/// An announced track is confirmed within this time.
const CONFIRMED: Duration = Duration::from_secs(2);
/// What the picture costs at its largest, as the server is told, in bit/s.
const BITRATE: u32 = 2_500_000;

/// What the two codecs of the room's picture are called, where there are two.
pub const FIRST: &str = "h264";
pub const BESIDE: &str = "vp8";

/// A track of ours.
#[derive(Clone, Debug)]
struct Own {
    source: TrackSource,
    cid: String,
    sid: Option<String>,
    /// As the server was told.
    muted: bool,
    info: Option<TrackInfo>,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Link {
    pub id: LinkId,
    mids: Vec<String>,
    own: Vec<Own>,
    /// The picture was announced in two codecs.
    pub two: bool,
    offer: Option<Pii<String>>,
    /// Tracks may still be confirmed until then.
    announced: Option<Instant>,
    said: u32,
    unanswered: bool,
    again: bool,
    /// The newest answer, until media has it.
    unread: Option<Pii<String>>,
    candidates: Candidates,
    answer: Option<SessionDescription>,
    /// Which track is on which slot.
    pub slots: BTreeMap<String, String>,
}

impl Link {
    /// Has it opened, with all that it will ever have.
    pub fn open(
        id: LinkId,
        h264: bool,
        settings: &Settings,
        with_slots: bool,
        relay: Option<TurnServer>,
        out: &mut Out,
    ) -> Self {
        let picture = if h264 { Codec::H264 } else { Codec::Vp8 };
        // Slots first: of the codecs of pictures the server goes by the first line that has any (pion's `MediaEngine`), and a slot has all.
        // Without slots, one that nobody comes on: it has both codecs in which the room sends.
        let (pictures, voices) = if with_slots { (settings.pictures, settings.voices) } else { (usize::from(h264), 0) };
        let mut lines: Vec<Line> = (0..pictures).map(|slot| Line::slot(&slot_video(slot).0)).collect();
        let voice = |slot| Line::new(&slot_audio(slot).0, Codec::Opus, Direction::Receive);
        lines.extend((0..voices).map(voice));
        lines.push(Line::new(ROOM_VIDEO, picture, Direction::Send));
        if h264 {
            // Rests until somebody is there who has no H.264.
            lines.push(Line::new(ROOM_VIDEO_BESIDE, Codec::Vp8, Direction::Send));
        }
        lines.push(Line::new(ROOM_AUDIO, Codec::Opus, Direction::Send));
        let mids =
            lines.iter().filter(|line| line.direction == Direction::Receive).map(|line| line.mid.0.clone()).collect();
        let data_channels = vec![DataChannel::called(CHANNEL)];
        out.push(Action::Media(RoomToMedia::OpenLink {
            link: id,
            side: DescriptionKind::Offer,
            lines,
            data_channels,
            relay,
        }));
        for (mid, source) in [(ROOM_VIDEO, Sent::RoomVideo), (ROOM_AUDIO, Sent::RoomAudio)] {
            out.push(Action::Media(RoomToMedia::Send { link: id, mid: Mid(mid.to_owned()), source }));
        }
        Link {
            id,
            mids,
            own: Vec::new(),
            two: false,
            offer: None,
            announced: None,
            said: 0,
            unanswered: false,
            again: false,
            unread: None,
            candidates: Candidates::default(),
            answer: None,
            slots: BTreeMap::new(),
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let announced = self.announced.filter(|_| self.said == 0);
        [announced, self.candidates.deadline()].into_iter().flatten().min()
    }

    /// Media has made the offer: what of it is ours is announced, as far as it is allowed.
    pub fn offered(
        &mut self,
        now: Instant,
        sdp: Pii<String>,
        permission: &ParticipantPermission,
        sends: Sends,
        picture: Size,
        out: &mut Out,
    ) {
        if self.offer.is_some() {
            return;
        }
        for (mid, source) in [(ROOM_VIDEO, TrackSource::Camera), (ROOM_AUDIO, TrackSource::Microphone)] {
            // An empty list forbids nothing.
            let sources = &permission.can_publish_sources;
            if !permission.can_publish || !(sources.is_empty() || sources.contains(&source.into())) {
                out.push(Action::Tell(Told::MayNotSend(of(source))));
                continue;
            }
            let Some(cid) = offer::track_id(sdp.reveal(), mid) else { continue };
            let muted = !is_open(source, sends);
            let beside = offer::track_id(sdp.reveal(), ROOM_VIDEO_BESIDE);
            self.two |= beside.is_some();
            say(Ask::AddTrack(announcement(source, cid, beside, muted, picture)), out);
            self.own.push(Own { source, cid: cid.to_owned(), sid: None, muted, info: None });
        }
        self.offer = Some(sdp);
        self.announced = Some(now + CONFIRMED);
    }

    /// The server wants another offer, or has to be asked once more.
    pub fn again(&mut self) {
        self.again = true;
    }

    /// The server is spoken with again: what it had not answered it will not answer any more.
    pub fn resumed(&mut self) {
        (self.again, self.unanswered) = (true, false);
    }

    /// Offers, and hands the answer on, when it is time.
    pub fn negotiate(&mut self, now: Instant, out: &mut Out) {
        if self.candidates.are_there(now)
            && let Some(answer) = self.unread.take()
        {
            let (kind, sdp) = (DescriptionKind::Answer, self.candidates.put_into(&answer));
            out.push(Action::Media(RoomToMedia::Description { link: self.id, kind, sdp, candidates: true }));
        }
        let Some(offer) = &self.offer else { return };
        let confirmed = self.own.iter().all(|own| own.sid.is_some());
        let first = self.said == 0 && (confirmed || self.announced.is_none_or(|until| until <= now));
        if !first && (self.said == 0 || !self.again || self.unanswered) {
            return;
        }
        self.said += 1;
        (self.again, self.unanswered) = (false, true);
        let sdp = offer::again(offer.reveal(), self.said);
        say(
            Ask::Offer(SessionDescription {
                r#type: "offer".to_owned(),
                sdp,
                id: self.said,
                ..SessionDescription::default()
            }),
            out,
        );
    }

    pub fn answered(&mut self, now: Instant, answer: SessionDescription, out: &mut Out) {
        // One to an older offer knows less.
        if answer.id != self.said || self.said == 0 {
            return;
        }
        self.unanswered = false;
        let slots = answer.mid_to_track_id.iter().filter(|(mid, _)| self.mids.contains(mid));
        let slots = slots.map(|(mid, track)| (mid.clone(), track.clone())).collect();
        self.unread = Some(Pii::new(answer.sdp.clone()));
        self.answer = Some(answer);
        self.candidates.begin(now);
        if std::mem::replace(&mut self.slots, slots) != self.slots {
            out.push(Action::Tell(Told::Slots));
        }
    }

    pub fn trickled(&mut self, init: &str, last: bool) {
        self.candidates.came(init, last);
    }

    pub fn published(&mut self, published: TrackPublishedResponse, sends: Sends, out: &mut Out) {
        let Some(own) = self.own.iter_mut().find(|own| own.cid == published.cid) else { return };
        let Some(info) = published.track else { return };
        own.sid = Some(info.sid.clone());
        own.info = Some(info);
        // It may have been opened or closed since it was announced.
        self.mute(sends, out);
    }

    /// The server says what became of a wish: a track that is forbidden is none.
    pub fn refused(&mut self, response: &RequestResponse, out: &mut Out) {
        let Some(Request::AddTrack(refused)) = &response.request else { return };
        if response.reason() == Reason::NotAllowed
            && let Some(place) = self.own.iter().position(|own| own.sid.is_none() && own.cid == refused.cid)
        {
            let own = self.own.remove(place);
            out.push(Action::Tell(Told::MayNotSend(of(own.source))));
        }
    }

    pub fn unpublished(&mut self, sid: &str, out: &mut Out) {
        for own in self.own.iter_mut().filter(|own| own.sid.as_deref() == Some(sid)) {
            own.sid = None;
            out.push(Action::Tell(Told::MayNotSend(of(own.source))));
        }
    }

    /// The server is told what is open and what is not, where that has changed.
    pub fn mute(&mut self, sends: Sends, out: &mut Out) {
        for own in &mut self.own {
            let muted = !is_open(own.source, sends);
            if let Some(sid) = &own.sid
                && std::mem::replace(&mut own.muted, muted) != muted
            {
                mute(sid, muted, out);
            }
        }
    }

    /// The server mutes a track, or wants it open. It is never opened by that (P2).
    pub fn muted(&mut self, wish: &MuteTrackRequest, sends: Sends, out: &mut Out) {
        let Some(own) = self.own.iter_mut().find(|own| own.sid.as_deref() == Some(&wish.sid)) else { return };
        let Some(capture) = capture(own.source) else { return };
        if wish.muted {
            own.muted = true;
            mute(&wish.sid, true, out);
            out.push(Action::Tell(Told::Mute(capture)));
        } else {
            own.muted = !is_open(own.source, sends);
            mute(&wish.sid, own.muted, out);
            out.push(Action::Tell(Told::UnmuteRefused(capture)));
        }
    }

    /// Whether this is the room's picture.
    pub fn is_picture(&self, sid: &str) -> bool {
        self.own.iter().any(|own| own.source == TrackSource::Camera && own.sid.as_deref() == Some(sid))
    }

    /// What both have agreed on, for a server that has to be reminded.
    pub fn announced(&self) -> impl Iterator<Item = TrackPublishedResponse> {
        let confirmed = self.own.iter().filter(|own| own.sid.is_some());
        confirmed.map(|own| TrackPublishedResponse { cid: own.cid.clone(), track: own.info.clone() })
    }

    pub fn last_offer(&self) -> Option<SessionDescription> {
        let sdp = offer::again(self.offer.as_ref().filter(|_| self.said > 0)?.reveal(), self.said);
        Some(SessionDescription { r#type: "offer".to_owned(), sdp, id: self.said, ..SessionDescription::default() })
    }

    pub fn last_answer(&self) -> Option<SessionDescription> {
        self.answer.clone()
    }
}

fn codecs(first: &str, beside: &str) -> Vec<SimulcastCodec> {
    let named = |codec: &str, cid: &str| SimulcastCodec {
        codec: codec.to_owned(),
        cid: cid.to_owned(),
        ..SimulcastCodec::default()
    };
    vec![named(FIRST, first), named(BESIDE, beside)]
}

fn is_open(source: TrackSource, sends: Sends) -> bool {
    match source {
        TrackSource::Camera => sends.picture,
        TrackSource::Microphone => sends.sound,
        _ => false,
    }
}

fn of(source: TrackSource) -> Source {
    if source == TrackSource::Camera { Source::Camera } else { Source::Microphone }
}

/// What is said of a track. `beside`: what the same picture is called in VP8, where the first is in H.264.
fn announcement(source: TrackSource, cid: &str, beside: Option<&str>, muted: bool, picture: Size) -> AddTrackRequest {
    let request = AddTrackRequest {
        cid: cid.to_owned(),
        source: source.into(),
        muted,
        stream: "camera".to_owned(),
        ..AddTrackRequest::default()
    };
    let kind = if source == TrackSource::Camera { Kind::Video } else { Kind::Audio };
    match kind {
        // One picture in one size: no simulcast.
        Kind::Video => AddTrackRequest {
            r#type: TrackType::Video.into(),
            width: picture.width,
            height: picture.height,
            layers: vec![VideoLayer {
                quality: VideoQuality::High.into(),
                width: picture.width,
                height: picture.height,
                bitrate: BITRATE,
                ..VideoLayer::default()
            }],
            simulcast_codecs: beside.map(|beside| codecs(cid, beside)).unwrap_or_default(),
            // Who can take the first goes on with it.
            backup_codec_policy: BackupCodecPolicy::Simulcast.into(),
            ..request
        },
        // Sound is sent once: RED would double it.
        Kind::Audio => AddTrackRequest { disable_red: true, ..request },
    }
}
