//! A meeting on a LiveKit server, as a pure machine: the session with what people in the room see of it, and the errand for a token where
//! the link brings none.
//!
//! While the room is in, the server renews its token by itself, and with that one the room comes again after an interruption. Only where the
//! server refuses it is the endpoint asked for another, a few times at most.
//!
//! Nothing in here opens a capture (P2): a server's *mute* becomes [`Action::Mute`], an *unmute* becomes nothing.

use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::{LinkId, TrackId};
use url::Url;

use super::errand::{self, Errand};
use super::inside::{self, Inside, named};
use crate::meeting::elsewhere::chat::Chat;
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::event::{Action, Event};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::socket::{Frame, FromSocket, ToSocket};
use crate::meeting::hosts::{Hosts, Named};
use crate::outbound::OutboundError;
use crate::screen::view::{ConsentView, JoinedView, JoiningView, LineView, Phase};
use crate::signalling::Sends;
use crate::signalling::livekit::packet::{self, CHANNEL, Lines};
use crate::signalling::livekit::{Event as OfSession, Source};

/// How the room gets in.
#[derive(Clone, Debug)]
pub enum Entrance {
    /// With the token that the link brings.
    Token(Pii<String>),
    /// With one that is asked for.
    Errand(errand::Settings),
}

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's host, as the link names it.
    pub host: Pii<String>,
    /// Where the server is: `wss`, with a slash at the end.
    pub server: Pii<Url>,
    /// What lets in.
    pub entrance: Entrance,
    /// The operator's rule: the room leaves when the server records.
    pub leaves_when_recorded: bool,
    /// Of the half with LiveKit.
    pub inside: inside::Settings,
}

/// The meeting.
pub struct Joined {
    settings: Settings,
    errand: Option<Errand>,
    /// `None`: there is no token yet, or no longer.
    inside: Option<Inside>,
    /// The room was in.
    was_in: bool,
    /// Media here has an encoder for H.264, or not; `None`: it is not there.
    ready: Option<bool>,
    sends: Sends,
    hosts: Hosts,
    /// The number of the newest WebSocket.
    socket: u64,
    /// It is open.
    open: bool,
    lines: Lines,
    chat: Chat<Option<Pii<String>>>,
    /// Lines of ours.
    said: u64,
    /// The channel is open on this link.
    channel: Option<LinkId>,
    over: Option<Failure>,
    left: bool,
}

type Out = Vec<Action>;

impl Joined {
    /// On the way: the hosts of the server and of an endpoint are declared, the first tick knocks at one of them.
    #[must_use]
    pub fn new(now: Instant, settings: Settings) -> Self {
        let mut hosts = Hosts::default();
        hosts.declare(settings.host.reveal(), Named::ByLink);
        let (inside, errand) = match &settings.entrance {
            Entrance::Token(token) => (Some(Inside::new(now, settings.inside.clone(), token.clone())), None),
            Entrance::Errand(errand) => {
                hosts.declare(errand.tokens.url.reveal().host_str().unwrap_or_default(), Named::ByOperator);
                (None, Some(Errand::new(now, errand.clone())))
            }
        };
        Joined {
            errand,
            inside,
            was_in: false,
            ready: None,
            sends: Sends::default(),
            settings,
            hosts,
            socket: 0,
            open: false,
            lines: Lines::default(),
            chat: Chat::default(),
            said: 0,
            channel: None,
            over: None,
            left: false,
        }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        if self.left {
            return out;
        }
        match event {
            Event::Socket(socket, said) => self.socket(now, socket, said, &mut out),
            Event::Answered(number, reply) => {
                let step = self.errand.as_mut().and_then(|errand| errand.answered(now, number, reply));
                self.errand_says(now, step, &mut out);
            }
            Event::Device(event) => self.device(now, event, &mut out),
        }
        out
    }

    fn socket(&mut self, now: Instant, socket: u64, said: FromSocket, out: &mut Out) {
        // Of an older one: it is over.
        if socket != self.socket {
            return;
        }
        let event = match said {
            FromSocket::Opened => {
                self.open = true;
                OfSession::Opened
            }
            FromSocket::Frame(Frame::Binary(bytes)) => OfSession::Message(bytes.into_revealed()),
            FromSocket::Frame(Frame::Text(_)) => return,
            // Whoever answers there is not whom the link means: asking again does not make it better.
            FromSocket::Closed(Some(
                error @ (OutboundError::Certificate | OutboundError::Tls | OutboundError::Unencrypted),
            )) if !self.was_in => return self.fail(now, Failure::from(error), out),
            FromSocket::Closed(Some(OutboundError::Refused(status))) => OfSession::Refused(Some(status)),
            FromSocket::Closed(_) if !self.open => OfSession::Refused(None),
            FromSocket::Closed(_) => OfSession::Closed,
        };
        let Some(inside) = &mut self.inside else { return };
        let said = inside.step(now, event, &mut self.hosts);
        self.carry_out(now, said, out);
    }

    fn errand_says(&mut self, now: Instant, step: Option<errand::Step>, out: &mut Out) {
        match step {
            Some(errand::Step::Ask(number, request)) => out.push(Action::Ask(number, request)),
            Some(errand::Step::Wait) | None => {}
            Some(errand::Step::Given(token)) => self.enter(now, token, out),
            Some(errand::Step::Failed(failure)) => self.fail(now, failure, out),
        }
    }

    /// Begins with a token that was asked for.
    fn enter(&mut self, now: Instant, token: Pii<String>, out: &mut Out) {
        let mut inside = Inside::new(now, self.settings.inside.clone(), token);
        let said = inside.begin(now, self.sends, self.ready, &mut self.hosts);
        self.inside = Some(inside);
        self.carry_out(now, said, out);
    }

    fn device(&mut self, now: Instant, event: Device, out: &mut Out) {
        let sending = self.sending();
        let receiving = self.inside.as_ref().and_then(Inside::receiving);
        match &event {
            Device::MediaReady { h264 } => self.ready = Some(*h264),
            Device::MediaLost => self.ready = None,
            Device::Sends(sends) => self.sends = *sends,
            Device::Channel { link, channel, open } if channel == CHANNEL && sending == Some(*link) => {
                self.channel = open.then_some(*link);
            }
            Device::Data { link, channel, bytes } if channel == CHANNEL && receiving == Some(*link) => {
                if let Some(line) = self.lines.hear(bytes.reveal()) {
                    let name = self.inside.as_ref().and_then(|inside| inside.name_of(line.from.reveal()));
                    self.chat.said(now, name, line.text);
                }
            }
            Device::Say(line, at) => {
                let Some(link) = self.channel.filter(|link| sending == Some(*link)) else { return };
                self.said += 1;
                let packets = packet::write(line, *at, &format!("{at:x}-{}", self.said));
                out.extend(packets.into_iter().map(|bytes| Action::Data(link, CHANNEL, bytes)));
            }
            Device::Tick => {
                self.chat.tick(now);
                let step = self.errand.as_mut().and_then(|errand| errand.tick(now));
                self.errand_says(now, step, out);
            }
            Device::Leave => return self.leave(now, out),
            _ => {}
        }
        let Some(inside) = &mut self.inside else { return };
        let said = inside.device(now, event, &mut self.hosts);
        self.carry_out(now, said, out);
    }

    fn carry_out(&mut self, now: Instant, said: Vec<inside::Action>, out: &mut Out) {
        self.was_in |= self.inside.as_ref().is_some_and(Inside::is_in);
        for action in said {
            match action {
                inside::Action::Connect { path, token } => {
                    if self.socket > 0 {
                        out.push(Action::Socket(self.socket, ToSocket::Close));
                    }
                    self.socket += 1;
                    self.open = false;
                    match self.settings.server.reveal().join(path.trim_start_matches('/')) {
                        Ok(url) => out.push(Action::Socket(
                            self.socket,
                            ToSocket::Connect { url: Pii::new(url), bearer: Some(token), binary: true },
                        )),
                        Err(_) => self.fail(now, Failure::NotLiveKit, out),
                    }
                }
                inside::Action::Send(bytes) => {
                    out.push(Action::Socket(self.socket, ToSocket::Send(Frame::Binary(bytes))));
                }
                inside::Action::Close => out.push(Action::Socket(self.socket, ToSocket::Close)),
                inside::Action::Media(message) => out.push(Action::Media(message)),
                inside::Action::Mute(capture) => out.push(Action::Mute(capture)),
                inside::Action::Records(true) if self.settings.leaves_when_recorded => {
                    self.fail(now, Failure::RecordingPolicy, out);
                }
                inside::Action::Records(_) => {}
                inside::Action::Over(failure) => self.inside_over(now, failure, out),
            }
        }
    }

    /// The server lets the room go. Where it takes the token no longer that was asked for, another one may help.
    fn inside_over(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        match (&mut self.errand, failure) {
            (Some(errand), Failure::LinkNotValid) if self.was_in => {
                if let Some(inside) = self.inside.take() {
                    self.settings.inside.links = inside.links();
                }
                let step = errand.again(now);
                self.errand_says(now, Some(step), out);
            }
            // It is not the link's.
            (Some(_), Failure::LinkNotValid) => self.fail(now, Failure::TokenWrong, out),
            (Some(_), Failure::NotReachable) if self.was_in => self.fail(now, Failure::ConnectionLost, out),
            _ => self.fail(now, failure, out),
        }
    }

    fn leave(&mut self, now: Instant, out: &mut Out) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        if let Some(inside) = &mut self.inside {
            let said = inside.device(now, Device::Leave, &mut self.hosts);
            self.carry_out(now, said, out);
        }
        self.chat.clear();
    }

    fn fail(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        if self.over.is_none() {
            self.over = Some(failure);
            self.leave(now, out);
            out.push(Action::Over(failure));
        }
    }

    /// When [`Device::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let inside = self.inside.as_ref().and_then(Inside::deadline);
        let errand = self.errand.as_ref().and_then(Errand::deadline);
        [inside, errand, self.chat.deadline()].into_iter().flatten().min().filter(|_| !self.left)
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

    /// There is a link to the server: the captures are wanted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.sending().is_some()
    }

    fn sending(&self) -> Option<LinkId> {
        self.inside.as_ref().and_then(Inside::sending)
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        self.inside.as_ref().map(Inside::heard).unwrap_or_default()
    }

    /// The last number of a link that was used.
    #[must_use]
    pub fn links(&self) -> u64 {
        self.inside.as_ref().map_or(self.settings.inside.links, Inside::links)
    }

    /// Where the room is, for the screen. `media`: it is there.
    #[must_use]
    pub fn phase(&self, media: bool) -> Phase {
        let host = self.settings.host.clone();
        if let Some(failure) = self.over {
            return Phase::Joining { host, says: JoiningView::Over(failure) };
        }
        if !self.was_in {
            return Phase::Joining { host, says: JoiningView::Connecting };
        }
        let line =
            |(name, text): (&Option<Pii<String>>, &Pii<String>)| LineView { name: name.clone(), text: text.clone() };
        let inside = self.inside.as_ref();
        let meeting = JoinedView {
            host,
            stage: inside.map(|inside| inside.pictures(named)).unwrap_or_default(),
            others: inside.map(|inside| inside.others(named)).unwrap_or_default(),
            records: inside.is_some_and(Inside::records),
            // There is none on a plain server.
            hand: false,
            ask_to_speak: inside.is_some_and(|inside| !inside.may_send(Source::Microphone)),
            consent: ConsentView::Nothing,
            no_bridge: false,
            reconnecting: inside.is_none_or(|inside| !inside.is_in() || inside.is_interrupted()),
            lines: self.chat.iter().map(line).collect(),
        };
        Phase::Joined { meeting, media_restarting: !media }
    }
}

#[cfg(test)]
mod tests;
