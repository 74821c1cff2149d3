//! A meeting on a LiveKit server, as a pure machine: the session with what people in the room see of it.
//!
//! Nothing in here opens a capture (P2): a server's *mute* becomes [`Action::Mute`], an *unmute* becomes nothing.

use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::{LinkId, TrackId};
use url::Url;

use super::inside::{self, Inside, named};
use crate::meeting::elsewhere::chat::Chat;
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::event::{Action, Event};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::socket::{Frame, FromSocket, ToSocket};
use crate::meeting::hosts::{Hosts, Named};
use crate::outbound::OutboundError;
use crate::screen::view::{ConsentView, JoinedView, JoiningView, LineView, Phase};
use crate::signalling::livekit::packet::{self, CHANNEL, Lines};
use crate::signalling::livekit::{Event as OfSession, Source};

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's host, as the link names it.
    pub host: Pii<String>,
    /// Where the server is: `wss`, with a slash at the end.
    pub server: Pii<Url>,
    /// What lets in.
    pub token: Pii<String>,
    /// The operator's rule: the room leaves when the server records.
    pub leaves_when_recorded: bool,
    /// Of the half with LiveKit.
    pub inside: inside::Settings,
}

/// The meeting.
pub struct Joined {
    settings: Settings,
    inside: Inside,
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
    /// On the way: the server's host is declared, the first tick knocks.
    #[must_use]
    pub fn new(now: Instant, settings: Settings) -> Self {
        let mut hosts = Hosts::default();
        hosts.declare(settings.host.reveal(), Named::ByLink);
        let inside = Inside::new(now, settings.inside.clone(), settings.token.clone());
        Joined {
            inside,
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
            // Nothing is asked.
            Event::Answered(..) => {}
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
            )) if !self.inside.is_in() => return self.fail(now, Failure::from(error), out),
            FromSocket::Closed(Some(OutboundError::Refused(status))) => OfSession::Refused(Some(status)),
            FromSocket::Closed(_) if !self.open => OfSession::Refused(None),
            FromSocket::Closed(_) => OfSession::Closed,
        };
        let said = self.inside.step(now, event, &mut self.hosts);
        self.carry_out(now, said, out);
    }

    fn device(&mut self, now: Instant, event: Device, out: &mut Out) {
        match &event {
            Device::Channel { link, channel, open } if channel == CHANNEL && self.inside.sending() == Some(*link) => {
                self.channel = open.then_some(*link);
            }
            Device::Data { link, channel, bytes } if channel == CHANNEL && self.inside.receiving() == Some(*link) => {
                if let Some(line) = self.lines.hear(bytes.reveal()) {
                    let name = self.inside.name_of(line.from.reveal());
                    self.chat.said(now, name, line.text);
                }
            }
            Device::Say(line, at) => {
                let Some(link) = self.channel.filter(|link| self.inside.sending() == Some(*link)) else { return };
                self.said += 1;
                let packets = packet::write(line, *at, &format!("{at:x}-{}", self.said));
                out.extend(packets.into_iter().map(|bytes| Action::Data(link, CHANNEL, bytes)));
            }
            Device::Tick => self.chat.tick(now),
            Device::Leave => return self.leave(now, out),
            _ => {}
        }
        let said = self.inside.device(now, event, &mut self.hosts);
        self.carry_out(now, said, out);
    }

    fn carry_out(&mut self, now: Instant, said: Vec<inside::Action>, out: &mut Out) {
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
                inside::Action::Over(failure) => self.fail(now, failure, out),
            }
        }
    }

    fn leave(&mut self, now: Instant, out: &mut Out) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let said = self.inside.device(now, Device::Leave, &mut self.hosts);
        self.carry_out(now, said, out);
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
        [self.inside.deadline(), self.chat.deadline()].into_iter().flatten().min().filter(|_| !self.left)
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
        self.inside.sending().is_some()
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        self.inside.heard()
    }

    /// The last number of a link that was used.
    #[must_use]
    pub fn links(&self) -> u64 {
        self.inside.links()
    }

    /// Where the room is, for the screen. `media`: it is there.
    #[must_use]
    pub fn phase(&self, media: bool) -> Phase {
        let host = self.settings.host.clone();
        if let Some(failure) = self.over {
            return Phase::Joining { host, says: JoiningView::Over(failure) };
        }
        if !self.inside.is_in() {
            return Phase::Joining { host, says: JoiningView::Connecting };
        }
        let line =
            |(name, text): (&Option<Pii<String>>, &Pii<String>)| LineView { name: name.clone(), text: text.clone() };
        let meeting = JoinedView {
            host,
            stage: self.inside.pictures(named),
            others: self.inside.others(named),
            records: self.inside.records(),
            // There is none on a plain server.
            hand: false,
            ask_to_speak: !self.inside.may_send(Source::Microphone),
            consent: ConsentView::Nothing,
            no_bridge: false,
            reconnecting: self.inside.is_interrupted(),
            lines: self.chat.iter().map(line).collect(),
        };
        Phase::Joined { meeting, media_restarting: !media }
    }
}

#[cfg(test)]
mod tests;
