//! The machine.

mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::signal_response::Message as Said;
use livekit_protocol::{
    DisconnectReason, JoinResponse, LeaveRequest, MuteTrackRequest, ParticipantPermission, Ping, ReconnectResponse,
    SignalRequest, SignalResponse, SyncState, TrackPublishedResponse, TrackSource, UpdateSubscription,
};
use prost::Message;
use subrosa_messages::media::{LinkFault, LinkId, LinkState, RoomToMedia, Size, TurnServer};
use subrosa_messages::{Capture, Pii};

use super::address::{Version, address};
use super::event::{Action, End, Event, Settings, Told, Watched};
use super::link::Link;
use super::people::People;
use super::relay::relay;
use super::subscriber::Subscriber;
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
    version: Version,
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
    /// What we offer.
    link: Option<Link>,
    /// What the server offers, where it has two connections for everybody.
    subscriber: Option<Subscriber>,
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
            version: Version::One,
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
            subscriber: None,
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

    /// Which track is on which line of [`Session::receiving`], by `sid`.
    pub fn slots(&self) -> impl Iterator<Item = (&str, &str)> {
        let ours = self.link.as_ref().map(|link| &link.slots);
        let slots = self.subscriber.as_ref().map(|subscriber| &subscriber.slots).or(ours);
        slots.into_iter().flatten().map(|(mid, track)| (mid.as_str(), track.as_str()))
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

    /// The link on which the room sends.
    #[must_use]
    pub fn sending(&self) -> Option<LinkId> {
        self.link.as_ref().map(|link| link.id)
    }

    /// The link on which others come; the same where there is one only.
    #[must_use]
    pub fn receiving(&self) -> Option<LinkId> {
        match &self.subscriber {
            Some(theirs) => theirs.id,
            None => self.sending(),
        }
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
        let ours = self.link.as_ref().and_then(Link::deadline);
        let theirs = self.subscriber.as_ref().and_then(Subscriber::deadline);
        let link = [ours, theirs].into_iter().flatten().min().filter(|_| self.socket == Socket::Greeted);
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
                self.subscriber = None;
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
            Event::Answered { link, sdp } => {
                if let Some(theirs) = self.subscriber.as_mut().filter(|theirs| theirs.id == Some(link)) {
                    theirs.answered(&sdp, &mut out);
                }
            }
            Event::Link { link, state } => {
                if [self.sending(), self.receiving()].contains(&Some(link)) {
                    self.link_is(now, link, state, &mut out);
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
            let theirs = self.subscriber.as_mut();
            if theirs.is_some_and(|theirs| !theirs.negotiate(now, &self.people, &mut out)) {
                self.restart(now, &mut out);
            }
        }
        out
    }

    fn tick(&mut self, now: Instant, out: &mut Out) {
        match self.socket {
            Socket::Away(until) if until <= now => {
                self.socket = Socket::Knocks(now);
                let resume = self.own.as_deref().filter(|_| self.link.is_some());
                let address = address(self.version, resume);
                out.push(Action::Connect { address, token: self.token.clone() });
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
        if self.version == Version::Two {
            // To resume, the server would begin ICE anew on its connection, which webrtcbin 1.22 does not follow.
            self.forget(out);
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
        let links = [self.link.take().map(|link| link.id), self.subscriber.take().and_then(|theirs| theirs.id)];
        out.extend(links.into_iter().flatten().map(|link| Action::Media(RoomToMedia::CloseLink { link })));
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
            // It does not know this way in: the one before it is tried at once.
            Some(404) if self.version == Version::One && !self.was_greeted => {
                self.version = Version::Two;
                self.socket = Socket::Away(now);
            }
            Some(404) if !self.was_greeted => self.end(End::NotFound, out),
            Some(500 | 503) if !self.interrupted => self.end(End::Full, out),
            Some(_) | None => self.lost(now, out),
        }
    }

    fn link_is(&mut self, now: Instant, link: LinkId, state: LinkState, out: &mut Out) {
        match state {
            LinkState::Verified => self.pathless = 0,
            LinkState::Failed(LinkFault::Fingerprint) => self.end(End::NotGenuine, out),
            LinkState::Failed(fault) => {
                // It is gone already.
                self.link.take_if(|ours| ours.id == link);
                self.subscriber.take_if(|theirs| theirs.id == Some(link));
                self.pathless += u32::from(fault == LinkFault::Path);
                if self.pathless >= PATHS {
                    return self.end(End::NoPath, out);
                }
                self.restart(now, out);
            }
            // Where nobody sends anything, nothing has to come.
            LinkState::Silent if self.receiving() == Some(link) && self.slots().next().is_some() => {
                self.restart(now, out);
            }
            LinkState::Connecting | LinkState::Silent | LinkState::Closed => {}
        }
    }

    fn open_link(&mut self, out: &mut Out) {
        let (Some(h264), None, Socket::Greeted) = (self.media, &self.link, self.socket) else { return };
        self.links += 1;
        let (id, relay) = (LinkId(self.links), self.relay.clone());
        self.link = Some(Link::open(id, h264, &self.settings, self.version == Version::One, relay, out));
        if let Some(theirs) = &mut self.subscriber {
            self.links += 1;
            theirs.open(LinkId(self.links), self.relay.clone(), out);
        }
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
        self.subscriber = (self.version == Version::Two).then(Subscriber::default);
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
