//! The machine of the Jingle session.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::media::{Codec, LinkFault, LinkId, LinkState, Mid, RoomToMedia, TrackId};

use super::super::description::ability::{Ability, CodecList};
use super::super::description::{Offer, Ourselves, Stream, Streams, audio_or};
use super::super::error::JingleError;
use super::super::source::{EndpointId, Owner, SourceName};
use super::super::stanza::{Action as Word, BridgeSession, Condition, Jingle, Reason, SessionId};
use super::event::{Action, Event, Fault, Peer, Refusal, Reply, Request, Way};
use super::live::{HEARD_AGAIN, Live, Phase};
use super::restarts::Restarts;

/// After a loss, before a restart is asked for: the focus may know already, and offer another bridge by itself.
const PATIENCE: Duration = Duration::from_secs(2);
/// An offer that was asked for comes within a second, or not before the bridge is back (20 s, recording 06a).
const OFFERED_AGAIN: Duration = Duration::from_secs(60);
/// Before the session is restarted because somebody cannot decode what we send.
const WORSE: Duration = Duration::from_secs(1);
/// Before it is restarted because everybody could decode something that costs this device less.
const BETTER: Duration = Duration::from_secs(30);
/// People whose codecs are kept.
const PEOPLE: usize = 1000;

/// The session, or its absence.
enum State {
    /// None is offered: the room is alone, or has not been noticed yet.
    None,
    /// One is offered, and media is away.
    Held(Box<Offer>, Streams),
    /// One is there.
    Live(Box<Live>),
    /// It broke, and a restart is asked for at that time.
    Broken {
        sid: SessionId,
        initiator: Option<Pii<String>>,
        bridge: Option<BridgeSession>,
        why: Condition,
        ask_at: Instant,
    },
    /// A restart was asked for; another one is offered, or else.
    Restarting { until: Instant, asked: u64 },
    /// The bridge was not who it had to be. Nothing is taken any more.
    Refused,
}

/// The Jingle session with the focus.
pub struct Session {
    endpoint: EndpointId,
    address: Pii<String>,
    media: Option<Ability>,
    lists: BTreeMap<EndpointId, CodecList>,
    wanted: Vec<SourceName>,
    watched: bool,
    restarts: Restarts,
    links: u64,
    asked: u64,
    /// The session is to be restarted then, for another codec of our own.
    other_codec_at: Option<Instant>,
    state: State,
}

impl Session {
    /// Without a session. `address` is our full address, `links` the last number of a link that was used.
    #[must_use]
    pub fn new(endpoint: EndpointId, address: Pii<String>, links: u64) -> Self {
        Session {
            endpoint,
            address,
            media: None,
            lists: BTreeMap::new(),
            wanted: Vec::new(),
            watched: true,
            restarts: Restarts::default(),
            links,
            asked: 0,
            other_codec_at: None,
            state: State::None,
        }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Asked(request, Err(_)) => out.push(Action::Refuse(request, Refusal::BadRequest)),
            Event::Asked(request, Ok(jingle)) => match request.from {
                Peer::Focus => self.focus_asks(now, request, &jingle, &mut out),
                Peer::Occupant(_) => self.occupant_asks(request, &jingle, &mut out),
            },
            Event::Replied(number, reply) => self.replied(now, number, reply, &mut out),
            Event::Answered { link, sdp } => self.answered(now, link, &sdp, &mut out),
            Event::Link { link, state } => self.link_is(now, link, state, &mut out),
            Event::ChannelLost => self.break_off(now, Condition::FailedApplication, &mut out),
            Event::MediaReady(ability) => {
                self.media = Some(ability);
                if let State::Held(..) = self.state
                    && let State::Held(offer, streams) = std::mem::replace(&mut self.state, State::None)
                {
                    self.open(now, *offer, Some(streams), &mut out);
                }
                // Its encoder may have failed since.
                self.compare_codecs(now);
            }
            Event::MediaLost => {
                self.media = None;
                if let State::Live(live) = &self.state {
                    // Its links are gone with it: nothing is to be closed.
                    let broken = broken(live, Condition::Gone, now);
                    self.state = broken;
                    out.push(Action::Streams);
                }
            }
            Event::Codecs(endpoint, list) => {
                if self.lists.len() < PEOPLE || self.lists.contains_key(&endpoint) {
                    self.lists.insert(endpoint, list);
                }
                self.settle(now, None, &mut out);
                self.compare_codecs(now);
            }
            Event::Left(endpoint) => {
                self.lists.remove(&endpoint);
                self.change_streams(now, |streams| streams.forget(&endpoint), &mut out);
                self.compare_codecs(now);
            }
            Event::Wanted(wanted) => {
                self.wanted = wanted;
                self.settle(now, None, &mut out);
            }
            Event::Watched(watched) => {
                if std::mem::replace(&mut self.watched, watched) != watched
                    && let State::Live(live) = &self.state
                {
                    live.watched(watched, &mut out);
                }
            }
            Event::Ended => {
                self.close(&mut out);
                self.state = State::None;
                self.lists.clear();
                self.restarts.forget();
            }
            Event::Tick => {}
        }
        self.look_at_the_clock(now, &mut out);
        out
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::None | State::Held(..) | State::Refused => None,
            State::Live(live) => [live.deadline(), self.other_codec_at].into_iter().flatten().min(),
            State::Broken { ask_at, .. } => Some(*ask_at),
            State::Restarting { until, .. } => Some(*until),
        }
    }

    /// Every stream that the focus has named in this session.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        let streams = match &self.state {
            State::Live(live) => Some(&live.streams),
            State::Held(_, streams) => Some(streams),
            State::None | State::Broken { .. } | State::Restarting { .. } | State::Refused => None,
        };
        streams.into_iter().flat_map(Streams::iter)
    }

    /// Whose an SSRC is. It decides whose a picture is, not the line on which it came.
    #[must_use]
    pub fn who(&self, ssrc: u32) -> Option<&Stream> {
        self.live().and_then(|live| live.streams.who(ssrc))
    }

    /// Where a stream arrives.
    #[must_use]
    pub fn track(&self, name: &SourceName) -> Option<TrackId> {
        let live = self.live()?;
        live.lines.of(name).map(|slot| TrackId { link: live.link, mid: slot.mid.clone() })
    }

    /// The stream that should arrive there.
    #[must_use]
    pub fn expected(&self, link: LinkId, mid: &Mid) -> Option<&SourceName> {
        self.live().filter(|live| live.link == link).and_then(|live| live.lines.occupant(mid))
    }

    /// The link, while there is one.
    #[must_use]
    pub fn link(&self) -> Option<LinkId> {
        self.live().map(|live| live.link)
    }

    fn live(&self) -> Option<&Live> {
        match &self.state {
            State::Live(live) => Some(live),
            State::None | State::Held(..) | State::Broken { .. } | State::Restarting { .. } | State::Refused => None,
        }
    }

    fn focus_asks(&mut self, now: Instant, request: Request, jingle: &Jingle, out: &mut Vec<Action>) {
        let known = self.sid() == Some(&jingle.sid);
        match jingle.action {
            Word::SessionInitiate => self.offered(now, request, jingle, known, out),
            // Of what we have not offered.
            Word::SessionAccept => out.push(Action::Refuse(request, Refusal::BadRequest)),
            Word::TransportReplace | Word::Unused => out.push(Action::Refuse(request, Refusal::NotImplemented)),
            Word::SourceAdd
            | Word::SourceRemove
            | Word::SessionInfo
            | Word::TransportInfo
            | Word::ContentModify
            | Word::SessionTerminate
                if !known =>
            {
                out.push(Action::Refuse(request, Refusal::UnknownSession));
            }
            Word::SourceAdd | Word::SourceRemove => match jingle.sources() {
                Ok(sources) => {
                    out.push(Action::Acknowledge(request));
                    let adds = jingle.action == Word::SourceAdd;
                    let change =
                        |streams: &mut Streams| if adds { streams.add(&sources) } else { streams.remove(&sources) };
                    self.change_streams(now, change, out);
                }
                Err(_) => out.push(Action::Refuse(request, Refusal::BadRequest)),
            },
            // Answers to what we never ask for: restarts of ICE, sizes.
            Word::SessionInfo | Word::TransportInfo | Word::ContentModify => out.push(Action::Acknowledge(request)),
            Word::SessionTerminate => {
                out.push(Action::Acknowledge(request));
                self.close(out);
            }
        }
    }

    /// Two browsers would now talk to each other without the bridge. The room stays with the bridge.
    fn occupant_asks(&mut self, request: Request, jingle: &Jingle, out: &mut Vec<Action>) {
        match jingle.action {
            Word::SessionInitiate => {
                let from = request.from.clone();
                out.push(Action::Acknowledge(request));
                let mut decline = Jingle::new(Word::SessionTerminate, jingle.sid.clone());
                decline.initiator.clone_from(&jingle.initiator);
                decline.reason = Some(Reason { condition: Condition::Decline, text: None });
                self.asked += 1;
                out.push(Action::Ask(from, self.asked, Box::new(decline)));
            }
            Word::SessionAccept
            | Word::SessionInfo
            | Word::SessionTerminate
            | Word::SourceAdd
            | Word::SourceRemove
            | Word::TransportInfo
            | Word::TransportReplace
            | Word::ContentModify
            | Word::Unused => out.push(Action::Refuse(request, Refusal::UnknownSession)),
        }
    }

    fn sid(&self) -> Option<&SessionId> {
        match &self.state {
            State::Live(live) => Some(&live.offer.sid),
            State::Held(offer, _) => Some(&offer.sid),
            State::Broken { sid, .. } => Some(sid),
            State::None | State::Restarting { .. } | State::Refused => None,
        }
    }

    fn offered(&mut self, now: Instant, request: Request, jingle: &Jingle, known: bool, out: &mut Vec<Action>) {
        if let State::Refused = self.state {
            out.push(Action::Refuse(request, Refusal::NotImplemented));
            return;
        }
        if known {
            // The same once more.
            out.push(Action::Acknowledge(request));
            return;
        }
        match Offer::read(jingle) {
            Ok(offer) => {
                out.push(Action::Acknowledge(request));
                self.close(out);
                if let Some(muted) = offer.start_muted.filter(|muted| muted.audio || muted.video) {
                    out.push(Action::StartMuted(muted));
                }
                self.open(now, offer, None, out);
            }
            Err(error) => {
                out.push(Action::Refuse(request, Refusal::BadRequest));
                out.push(Action::Fault(Fault::Offer(error)));
            }
        }
    }

    /// Opens the link of an offer, or keeps the offer until media is there. `streams`: those of an offer that was kept.
    fn open(&mut self, now: Instant, offer: Offer, streams: Option<Streams>, out: &mut Vec<Action>) {
        let Some(ability) = self.media else {
            let mut first = Streams::default();
            first.add(&offer.sources);
            self.state = State::Held(Box::new(offer), first);
            return;
        };
        self.links += 1;
        let room = self.room_codec(ability);
        let mut live = Live::new(offer, LinkId(self.links), room);
        if let Some(streams) = streams {
            live.streams = streams;
        }
        live.lines.settle(&live.streams, &self.wanted, |stream| self.codec(stream));
        match live.open(now, self.watched, out) {
            Ok(()) => {
                self.other_codec_at = None;
                self.state = State::Live(Box::new(live));
                out.push(Action::Streams);
            }
            Err(error) => out.push(Action::Fault(Fault::Offer(error))),
        }
    }

    fn room_codec(&self, ability: Ability) -> Codec {
        ability.sends(self.lists.values())
    }

    /// As what a stream comes, so long as everybody keeps to the lists.
    fn codec(&self, stream: &Stream) -> Option<Codec> {
        let ours = CodecList::read(self.media.map(Ability::published));
        let everybody = self.lists.values().chain([&ours]);
        let Owner::Endpoint(owner) = &stream.owner else { return None };
        let unknown = CodecList::read(None);
        audio_or(stream, self.lists.get(owner).unwrap_or(&unknown).sends(everybody))
    }

    fn change_streams(&mut self, now: Instant, change: impl FnOnce(&mut Streams), out: &mut Vec<Action>) {
        match &mut self.state {
            State::Held(_, streams) => change(streams),
            State::Live(live) => {
                let before = live.streams.clone();
                change(&mut live.streams);
                self.settle(now, Some(before), out);
            }
            State::None | State::Broken { .. } | State::Restarting { .. } | State::Refused => {}
        }
    }

    fn settle(&mut self, now: Instant, before: Option<Streams>, out: &mut Vec<Action>) {
        let mut live = match std::mem::replace(&mut self.state, State::None) {
            State::Live(live) => live,
            // Nothing to settle: what is held or broken stays so.
            other @ (State::None
            | State::Held(..)
            | State::Broken { .. }
            | State::Restarting { .. }
            | State::Refused) => {
                self.state = other;
                return;
            }
        };
        let before = before.unwrap_or_else(|| live.streams.clone());
        let settled = live.settle(now, &before, &self.wanted, |stream| self.codec(stream), out);
        self.state = State::Live(live);
        self.judge(now, settled, out);
    }

    /// A description that cannot be made or used is the end of this session, not of the meeting.
    fn judge(&mut self, now: Instant, result: Result<(), JingleError>, out: &mut Vec<Action>) {
        if result.is_err() {
            self.break_off(now, Condition::FailedApplication, out);
        }
    }

    fn compare_codecs(&mut self, now: Instant) {
        let (State::Live(live), Some(ability)) = (&self.state, self.media) else { return };
        let best = self.room_codec(ability);
        let after = if best == Codec::H264 { BETTER } else { WORSE };
        self.other_codec_at = (best != live.room).then(|| self.other_codec_at.unwrap_or(now + after));
    }

    fn answered(&mut self, now: Instant, link: LinkId, sdp: &Pii<String>, out: &mut Vec<Action>) {
        let Some(ability) = self.media else { return };
        let ourselves = Ourselves { endpoint: self.endpoint.clone(), address: self.address.clone(), ability };
        let State::Live(live) = &mut self.state else { return };
        if live.link != link {
            return;
        }
        let first = live.phase == Phase::Opening;
        let result = live.answered(now, sdp.reveal(), &ourselves, &mut self.asked, out);
        if first && result.is_ok() && live.phase != Phase::Opening {
            let way = match (&live.offer.data, live.offer.web_sockets.as_slice()) {
                (Some(_), _) => Way::DataChannel(link),
                (None, []) => Way::None,
                (None, addresses) => Way::WebSocket(addresses.to_vec()),
            };
            out.push(Action::Channel(way));
        }
        self.judge(now, result, out);
    }

    fn replied(&mut self, now: Instant, number: u64, reply: Reply, out: &mut Vec<Action>) {
        let taken = reply == Reply::Taken;
        match &mut self.state {
            State::Live(live) => {
                if live.replied(number, taken, &self.endpoint, &mut self.asked, out) {
                    self.break_off(now, Condition::FailedApplication, out);
                }
            }
            State::Restarting { asked, .. } if *asked == number => match reply {
                Reply::Taken | Reply::Silence => {}
                Reply::RateLimited | Reply::Refused => self.rejoin(out),
            },
            State::None | State::Held(..) | State::Broken { .. } | State::Restarting { .. } | State::Refused => {}
        }
    }

    fn link_is(&mut self, now: Instant, link: LinkId, state: LinkState, out: &mut Vec<Action>) {
        let State::Live(live) = &mut self.state else { return };
        if live.link != link {
            return;
        }
        match state {
            LinkState::Connecting | LinkState::Closed => {}
            LinkState::Silent => {
                let due = now + HEARD_AGAIN;
                live.verify_by = Some(live.verify_by.map_or(due, |earlier| earlier.min(due)));
            }
            LinkState::Verified => live.verify_by = None,
            LinkState::Failed(LinkFault::Path) => self.break_off(now, Condition::ConnectivityError, out),
            LinkState::Failed(LinkFault::Description | LinkFault::Pipeline) => {
                self.break_off(now, Condition::FailedApplication, out);
            }
            LinkState::Failed(LinkFault::Fingerprint) => {
                let terminate =
                    terminate(live.offer.sid.clone(), live.offer.initiator.clone(), Condition::SecurityError);
                self.asked += 1;
                out.push(Action::Ask(Peer::Focus, self.asked, Box::new(terminate)));
                self.close(out);
                self.state = State::Refused;
                out.push(Action::Fault(Fault::Certificate));
            }
        }
    }

    /// The session is of no more use; a restart is asked for soon.
    fn break_off(&mut self, now: Instant, why: Condition, out: &mut Vec<Action>) {
        if let State::Live(live) = &self.state {
            let broken = broken(live, why, now);
            self.close(out);
            self.state = broken;
        }
    }

    /// Closes the link, if there is one. There is no session then.
    fn close(&mut self, out: &mut Vec<Action>) {
        if let State::Live(live) = &self.state {
            out.push(Action::Media(RoomToMedia::CloseLink { link: live.link }));
            out.push(Action::Streams);
        }
        if !matches!(self.state, State::Refused) {
            self.state = State::None;
        }
        self.other_codec_at = None;
    }

    fn rejoin(&mut self, out: &mut Vec<Action>) {
        self.close(out);
        self.restarts.forget();
        out.push(Action::Rejoin);
    }

    fn look_at_the_clock(&mut self, now: Instant, out: &mut Vec<Action>) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if let State::Live(live) = &self.state {
            if due(live.verify_by) {
                self.break_off(now, Condition::ConnectivityError, out);
            } else if due(live.answer_by) {
                self.break_off(now, Condition::FailedApplication, out);
            } else if due(self.other_codec_at) {
                self.break_off(now, Condition::Success, out);
            }
        }
        match &self.state {
            State::Broken { ask_at, .. } if due(Some(*ask_at)) => self.ask_for_restart(now, out),
            State::Restarting { until, .. } if due(Some(*until)) => self.rejoin(out),
            State::None
            | State::Held(..)
            | State::Live(_)
            | State::Broken { .. }
            | State::Restarting { .. }
            | State::Refused => {}
        }
    }

    fn ask_for_restart(&mut self, now: Instant, out: &mut Vec<Action>) {
        let State::Broken { sid, initiator, bridge, why, ask_at } = &mut self.state else { return };
        match self.restarts.next(now) {
            Some(allowed) if allowed > now => *ask_at = allowed,
            None => self.rejoin(out),
            Some(_) => {
                let mut jingle = terminate(sid.clone(), initiator.clone(), *why);
                jingle.bridge_session = bridge.clone().map(|session| BridgeSession { restart: true, ..session });
                self.restarts.asked(now);
                self.asked += 1;
                out.push(Action::Ask(Peer::Focus, self.asked, Box::new(jingle)));
                self.state = State::Restarting { until: now + OFFERED_AGAIN, asked: self.asked };
            }
        }
    }
}

fn terminate(sid: SessionId, initiator: Option<Pii<String>>, condition: Condition) -> Jingle {
    let mut jingle = Jingle::new(Word::SessionTerminate, sid);
    jingle.initiator = initiator;
    let text = match condition {
        Condition::ConnectivityError => Some("no path to the bridge"),
        Condition::FailedApplication => Some("media failed"),
        Condition::Gone => Some("media restarted"),
        Condition::Success => Some("another codec"),
        Condition::SecurityError => Some("another certificate"),
        Condition::Expired | Condition::Decline | Condition::General => None,
    };
    jingle.reason = Some(Reason { condition, text: text.map(str::to_owned) });
    jingle
}

/// After the loss of a path the focus is given a moment; everything else is our own, and asked for at once.
fn broken(live: &Live, why: Condition, now: Instant) -> State {
    let patience = if why == Condition::ConnectivityError { PATIENCE } else { Duration::ZERO };
    State::Broken {
        sid: live.offer.sid.clone(),
        initiator: live.offer.initiator.clone(),
        bridge: live.offer.bridge_session.clone(),
        why,
        ask_at: now + patience,
    }
}
