//! The machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use livekit_protocol::leave_request::Action as LeaveAction;
use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::signal_response::Message as Said;
use livekit_protocol::{
    ConnectionQuality, DisconnectReason, JoinResponse, LeaveRequest, MuteTrackRequest, ParticipantInfo,
    ParticipantPermission, Ping, ReconnectResponse, SignalRequest, SignalResponse, SpeakerInfo, StreamState, SyncState,
    TrackPublishedResponse, TrackSource, UpdateSubscription,
};
use prost::Message;
use subrosa_messages::media::{LinkFault, LinkId, LinkState, RoomToMedia, Size, TurnServer};
use subrosa_messages::{Capture, Pii};

use super::address::address;
use super::event::{Action, End, Event, Settings, Told, Watched};
use super::link::Link;
use super::people::People;
use super::relay::relay;
use super::wanted::wanted;
use crate::signalling::Sends;

/// A server says no more than this at once, in bytes.
const LONGEST: usize = 1 << 20;
/// It answers a request for a WebSocket, and says who is there, within this time.
const GREETING: Duration = Duration::from_secs(10);
/// Waits between attempts: this, doubled each time, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(300);
const LONGEST_WAIT: Duration = Duration::from_secs(16);
/// So many attempts without a greeting, and it is over: people wait for the first one, and a meeting that was is worth more patience.
const FIRST_ATTEMPTS: u32 = 3;
const ATTEMPTS: u32 = 8;
/// Links that find no path before the network is said to be in the way.
const PATHS: u32 = 3;
/// Of so many people it is known who spoke last.
const MOST_SPEAKERS: usize = 64;

pub(super) type Out = Vec<Action>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    /// None; one is to be opened then.
    Away(Instant),
    /// Asked for, or open and not greeted yet.
    Knocks(Instant),
    /// The server has said who is there.
    Greeted,
}

#[derive(Clone, Copy, Debug)]
struct Pings {
    every: Duration,
    patience: Duration,
    next: Instant,
    /// The server owes an answer since then.
    owed: Option<Instant>,
}

/// A session with one server, for one meeting.
#[derive(Debug)]
pub struct Session {
    pub(super) settings: Settings,
    token: Pii<String>,
    socket: Socket,
    attempts: u32,
    /// The server has let the room in at some time.
    was_greeted: bool,
    pathless: u32,
    /// Our own `sid`, from the greeting on.
    own: Option<String>,
    permission: ParticipantPermission,
    pub(super) people: People,
    /// Who spoke last, first.
    pub(super) speakers: Vec<String>,
    speaking: Vec<(String, f32)>,
    records: bool,
    relay: Option<TurnServer>,
    pings: Option<Pings>,
    media: Option<bool>,
    sends: Sends,
    pub(super) watch: Vec<Watched>,
    link: Option<Link>,
    links: u64,
    /// Tracks that are wanted of the server, with the size of a picture.
    pub(super) subscribed: BTreeMap<String, Option<Size>>,
    /// Tracks that the server holds back, since the way here is too narrow for them.
    paused: BTreeSet<String>,
    /// Whose connection is broken.
    unheard: BTreeSet<String>,
    interrupted: bool,
    over: Option<End>,
}

impl Session {
    /// With a token that was given; the first [`Event::Tick`] begins.
    #[must_use]
    pub fn new(now: Instant, settings: Settings, token: Pii<String>) -> Self {
        Session {
            links: settings.links,
            settings,
            token,
            socket: Socket::Away(now),
            attempts: 0,
            was_greeted: false,
            pathless: 0,
            own: None,
            permission: ParticipantPermission::default(),
            people: People::default(),
            speakers: Vec::new(),
            speaking: Vec::new(),
            records: false,
            relay: None,
            pings: None,
            media: None,
            sends: Sends::default(),
            watch: Vec::new(),
            link: None,
            subscribed: BTreeMap::new(),
            paused: BTreeSet::new(),
            unheard: BTreeSet::new(),
            interrupted: false,
            over: None,
        }
    }

    /// The others.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Which track is on which slot, by `sid`.
    pub fn slots(&self) -> impl Iterator<Item = (&str, &str)> {
        self.link.iter().flat_map(|link| link.slots.iter().map(|(mid, track)| (mid.as_str(), track.as_str())))
    }

    /// The server holds this track back: the way here is too narrow for it.
    #[must_use]
    pub fn is_paused(&self, track: &str) -> bool {
        self.paused.contains(track)
    }

    /// Somebody's own connection is there, as far as the server knows.
    #[must_use]
    pub fn is_connected(&self, sid: &str) -> bool {
        !self.unheard.contains(sid)
    }

    /// The link that there is.
    #[must_use]
    pub fn link(&self) -> Option<LinkId> {
        self.link.as_ref().map(|link| link.id)
    }

    /// The last number of a link that was used.
    #[must_use]
    pub fn links(&self) -> u64 {
        self.links
    }

    /// Why it is over, once it is.
    #[must_use]
    pub fn over(&self) -> Option<End> {
        self.over
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.over.is_some() {
            return None;
        }
        let socket = match self.socket {
            Socket::Away(until) => Some(until),
            Socket::Knocks(since) => Some(since + GREETING),
            Socket::Greeted => None,
        };
        let ping = self.pings.filter(|_| self.socket == Socket::Greeted).map(|pings| match pings.owed {
            Some(since) => since + pings.patience,
            None => pings.next,
        });
        let link = self.link.as_ref().filter(|_| self.socket == Socket::Greeted).and_then(Link::deadline);
        [socket, ping, link].into_iter().flatten().min()
    }

    /// Takes one event and says what is to be done. After the end nothing is.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        if self.over.is_some() {
            return out;
        }
        match event {
            Event::Opened => {}
            Event::Refused(status) => self.refused(now, status, &mut out),
            Event::Closed => {
                if !matches!(self.socket, Socket::Away(_)) {
                    self.lost(now, &mut out);
                }
            }
            Event::Message(bytes) => self.message(now, &bytes, &mut out),
            Event::MediaReady { h264 } => {
                self.media = Some(h264);
                self.open_link(&mut out);
            }
            Event::MediaLost => {
                self.media = None;
                if self.link.take().is_some() {
                    // The server holds a connection to a process that is gone.
                    self.restart(now, &mut out);
                }
            }
            Event::Offered { link, sdp } => {
                if let Some(ours) = self.link.as_mut().filter(|ours| ours.id == link) {
                    ours.offered(now, sdp, &self.permission, self.sends, self.settings.picture, &mut out);
                }
            }
            Event::Link { link, state } => {
                if self.link() == Some(link) {
                    self.link_is(now, state, &mut out);
                }
            }
            Event::Sends(sends) => {
                self.sends = sends;
                if self.socket == Socket::Greeted
                    && let Some(link) = &mut self.link
                {
                    link.mute(sends, &mut out);
                }
            }
            Event::Watch(watch) => self.watch = watch.into_iter().take(self.settings.pictures).collect(),
            Event::Leave => self.end(End::Left, &mut out),
            Event::Tick => self.tick(now, &mut out),
        }
        if self.over.is_none() && self.socket == Socket::Greeted {
            self.subscribe(&mut out);
            if let Some(link) = &mut self.link {
                link.negotiate(now, &mut out);
            }
        }
        out
    }

    fn tick(&mut self, now: Instant, out: &mut Out) {
        match self.socket {
            Socket::Away(until) if until <= now => {
                self.socket = Socket::Knocks(now);
                let resume = self.own.as_deref().filter(|_| self.link.is_some());
                out.push(Action::Connect { address: address(resume), token: self.token.clone() });
                return;
            }
            Socket::Knocks(since) if since + GREETING <= now => {
                out.push(Action::Close);
                return self.lost(now, out);
            }
            Socket::Away(_) | Socket::Knocks(_) => return,
            Socket::Greeted => {}
        }
        let Some(pings) = &mut self.pings else { return };
        match pings.owed {
            Some(since) if since + pings.patience <= now => {
                out.push(Action::Close);
                self.lost(now, out);
            }
            None if pings.next <= now => {
                pings.owed = Some(now);
                // Neither a clock nor a round trip is the server's business.
                say(Ask::PingReq(Ping::default()), out);
            }
            Some(_) | None => {}
        }
    }

    /// The WebSocket is gone, or never came.
    fn lost(&mut self, now: Instant, out: &mut Out) {
        self.attempts += 1;
        let most = if self.was_greeted { ATTEMPTS } else { FIRST_ATTEMPTS };
        if self.attempts >= most {
            return self.end(End::Unreachable, out);
        }
        let wait = FIRST_WAIT.saturating_mul(1 << (self.attempts - 1).min(8)).min(LONGEST_WAIT);
        self.socket = Socket::Away(now + wait);
        if self.own.is_some() && !std::mem::replace(&mut self.interrupted, true) {
            out.push(Action::Tell(Told::Interrupted));
        }
    }

    /// As somebody new: another link, and everybody is told again.
    fn restart(&mut self, now: Instant, out: &mut Out) {
        if !matches!(self.socket, Socket::Away(_)) {
            out.push(Action::Close);
        }
        self.lost(now, out);
        self.forget(out);
    }

    fn forget(&mut self, out: &mut Out) {
        if let Some(link) = self.link.take() {
            out.push(Action::Media(RoomToMedia::CloseLink { link: link.id }));
        }
        self.own = None;
        self.people.clear();
        self.speakers.clear();
        self.speaking.clear();
        self.subscribed.clear();
        self.paused.clear();
        self.unheard.clear();
    }

    fn end(&mut self, end: End, out: &mut Out) {
        if self.socket == Socket::Greeted && end == End::Left {
            let reason = DisconnectReason::ClientInitiated.into();
            say(Ask::Leave(LeaveRequest { reason, ..LeaveRequest::default() }), out);
        }
        if !matches!(self.socket, Socket::Away(_)) {
            out.push(Action::Close);
        }
        self.forget(out);
        self.over = Some(end);
        out.push(Action::Tell(Told::Over(end)));
    }

    fn refused(&mut self, now: Instant, status: Option<u16>, out: &mut Out) {
        if !matches!(self.socket, Socket::Knocks(_)) {
            return;
        }
        match status {
            // It has forgotten who the room was.
            Some(_) if self.own.is_some() && self.link.is_some() => {
                self.lost(now, out);
                if self.over.is_none() {
                    self.forget(out);
                }
            }
            Some(401 | 403) => self.end(End::NotAllowed, out),
            Some(404) => self.end(End::NotFound, out),
            Some(500 | 503) if !self.interrupted => self.end(End::Full, out),
            Some(_) | None => self.lost(now, out),
        }
    }

    fn link_is(&mut self, now: Instant, state: LinkState, out: &mut Out) {
        match state {
            LinkState::Verified => self.pathless = 0,
            LinkState::Failed(LinkFault::Fingerprint) => self.end(End::NotGenuine, out),
            LinkState::Failed(fault) => {
                self.link = None;
                self.pathless += u32::from(fault == LinkFault::Path);
                if self.pathless >= PATHS {
                    return self.end(End::NoPath, out);
                }
                self.restart(now, out);
            }
            // Where nobody sends anything, nothing has to come.
            LinkState::Silent if self.slots().next().is_some() => self.restart(now, out),
            LinkState::Connecting | LinkState::Silent | LinkState::Closed => {}
        }
    }

    fn open_link(&mut self, out: &mut Out) {
        let (Some(h264), None, Socket::Greeted) = (self.media, &self.link, self.socket) else { return };
        self.links += 1;
        let link = Link::open(LinkId(self.links), h264, &self.settings, self.relay.clone(), out);
        self.link = Some(link);
    }

    fn message(&mut self, now: Instant, bytes: &[u8], out: &mut Out) {
        if matches!(self.socket, Socket::Away(_)) {
            return;
        }
        let said = if bytes.len() > LONGEST { None } else { SignalResponse::decode(bytes).ok() };
        let Some(SignalResponse { message }) = said else {
            return self.end(End::Nonsense, out);
        };
        // What is newer than this room is not for it.
        let Some(message) = message else { return };
        match (self.socket, message) {
            (_, Said::Join(join)) => self.joined(now, join, out),
            (Socket::Knocks(_), Said::Reconnect(reconnect)) => self.resumed(now, &reconnect, out),
            (_, Said::Leave(leave)) => self.sent_away(now, &leave, out),
            (_, Said::RefreshToken(token)) => self.token = Pii::new(token),
            (Socket::Greeted, message) => self.said(now, message, out),
            // Before a greeting nothing of it can be right.
            (Socket::Knocks(_) | Socket::Away(_), _) => {}
        }
    }

    fn greeted(&mut self, now: Instant, out: &mut Out) {
        self.socket = Socket::Greeted;
        (self.attempts, self.was_greeted) = (0, true);
        if std::mem::take(&mut self.interrupted) {
            out.push(Action::Tell(Told::Resumed));
        }
        if let Some(pings) = &mut self.pings {
            *pings = Pings { next: now + pings.every, owed: None, ..*pings };
        }
    }

    fn joined(&mut self, now: Instant, join: JoinResponse, out: &mut Out) {
        self.forget(out);
        let own = join.participant.unwrap_or_default();
        self.own = Some(own.sid);
        self.permission = own.permission.unwrap_or_default();
        self.relay = relay(&join.ice_servers);
        let seconds = |given: i32| u64::try_from(given).ok().filter(|given| *given > 0).map(Duration::from_secs);
        self.pings = seconds(join.ping_interval).zip(seconds(join.ping_timeout)).map(|(every, patience)| Pings {
            every,
            patience,
            next: now + every,
            owed: None,
        });
        for info in join.other_participants {
            let _known = self.people.update(info);
        }
        self.greeted(now, out);
        out.extend([Action::Tell(Told::Joined), Action::Tell(Told::People)]);
        self.records(join.room.is_some_and(|room| room.active_recording), out);
        self.open_link(out);
    }

    /// The server still knows the room: it is told what both have agreed on.
    fn resumed(&mut self, now: Instant, reconnect: &ReconnectResponse, out: &mut Out) {
        let Some(link) = &mut self.link else { return self.restart(now, out) };
        self.relay = relay(&reconnect.ice_servers);
        let state = SyncState {
            offer: link.last_offer(),
            answer: link.last_answer(),
            publish_tracks: link.announced().collect::<Vec<TrackPublishedResponse>>(),
            subscription: Some(UpdateSubscription {
                track_sids: self.subscribed.keys().cloned().collect(),
                subscribe: true,
                ..UpdateSubscription::default()
            }),
            ..SyncState::default()
        };
        say(Ask::SyncState(state), out);
        link.resumed();
        link.mute(self.sends, out);
        self.greeted(now, out);
    }

    fn sent_away(&mut self, now: Instant, leave: &LeaveRequest, out: &mut Out) {
        match leave.action() {
            LeaveAction::Resume => {
                out.push(Action::Close);
                self.lost(now, out);
            }
            LeaveAction::Reconnect => self.restart(now, out),
            LeaveAction::Disconnect => {
                let end = match leave.reason() {
                    DisconnectReason::DuplicateIdentity => End::Twice,
                    DisconnectReason::ParticipantRemoved => End::Removed,
                    DisconnectReason::RoomDeleted | DisconnectReason::RoomClosed => End::RoomDeleted,
                    DisconnectReason::ServerShutdown => End::ServerGone,
                    DisconnectReason::JoinFailure => End::JoinFailed,
                    DisconnectReason::ConnectionTimeout => End::NoPath,
                    _ => End::Removed,
                };
                self.end(end, out);
            }
        }
    }

    fn records(&mut self, records: bool, out: &mut Out) {
        if std::mem::replace(&mut self.records, records) != records {
            out.push(Action::Tell(Told::Records(records)));
        }
    }

    fn said(&mut self, now: Instant, message: Said, out: &mut Out) {
        match message {
            Said::Update(update) => self.update(update.participants, out),
            Said::RoomUpdate(update) => self.records(update.room.is_some_and(|room| room.active_recording), out),
            Said::SpeakersChanged(changed) => self.speak(changed.speakers, out),
            Said::StreamStateUpdate(update) => {
                let known = |sid: &String| self.people.track(sid).is_some();
                for one in update.stream_states.into_iter().filter(|one| known(&one.track_sid)) {
                    match one.state() {
                        StreamState::Paused => self.paused.insert(one.track_sid),
                        StreamState::Active => self.paused.remove(&one.track_sid),
                    };
                }
            }
            Said::ConnectionQuality(update) => {
                for one in update.updates.into_iter().filter(|one| self.people.has(&one.participant_sid)) {
                    match one.quality() {
                        ConnectionQuality::Lost => self.unheard.insert(one.participant_sid),
                        _ => self.unheard.remove(&one.participant_sid),
                    };
                }
            }
            Said::PongResp(_) | Said::Pong(_) => {
                if let Some(pings) = &mut self.pings {
                    *pings = Pings { next: now + pings.every, owed: None, ..*pings };
                }
            }
            Said::RoomMoved(moved) => {
                self.token = Pii::new(moved.token);
                self.restart(now, out);
            }
            message => {
                let Some(link) = &mut self.link else { return };
                match message {
                    Said::Answer(answer) => link.answered(now, answer, out),
                    Said::Trickle(trickle) => link.trickled(&trickle, out),
                    Said::MediaSectionsRequirement(_) => link.again(),
                    Said::TrackPublished(published) => link.published(published, self.sends, out),
                    Said::TrackUnpublished(gone) => link.unpublished(&gone.track_sid, out),
                    Said::RequestResponse(response) => link.refused(&response, out),
                    Said::Mute(mute) => link.muted(&mute, self.sends, out),
                    Said::SubscribedQualityUpdate(update) if link.is_picture(&update.track_sid) => {
                        out.push(Action::Tell(Told::Wanted(wanted(&update.subscribed_codecs))));
                    }
                    // What is permitted, what was only asked for: nothing follows from it here.
                    _ => {}
                }
            }
        }
    }

    fn update(&mut self, participants: Vec<ParticipantInfo>, out: &mut Out) {
        let mut changed = false;
        for info in participants {
            if self.own.as_deref() == Some(&info.sid) {
                self.permission = info.permission.unwrap_or_else(|| self.permission.clone());
            } else {
                let sid = info.sid.clone();
                let before = self.people.is_heard(&sid);
                changed |= self.people.update(info);
                // The server reports only those who are heard already: who opens a microphone means to speak.
                if self.people.is_heard(&sid) && !before {
                    self.speakers.retain(|speaker| *speaker != sid);
                    self.speakers.insert(0, sid);
                    self.speakers.truncate(MOST_SPEAKERS);
                }
            }
        }
        if changed {
            self.paused.retain(|track| self.people.track(track).is_some());
            self.unheard.retain(|sid| self.people.has(sid));
            out.push(Action::Tell(Told::People));
        }
    }

    fn speak(&mut self, changed: Vec<SpeakerInfo>, out: &mut Out) {
        for one in changed {
            self.speaking.retain(|(sid, _)| *sid != one.sid);
            // An own voice is not one of the others.
            if one.active && self.people.iter().any(|(sid, _)| sid == one.sid) {
                self.speakers.retain(|sid| *sid != one.sid);
                self.speakers.insert(0, one.sid.clone());
                self.speakers.truncate(MOST_SPEAKERS);
                self.speaking.push((one.sid, one.level));
            }
        }
        self.speaking.sort_by(|one, other| other.1.total_cmp(&one.1));
        out.push(Action::Tell(Told::Speakers(self.speaking.iter().map(|(sid, _)| sid.clone()).collect())));
    }
}

/// Says something to the server.
pub(super) fn say(message: Ask, out: &mut Out) {
    let request = SignalRequest { message: Some(message) };
    out.push(Action::Send(Pii::new(request.encode_to_vec())));
}

/// How a track of ours is.
pub(super) fn mute(sid: &str, muted: bool, out: &mut Out) {
    say(Ask::Mute(MuteTrackRequest { sid: sid.to_owned(), muted }), out);
}

/// Which capture a source of ours is.
pub(super) fn capture(source: TrackSource) -> Option<Capture> {
    match source {
        TrackSource::Camera => Some(Capture::Camera),
        TrackSource::Microphone => Some(Capture::Microphone),
        _ => None,
    }
}
