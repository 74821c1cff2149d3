//! The machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::media::{Kind, LinkFault, LinkId, LinkState, RoomToMedia, TrackId, TurnServer, TurnTransport};
use subrosa_messages::{Capture, Pii};

use super::super::failure::Failure;
use super::super::loading::lost;
use super::super::moderation::{self, Medium, Moderated, Ordered};
use super::super::muc::{self, Muc, OfFocus};
use super::super::roster::{FOCUS, Nick, Participant};
use super::event::{Action, Event, FromSocket, Sends, Settings, ToSocket};
use super::inside::{Inside, earlier};
use crate::meeting::hosts::{Hosts, Named};
use crate::signalling::colibri::{self, Wish};
use crate::signalling::jingle::Jingle;
use crate::signalling::jingle::description::ability::{Ability, CodecList};
use crate::signalling::jingle::session::{self, Fault, Peer, Reply, Request};
use crate::signalling::jingle::source::SourceName;
use crate::signalling::xmpp::asked::{NoResult, Question};
use crate::signalling::xmpp::server::{Component, Service};
use crate::signalling::xmpp::{self, Build, Jid, Stanza, element, namespace};

/// Links that find no path before the network is said to be in the way.
const PATHS: u32 = 3;
/// Lines of the chat that are shown, and for how long.
pub const LINES: usize = 4;
const LINE_STAYS: Duration = Duration::from_secs(30);
/// A picture that is shown and does not come for so long is said to be missing; a new one takes a moment.
const MISSED: Duration = Duration::from_secs(4);

/// What a question of ours is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Conference,
    Session(u64),
    OwnUnmute(Medium),
}

/// The meeting.
pub struct Joined {
    pub(super) settings: Settings,
    pub(super) muc: Muc,
    pub(super) inside: Option<Inside>,
    pub(super) waits: Option<Failure>,
    pub(super) over: Option<Failure>,
    pub(super) interrupted: bool,
    /// Of the last event.
    now: Instant,
    pub(super) focus: OfFocus,
    pub(super) hand: bool,
    /// The newest lines of the chat, and since when they stand there. They are nowhere else.
    pub(super) lines: Vec<(Instant, Option<Nick>, Pii<String>)>,
    /// Media that others may send by permission only, and whether this room has it.
    pub(super) moderated: BTreeMap<Medium, bool>,
    hosts: Hosts,
    relay: Option<TurnServer>,
    address: Option<Jid>,
    moderation: Option<String>,
    ability: Option<Ability>,
    sends: Sends,
    /// Closed by the focus: opening it in the room has to be told to it.
    forced: BTreeSet<Medium>,
    asked: BTreeMap<u64, Asked>,
    questions: u64,
    links: u64,
    pathless: u32,
    /// The room has left, or was thrown out.
    left: bool,
}

type Out = Vec<Action>;

impl Joined {
    /// On the way. The server's host is declared; nothing is done before the XMPP session tells something.
    #[must_use]
    pub fn new(settings: Settings, hosts: Hosts) -> Self {
        let links = settings.links;
        let mut muc = Muc::new(settings.muc.clone());
        // What everybody can decode, until media says what it can.
        let _not_online = muc.step(Instant::now(), muc::Event::Codecs(vec!["vp8".to_owned()]));
        Joined {
            muc,
            settings,
            inside: None,
            waits: None,
            over: None,
            interrupted: false,
            now: Instant::now(),
            focus: OfFocus::default(),
            hand: false,
            lines: Vec::new(),
            moderated: BTreeMap::new(),
            hosts,
            relay: None,
            address: None,
            moderation: None,
            ability: None,
            sends: Sends::default(),
            forced: BTreeSet::new(),
            asked: BTreeMap::new(),
            questions: 0,
            links,
            pathless: 0,
            left: false,
        }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        if self.left {
            return out;
        }
        self.now = now;
        match event {
            Event::Xmpp(told) => self.told(now, told, &mut out),
            Event::Lost(failure) => self.fail(now, failure, &mut out),
            Event::Http(Some((status, body))) => self.muc(now, muc::Event::Http(status, body), &mut out),
            Event::Http(None) => self.muc(now, muc::Event::HttpFailed, &mut out),
            Event::Bridge(socket, said) => self.socket(now, socket, said, &mut out),
            Event::MediaReady { h264 } => self.media_ready(now, Ability { h264 }, &mut out),
            Event::MediaLost => {
                self.ability = None;
                if let Some(inside) = &mut self.inside {
                    inside.arrived.clear();
                    inside.moving.clear();
                }
                self.session(now, session::Event::MediaLost, &mut out);
            }
            Event::Answered { link, sdp } => self.session(now, session::Event::Answered { link, sdp }, &mut out),
            Event::Link { link, state } => self.link(now, link, state, &mut out),
            Event::Track(track, _) => {
                if let Some(inside) = &mut self.inside {
                    inside.arrived.insert(track);
                }
            }
            Event::Picture(track, moves) => {
                if let Some(inside) = &mut self.inside {
                    if moves {
                        inside.moving.insert(track)
                    } else {
                        inside.moving.remove(&track)
                    };
                }
            }
            Event::Channel { link, open } => {
                let event = if open { colibri::Event::Opened } else { colibri::Event::Closed { goodbye: false } };
                self.over_data_channel(now, link, event, &mut out);
            }
            Event::Data(link, text) => self.over_data_channel(now, link, colibri::Event::Text(text), &mut out),
            Event::Sends(sends) => self.sends(now, sends, &mut out),
            Event::Password(password) => {
                self.waits = None;
                self.muc(now, muc::Event::Password(password), &mut out);
            }
            Event::Hand(hand) => {
                self.hand = hand.is_some();
                self.muc(now, muc::Event::Hand(hand), &mut out);
            }
            Event::Say(line) => self.muc(now, muc::Event::Say(line), &mut out),
            Event::Leave => self.leave(now, &mut out),
            Event::Tick => self.tick(now, &mut out),
        }
        self.settle(now, &mut out);
        out
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.left {
            return None;
        }
        let inside =
            self.inside.as_ref().and_then(|inside| earlier(inside.session.deadline(), inside.channel.deadline()));
        let line = self.lines.first().map(|(since, ..)| *since + LINE_STAYS);
        let missed = self.inside.iter().flat_map(|inside| inside.missing.values()).map(|since| *since + MISSED);
        let missed = missed.filter(|due| *due > self.now).min();
        earlier(earlier(self.muc.deadline(), inside), earlier(line, missed))
    }

    /// A picture that is shown has not come for too long.
    pub(super) fn is_missed(&self, inside: &Inside, source: &SourceName) -> bool {
        inside.missing.get(source).is_some_and(|since| *since + MISSED <= self.now)
    }

    /// The hosts of this meeting (P5).
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// To ask for contact.
    pub fn hosts_mut(&mut self) -> &mut Hosts {
        &mut self.hosts
    }

    /// Somebody else is there and a session with the bridge: the captures are wanted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.session.link().is_some())
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        self.inside.as_ref().map(Inside::heard).unwrap_or_default()
    }

    /// The last number of a link that was used.
    #[must_use]
    pub fn links(&self) -> u64 {
        self.links
    }

    /// Why it is over, once it is.
    #[must_use]
    pub fn over(&self) -> Option<Failure> {
        self.over
    }

    fn told(&mut self, now: Instant, told: xmpp::Told, out: &mut Out) {
        match told {
            xmpp::Told::Online(jid) => {
                self.interrupted = false;
                self.address = Some(jid.clone());
                self.muc(now, muc::Event::Online(jid), out);
            }
            xmpp::Told::Resumed => self.interrupted = false,
            xmpp::Told::Interrupted(_) => self.interrupted = true,
            xmpp::Told::Server(components) => self.components(&components),
            xmpp::Told::Services(services) => self.services(&services),
            xmpp::Told::Stanza(stanza) => self.stanza(now, stanza, out),
            xmpp::Told::Answer(question, answer) => self.answered(now, question, answer, out),
            xmpp::Told::Failed(fault) => {
                let failure = lost(fault, None, self.address.is_some());
                self.fail(now, failure, out);
            }
            xmpp::Told::Stopped => {}
        }
    }

    fn components(&mut self, components: &[Component]) {
        let moderation = components.iter().find(|component| component.kind == "av_moderation");
        self.moderation = moderation.map(|component| component.address.clone());
    }

    /// The relay that the server offers: over TLS if there is one, since it passes where nothing else does.
    fn services(&mut self, services: &[Service]) {
        let usable = |kind: &str| {
            services.iter().find(|one| one.kind == kind && one.username.is_some() && one.password.is_some())
        };
        let Some(service) = usable("turns").or_else(|| usable("turn")) else { return };
        let (Some(user), Some(password)) = (service.username.clone(), service.password.clone()) else { return };
        let (transport, port) = match (service.kind.as_str(), service.transport.as_deref()) {
            ("turns", _) => (TurnTransport::Tls, 5349),
            (_, Some("tcp")) => (TurnTransport::Tcp, 3478),
            (_, _) => (TurnTransport::Udp, 3478),
        };
        self.hosts.declare(&service.host, Named::AsRelay);
        let port = service.port.unwrap_or(port);
        self.relay =
            Some(TurnServer { host: service.host.clone(), port, transport, user, password, relay_only: false });
    }

    fn stanza(&mut self, now: Instant, stanza: Stanza, out: &mut Out) {
        let room = self.settings.muc.room.reveal().to_owned();
        match stanza.0.name() {
            "iq" => self.asked_of_us(now, &stanza.0, &room, out),
            "message" => {
                let moderated =
                    self.moderation.as_deref().and_then(|from| moderation::moderated(&stanza.0, from, &room));
                match moderated {
                    Some(Moderated::Enabled(medium, true)) => drop(self.moderated.insert(medium, false)),
                    Some(Moderated::Enabled(medium, false)) => drop(self.moderated.remove(&medium)),
                    Some(Moderated::Approved(medium, approved)) => {
                        if let Some(has) = self.moderated.get_mut(&medium) {
                            *has = approved;
                        }
                    }
                    None => self.muc(now, muc::Event::Stanza(stanza), out),
                }
            }
            _ => self.muc(now, muc::Event::Stanza(stanza), out),
        }
    }

    /// An IQ that the XMPP session hands on: a mute, or Jingle.
    fn asked_of_us(&mut self, now: Instant, iq: &Element, room: &str, out: &mut Out) {
        if let Some(jingle) = Jingle::inside(iq) {
            let (Some(from), Some(id)) = (iq.attr("from").and_then(Jid::new), iq.attr("id")) else { return };
            if self.inside.is_none() {
                send(element::refusal(iq, "cancel", "item-not-found"), out);
                return;
            }
            let focus = from.bare() == room && from.resource() == Some(FOCUS);
            let from = if focus { Peer::Focus } else { Peer::Occupant(Pii::new(from.reveal().to_owned())) };
            let request = Request { from, id: id.to_owned() };
            let jingle = Jingle::read(jingle).map(Box::new);
            self.session(now, session::Event::Asked(request, jingle), out);
            return;
        }
        match moderation::ordered(iq, room) {
            Some(Ordered::Mute(medium)) => {
                send(element::result(iq, None), out);
                self.forced.insert(medium);
                out.extend(capture(medium).map(Action::Mute));
            }
            Some(Ordered::Ignored) => send(element::result(iq, None), out),
            Some(Ordered::Forged) => send(element::refusal(iq, "auth", "forbidden"), out),
            None => send(element::refusal(iq, "cancel", "service-unavailable"), out),
        }
    }

    fn ask(&mut self, about: Asked, stanza: Stanza, out: &mut Out) {
        self.questions += 1;
        self.asked.insert(self.questions, about);
        out.push(Action::Xmpp(xmpp::Event::Ask(Question(self.questions), stanza)));
    }

    fn answered(&mut self, now: Instant, question: Question, answer: Result<Stanza, NoResult>, out: &mut Out) {
        match self.asked.remove(&question.0) {
            Some(Asked::Conference) => self.muc(now, muc::Event::Answer(answer), out),
            Some(Asked::Session(number)) => {
                let reply = match answer {
                    Ok(_) => Reply::Taken,
                    Err(NoResult::Refused(condition)) if condition == "resource-constraint" => Reply::RateLimited,
                    Err(NoResult::Refused(_)) => Reply::Refused,
                    Err(NoResult::TimedOut | NoResult::SessionLost | NoResult::TooMany) => Reply::Silence,
                };
                self.session(now, session::Event::Replied(number, reply), out);
            }
            Some(Asked::OwnUnmute(medium)) if answer.is_ok() => {
                self.forced.remove(&medium);
            }
            Some(Asked::OwnUnmute(_)) | None => {}
        }
    }

    fn muc(&mut self, now: Instant, event: muc::Event, out: &mut Out) {
        for action in self.muc.step(now, event) {
            match action {
                muc::Action::Post(body) => out.push(Action::Post(body)),
                muc::Action::Ask(stanza) => self.ask(Asked::Conference, stanza, out),
                muc::Action::Send(stanza) => out.push(Action::Xmpp(xmpp::Event::Send(stanza))),
                muc::Action::Tell(told) => self.placed(now, told, out),
            }
        }
    }

    fn placed(&mut self, now: Instant, told: muc::Told, out: &mut Out) {
        match told {
            muc::Told::Waits(what) => self.waits = what,
            muc::Told::In(occupant) => self.enter(now, &occupant, out),
            muc::Told::Out => self.go_out(now, out),
            muc::Told::Here(nick, participant) => self.here(now, &nick, &participant, out),
            muc::Told::Gone(nick) => {
                if let Some(endpoint) = Inside::of(&nick) {
                    if let Some(inside) = &mut self.inside {
                        inside.unheard.remove(&endpoint);
                        inside.speaker = inside.speaker.take().filter(|speaker| *speaker != endpoint);
                    }
                    self.session(now, session::Event::Left(endpoint), out);
                }
            }
            muc::Told::Focus(says) => {
                self.focus = says;
                if says.records {
                    self.recorded(now, out);
                }
            }
            muc::Told::Said(who, line) => {
                self.lines.push((now, who, line));
                let more = self.lines.len().saturating_sub(LINES);
                self.lines.drain(..more);
            }
            muc::Told::Over(failure) => self.fail(now, failure, out),
        }
    }

    fn enter(&mut self, now: Instant, occupant: &Jid, out: &mut Out) {
        self.waits = None;
        let inside = self.address.as_ref().and_then(|address| Inside::new(occupant, address, self.links));
        let Some(inside) = inside else { return self.fail(now, Failure::ServerFault, out) };
        self.inside = Some(inside);
        // Those who were there before us.
        let people: Vec<(Nick, Participant)> =
            self.muc.people().iter().map(|(nick, one)| (nick.clone(), one.clone())).collect();
        for (nick, participant) in people {
            self.here(now, &nick, &participant, out);
        }
        if let Some(ability) = self.ability {
            self.media_ready(now, ability, out);
        }
    }

    fn here(&mut self, now: Instant, nick: &Nick, participant: &Participant, out: &mut Out) {
        if participant.recorder {
            self.recorded(now, out);
        }
        if participant.end_to_end && !self.left {
            self.fail(now, Failure::EndToEndOn, out);
        }
        if let Some(endpoint) = Inside::of(nick) {
            let codecs = (!participant.codecs.is_empty()).then(|| participant.codecs.join(","));
            self.session(now, session::Event::Codecs(endpoint, CodecList::read(codecs.as_deref())), out);
        }
    }

    fn recorded(&mut self, now: Instant, out: &mut Out) {
        if self.settings.leaves_when_recorded && !self.left {
            self.fail(now, Failure::RecordingPolicy, out);
        }
    }

    fn media_ready(&mut self, now: Instant, ability: Ability, out: &mut Out) {
        self.ability = Some(ability);
        let codecs = ability.published().split(',').map(str::to_owned).collect();
        self.muc(now, muc::Event::Codecs(codecs), out);
        self.session(now, session::Event::MediaReady(ability), out);
    }

    fn link(&mut self, now: Instant, link: LinkId, state: LinkState, out: &mut Out) {
        let ours = self.inside.as_ref().is_some_and(|inside| inside.session.link() == Some(link));
        match state {
            LinkState::Verified if ours => self.pathless = 0,
            LinkState::Failed(LinkFault::Path) if ours => self.pathless += 1,
            LinkState::Connecting
            | LinkState::Verified
            | LinkState::Silent
            | LinkState::Failed(_)
            | LinkState::Closed => {}
        }
        if self.pathless >= PATHS {
            return self.fail(now, Failure::NetworkBlocksMedia, out);
        }
        self.session(now, session::Event::Link { link, state }, out);
    }

    fn session(&mut self, now: Instant, event: session::Event, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        for action in inside.session.step(now, event) {
            // One before may have ended it all.
            if self.inside.is_some() {
                self.session_does(now, action, out);
            }
        }
    }

    fn session_does(&mut self, now: Instant, action: session::Action, out: &mut Out) {
        match action {
            session::Action::Acknowledge(request) => {
                let result = Element::bare("iq", namespace::CLIENT).with("type", "result");
                send(self.to(&request.from, result).with("id", request.id), out);
            }
            session::Action::Refuse(request, refusal) => {
                let error = Element::bare("iq", namespace::CLIENT).with("type", "error").child(refusal.write());
                send(self.to(&request.from, error).with("id", request.id), out);
            }
            session::Action::Ask(peer, number, jingle) => {
                let iq = Element::bare("iq", namespace::CLIENT).with("type", "set").child(jingle.write());
                let iq = self.to(&peer, iq);
                self.ask(Asked::Session(number), Stanza(iq), out);
            }
            session::Action::Media(message) => self.media(message, out),
            session::Action::Channel(way) => {
                if let Some(inside) = &mut self.inside {
                    inside.no_channel = false;
                }
                self.channel(now, colibri::Event::Reach(way), out);
            }
            session::Action::Streams => {}
            session::Action::StartMuted(muted) => {
                let both = [(muted.audio, Capture::Microphone), (muted.video, Capture::Camera)];
                out.extend(both.into_iter().filter(|(muted, _)| *muted).map(|(_, capture)| Action::Mute(capture)));
            }
            session::Action::Rejoin => self.muc(now, muc::Event::Rejoin, out),
            session::Action::Fault(Fault::Certificate) => self.fail(now, Failure::BridgeNotGenuine, out),
            session::Action::Fault(Fault::Offer(_)) => self.fail(now, Failure::ServerFault, out),
        }
    }

    fn to(&self, peer: &Peer, iq: Element) -> Element {
        match peer {
            Peer::Focus => {
                let focus = self.settings.muc.room.with_resource(FOCUS);
                iq.with("to", focus.as_ref().map(Jid::reveal))
            }
            Peer::Occupant(address) => iq.with("to", address.reveal().as_str()),
        }
    }

    /// Media is told what the session wants; whom it will contact is declared first (P5).
    fn media(&mut self, message: RoomToMedia, out: &mut Out) {
        let message = match message {
            RoomToMedia::OpenLink { link, side, lines, data_channel, relay: _ } => {
                self.links = self.links.max(link.0);
                let relay = self.relay.clone();
                if let Some(relay) = &relay {
                    let _declared_with_it = self.hosts.contact(&relay.host);
                }
                RoomToMedia::OpenLink { link, side, lines, data_channel, relay }
            }
            RoomToMedia::Description { link, kind, sdp, candidates } => {
                for address in addresses(sdp.reveal()) {
                    self.hosts.declare(address, Named::AsBridge);
                    let _declared_just_now = self.hosts.contact(address);
                }
                RoomToMedia::Description { link, kind, sdp, candidates }
            }
            other => other,
        };
        out.push(Action::Media(message));
    }

    fn channel(&mut self, now: Instant, event: colibri::Event, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        for action in inside.channel.step(now, event) {
            if self.inside.is_some() {
                self.channel_does(now, action, out);
            }
        }
    }

    fn channel_does(&mut self, now: Instant, action: colibri::Action, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        match action {
            colibri::Action::Connect(address) => {
                inside.socket += 1;
                if let Some(host) = host(address.reveal()) {
                    self.hosts.declare(&host, Named::AsBridge);
                }
                out.push(Action::Bridge(inside.socket, ToSocket::Connect(address)));
            }
            colibri::Action::Disconnect => out.push(Action::Bridge(inside.socket, ToSocket::Close)),
            colibri::Action::Send(text) => match inside.session.link().filter(|_| inside.socket == 0) {
                Some(link) => out.push(Action::Data(link, text)),
                None => out.push(Action::Bridge(inside.socket, ToSocket::Send(text))),
            },
            colibri::Action::Picture(wish) => {
                let link = inside.session.link();
                self.session(now, session::Event::Watched(wish != Wish::Nothing), out);
                let height = match wish {
                    Wish::Height(height) => Some(height),
                    Wish::Nothing | Wish::Whole => None,
                };
                out.extend(link.map(|link| Action::Media(RoomToMedia::Limit { link, height })));
            }
            colibri::Action::Speaks(speaker) => inside.speaker = speaker.or(inside.speaker.take()),
            colibri::Action::Missing(sources) => {
                let since = |source: &SourceName| inside.missing.get(source).copied().unwrap_or(now);
                inside.missing = sources.into_iter().map(|source| (source.clone(), since(&source))).collect();
            }
            colibri::Action::Connection(endpoint, active) => {
                if active {
                    inside.unheard.remove(&endpoint)
                } else {
                    inside.unheard.insert(endpoint)
                };
            }
            // Of SSRC rewriting, which is not published; of nothing that is shown.
            colibri::Action::Mapped(..) | colibri::Action::Estimate(_) | colibri::Action::Told(..) => {}
            colibri::Action::Lost => self.session(now, session::Event::ChannelLost, out),
            colibri::Action::NoChannel => inside.no_channel = true,
        }
    }

    fn socket(&mut self, now: Instant, socket: u64, said: FromSocket, out: &mut Out) {
        // Of an older one: it is over.
        if self.inside.as_ref().is_none_or(|inside| inside.socket != socket) {
            return;
        }
        let event = match said {
            FromSocket::Opened => colibri::Event::Opened,
            FromSocket::Text(text) => colibri::Event::Text(text),
            FromSocket::Closed { goodbye } => colibri::Event::Closed { goodbye },
        };
        self.channel(now, event, out);
    }

    fn over_data_channel(&mut self, now: Instant, link: LinkId, event: colibri::Event, out: &mut Out) {
        let ours = |inside: &Inside| inside.session.link() == Some(link) && inside.socket == 0;
        if self.inside.as_ref().is_some_and(ours) {
            self.channel(now, event, out);
        }
    }

    fn sends(&mut self, now: Instant, sends: Sends, out: &mut Out) {
        let before = std::mem::replace(&mut self.sends, sends);
        self.channel(now, colibri::Event::Camera(sends.picture), out);
        let opened = [(Medium::Audio, before.sound, sends.sound), (Medium::Video, before.picture, sends.picture)];
        for (medium, before, after) in opened {
            // Somebody in the room has opened what the focus had closed: the bridge lets it through when the focus knows.
            if after && !before && self.forced.contains(&medium) && self.inside.is_some() {
                self.own_unmute(medium, out);
            }
        }
    }

    /// Recording 05: `<mute jid="room/own">false</mute>` to the focus, after the switch (P2).
    fn own_unmute(&mut self, medium: Medium, out: &mut Out) {
        let Some(inside) = &self.inside else { return };
        let room = &self.settings.muc.room;
        let (Some(own), Some(focus)) = (room.with_resource(inside.endpoint.as_str()), room.with_resource(FOCUS)) else {
            return;
        };
        let namespace = match medium {
            Medium::Audio => "http://jitsi.org/jitmeet/audio",
            Medium::Video => "http://jitsi.org/jitmeet/video",
            Medium::Desktop => return,
        };
        let mute = Element::bare("mute", namespace).with("jid", own.reveal()).holding("false");
        let stanza = Stanza(element::iq("set", focus.reveal(), mute));
        self.ask(Asked::OwnUnmute(medium), stanza, out);
    }

    /// Brings everything in line: who is shown, what is asked for, what is published of the room's own streams.
    fn settle(&mut self, now: Instant, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        let (names, shown) = inside.choose(&self.muc, self.settings.screen);
        let own = |kind| SourceName::of(&inside.endpoint, kind, 0).as_str().to_owned();
        let mut muted = BTreeMap::new();
        if inside.session.link().is_some() {
            muted.insert(own(Kind::Audio), !self.sends.sound);
            muted.insert(own(Kind::Video), !self.sends.picture);
        }
        if inside.shown != names {
            inside.shown.clone_from(&names);
            self.session(now, session::Event::Wanted(names), out);
        }
        self.channel(now, colibri::Event::Shows(shown), out);
        self.muc(now, muc::Event::Muted(muted), out);
    }

    fn tick(&mut self, now: Instant, out: &mut Out) {
        self.lines.retain(|(since, ..)| *since + LINE_STAYS > now);
        self.muc(now, muc::Event::Tick, out);
        self.session(now, session::Event::Tick, out);
        self.channel(now, colibri::Event::Tick, out);
    }

    fn go_out(&mut self, now: Instant, out: &mut Out) {
        self.session(now, session::Event::Ended, out);
        self.channel(now, colibri::Event::Ended, out);
        self.inside = None;
        self.focus = OfFocus::default();
        self.moderated.clear();
        self.forced.clear();
        self.asked.retain(|_, about| *about == Asked::Conference);
    }

    fn leave(&mut self, now: Instant, out: &mut Out) {
        if self.left {
            return;
        }
        self.go_out(now, out);
        self.left = true;
        self.muc(now, muc::Event::Leave, out);
        self.lines.clear();
        out.push(Action::Xmpp(xmpp::Event::Stop));
    }

    fn fail(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        if self.left {
            return;
        }
        self.leave(now, out);
        self.over = Some(failure);
        out.push(Action::Over(failure));
    }
}

fn send(stanza: Element, out: &mut Out) {
    out.push(Action::Xmpp(xmpp::Event::Send(Stanza(stanza))));
}

fn capture(medium: Medium) -> Option<Capture> {
    match medium {
        Medium::Audio => Some(Capture::Microphone),
        Medium::Video => Some(Capture::Camera),
        // This room shares no screen.
        Medium::Desktop => None,
    }
}

/// The addresses of a description's candidates (RFC 8839, section 5.1).
fn addresses(sdp: &str) -> impl Iterator<Item = &str> {
    sdp.lines().filter_map(|line| line.trim_end().strip_prefix("a=candidate:")?.split(' ').nth(4))
}

fn host(address: &str) -> Option<String> {
    url::Url::parse(address).ok()?.host_str().map(str::to_owned)
}
