//! A meeting of OpenTalk's, as a pure machine: the way in over HTTP, the session with the room server, and the half with the LiveKit for which
//! that hands out a token.
//!
//! ```text
//!   link ──► start ──► room server: waiting room, people, hands, chat, recording ──► token ──► LiveKit: picture and sound
//!              ▲              │ lost                                  ▲                   │ refused
//!              └──────────────┘                                       └───────────────────┘
//! ```
//!
//! Nothing in here opens a capture (P2), and nobody agrees to be recorded but by a press of the button after the screen has asked.

mod media;
#[cfg(test)]
mod tests;
mod view;

use std::time::{Duration, Instant};

use subrosa_messages::media::TrackId;
use subrosa_messages::{Capture, Pii};
use url::Url;

use super::link::Link;
use super::start::{self, LONGEST, Start, Step, Visitor};
use crate::meeting::elsewhere::chat::Chat;
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::event::{Action, Event, Reply, Request};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::socket::{Frame, FromSocket, ToSocket};
use crate::meeting::hosts::{Hosts, Named};
use crate::meeting::livekit::inside::{self, Inside};
use crate::outbound::OutboundError;
use crate::signalling::Sends;
use crate::signalling::opentalk::{Action as Does, Blocked, End, Event as OfSession, Session, Told, Wants};

/// A question stands on the screen for so long before a press can mean it.
const READ: Duration = Duration::from_secs(1);
/// Between attempts to come back: this, doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// So many attempts, and it is over.
const ATTEMPTS: u32 = 6;
/// Another token for LiveKit is asked for after this.
const RENEW: Duration = Duration::from_secs(3);
/// So many tokens that lead nowhere, and it is over.
const TOKENS: u32 = 5;

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The link.
    pub link: Link,
    /// How the room is called there.
    pub name: Pii<String>,
    /// Random, new for this meeting: who comes with it again is the same to the server.
    pub secret: Pii<String>,
    /// The operator's rule: the room leaves when the server records.
    pub leaves_when_recorded: bool,
    /// Of the half with LiveKit.
    pub inside: inside::Settings,
}

/// Which WebSocket a number is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    RoomServer,
    LiveKit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Consent {
    Asked(Wants, Instant),
    Given,
}

/// The meeting.
pub struct Joined {
    settings: Settings,
    hosts: Hosts,
    start: Option<Start>,
    /// The request whose answer is waited for.
    question: u64,
    session: Option<Session>,
    inside: Option<Inside>,
    /// Where LiveKit is.
    media: Option<Pii<Url>>,
    /// The newest WebSockets, and whether the one to LiveKit is open.
    room_socket: u64,
    media_socket: u64,
    sockets: u64,
    media_open: bool,
    /// Media here has an encoder for H.264, or not; `None`: it is not there.
    ready: Option<bool>,
    sends: Sends,
    waits: Option<Failure>,
    /// The room was in.
    was_in: bool,
    chat: Chat<Option<Pii<String>>>,
    hand: bool,
    may_speak: bool,
    consent: Option<Consent>,
    /// The way in is begun anew then.
    again: Option<Instant>,
    attempts: u32,
    /// Another token is asked for then.
    renews: Option<Instant>,
    tokens: u32,
    over: Option<Failure>,
    left: bool,
}

type Out = Vec<Action>;

impl Joined {
    /// On the way: the server's host is declared, the first tick asks it.
    #[must_use]
    pub fn new(now: Instant, settings: Settings) -> Self {
        let mut hosts = Hosts::default();
        hosts.declare(settings.link.host().reveal(), Named::ByLink);
        Joined {
            settings,
            hosts,
            start: None,
            question: 0,
            session: None,
            inside: None,
            media: None,
            room_socket: 0,
            media_socket: 0,
            sockets: 0,
            media_open: false,
            ready: None,
            sends: Sends::default(),
            waits: None,
            was_in: false,
            chat: Chat::default(),
            hand: false,
            may_speak: true,
            consent: None,
            again: Some(now),
            attempts: 0,
            renews: None,
            tokens: 0,
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
            Event::Socket(number, said) if number == self.room_socket => self.of_room(now, said, &mut out),
            Event::Socket(number, said) if number == self.media_socket => self.of_media(now, said, &mut out),
            // Of an older one: it is over.
            Event::Socket(..) => {}
            Event::Answered(number, reply) if number == self.question => self.answered(now, reply, &mut out),
            Event::Answered(..) => {}
            Event::Device(event) => self.device(now, event, &mut out),
        }
        out
    }

    fn begin(&mut self, now: Instant, out: &mut Out) {
        self.again = None;
        let visitor = Visitor {
            name: self.settings.name.clone(),
            secret: self.settings.secret.clone(),
            password: self.start.take().and_then(|start| start.known_password()),
        };
        match Start::begin(&self.settings.link, visitor) {
            Ok((start, step)) => {
                self.start = Some(start);
                self.way(now, step, out);
            }
            Err(failure) => self.fail(now, of_start(failure), out),
        }
    }

    fn way(&mut self, now: Instant, step: Step, out: &mut Out) {
        match step {
            Step::Ask { request, new_host } => {
                self.declare(new_host);
                self.question += 1;
                let start::Request { url, body, authorization, .. } = request;
                out.push(Action::Ask(self.question, Request { url, body, authorization, most: LONGEST }));
            }
            Step::PasswordWanted => self.waits = Some(Failure::PasswordWanted),
            Step::PasswordWrong => self.waits = Some(Failure::PasswordWrong),
            Step::Started { address, new_host } => {
                self.declare(new_host);
                self.session = Some(Session::new(now, &self.settings.name));
                self.room_socket = self.open(address, None, Of::RoomServer, out);
            }
            Step::Failed(failure) => {
                let failure = of_start(failure);
                if failure == Failure::ServerFault && self.was_in {
                    return self.lost(now, failure, out);
                }
                self.fail(now, failure, out);
            }
        }
    }

    fn declare(&mut self, host: Option<Pii<String>>) {
        if let Some(host) = host {
            self.hosts.declare(host.reveal(), Named::ByConfiguration);
        }
    }

    fn open(&mut self, url: Pii<Url>, bearer: Option<Pii<String>>, of: Of, out: &mut Out) -> u64 {
        self.sockets += 1;
        let binary = of == Of::LiveKit;
        out.push(Action::Socket(self.sockets, ToSocket::Connect { url, bearer, binary }));
        self.sockets
    }

    fn answered(&mut self, now: Instant, reply: Result<Reply, OutboundError>, out: &mut Out) {
        let Some(start) = &mut self.start else { return };
        let step = match reply {
            Ok(Reply { status, location, body }) => {
                start.answered(status, location.as_ref().map(|location| location.reveal().as_str()), body.reveal())
            }
            Err(error) if self.was_in => return self.lost(now, Failure::from(error), out),
            Err(error) => return self.fail(now, Failure::from(error), out),
        };
        self.way(now, step, out);
    }

    /// The room server is gone: the way in is begun anew, if the room was in.
    fn lost(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        self.close(Of::RoomServer, out);
        self.no_media(now, out);
        self.session = None;
        if !self.was_in {
            return self.fail(now, failure, out);
        }
        self.attempts += 1;
        if self.attempts >= ATTEMPTS {
            return self.fail(now, Failure::ConnectionLost, out);
        }
        self.again = Some(now + FIRST_WAIT.saturating_mul(1 << (self.attempts - 1).min(6)));
    }

    fn close(&mut self, of: Of, out: &mut Out) {
        let number = match of {
            Of::RoomServer => std::mem::take(&mut self.room_socket),
            Of::LiveKit => std::mem::take(&mut self.media_socket),
        };
        if number > 0 {
            out.push(Action::Socket(number, ToSocket::Close));
        }
    }

    fn of_room(&mut self, now: Instant, said: FromSocket, out: &mut Out) {
        let event = match said {
            FromSocket::Opened => OfSession::Opened,
            FromSocket::Frame(Frame::Text(text)) => OfSession::Message(text),
            FromSocket::Frame(Frame::Binary(_)) => return,
            FromSocket::Closed(trouble) => {
                let ends = trouble.map(Failure::from);
                if let Some(failure @ (Failure::CertificateWrong | Failure::Unencrypted)) = ends {
                    return self.fail(now, failure, out);
                }
                OfSession::Closed
            }
        };
        self.session(now, event, out);
    }

    fn session(&mut self, now: Instant, event: OfSession, out: &mut Out) {
        let Some(session) = &mut self.session else { return };
        for action in session.step(now, event) {
            match action {
                Does::Send(text) => {
                    out.push(Action::Socket(self.room_socket, ToSocket::Send(Frame::Text(text))));
                }
                Does::Close => self.close(Of::RoomServer, out),
                Does::Tell(told) => self.told(now, told, out),
            }
        }
    }

    fn told(&mut self, now: Instant, told: Told, out: &mut Out) {
        match told {
            Told::Waits => {
                self.waits = Some(Failure::WaitingForApproval);
                self.no_media(now, out);
                (self.hand, self.may_speak, self.consent) = (false, true, None);
            }
            Told::Joined => {
                (self.waits, self.was_in, self.attempts, self.tokens) = (None, true, 0, 0);
            }
            Told::People => {}
            Told::Media { address, token } => self.media(now, &address, token, out),
            Told::MediaMissing => self.renew_later(now, Failure::NoMediaBridge, out),
            Told::Line { name, text, private, .. } => {
                // Who has gone has no name any more; what is for this room alone is for the people in it.
                let name = (!name.reveal().is_empty()).then_some(name);
                let text = if private { Pii::new(format!("✉ {}", text.reveal())) } else { text };
                self.chat.said(now, name, text);
            }
            Told::NotSaid => {}
            Told::Hand(up) => self.hand = up,
            Told::Mute => out.push(Action::Mute(Capture::Microphone)),
            Told::MayNotSpeak(not) => {
                self.may_speak = !not;
                // What nobody gets is not left open.
                if not {
                    out.push(Action::Mute(Capture::Microphone));
                }
            }
            // Where the rule is to leave there is nothing to agree to.
            Told::Asks(_) if self.settings.leaves_when_recorded => {}
            Told::Asks(wants) => self.consent = wants.map(|wants| Consent::Asked(wants, now)),
            Told::Records(records) => {
                if !records {
                    self.consent = None;
                } else if self.settings.leaves_when_recorded {
                    self.fail(now, Failure::RecordingPolicy, out);
                }
            }
            Told::Over(end) => self.ended(now, end, out),
        }
    }

    fn ended(&mut self, now: Instant, end: End, out: &mut Out) {
        let failure = match end {
            End::Left => return,
            End::Kicked => Failure::Kicked,
            End::Banned => Failure::Banned,
            End::Blocked(Blocked::Full) => Failure::Full,
            End::Blocked(Blocked::Unknown) => Failure::Denied,
            End::EndToEnd => Failure::EndToEndOn,
            End::Ended => Failure::Ended,
            End::ServerGone => Failure::ServerStopped,
            End::Nonsense => Failure::NotOpenTalk,
            End::Lost => return self.lost(now, Failure::NotReachable, out),
        };
        self.fail(now, failure, out);
    }

    fn device(&mut self, now: Instant, event: Device, out: &mut Out) {
        match &event {
            Device::MediaReady { h264 } => self.ready = Some(*h264),
            Device::MediaLost => self.ready = None,
            Device::Sends(sends) => {
                self.sends = *sends;
                if sends.sound && !self.may_speak {
                    out.push(Action::Mute(Capture::Microphone));
                }
            }
            Device::Password(password) => {
                if let Some(start) = self.start.as_mut().filter(|_| self.waits.is_some() && self.session.is_none()) {
                    self.waits = None;
                    let step = start.password(password.clone());
                    self.way(now, step, out);
                }
                return;
            }
            Device::Press(_) => return self.press(now, out),
            Device::Say(line, _) => return self.session(now, OfSession::Say(line.clone()), out),
            Device::Leave => return self.leave(now, out),
            Device::Tick => self.tick(now, out),
            _ => {}
        }
        if let Some(inside) = self.inside.as_mut().filter(|_| !self.left) {
            let said = inside.device(now, event, &mut self.hosts);
            self.inside_does(now, said, out);
        }
    }

    /// What the button says while it is asked whether the room may be recorded is the answer; else it raises the hand, or lowers it.
    fn press(&mut self, now: Instant, out: &mut Out) {
        match self.consent {
            // Nobody can have read it: it was meant otherwise, and means nothing.
            Some(Consent::Asked(_, since)) if now < since + READ => {}
            Some(Consent::Asked(..)) => {
                self.consent = Some(Consent::Given);
                self.session(now, OfSession::Consent(true), out);
            }
            Some(Consent::Given) => {
                self.consent = None;
                self.session(now, OfSession::Consent(false), out);
            }
            None => self.session(now, OfSession::Hand(!self.hand), out),
        }
    }

    fn tick(&mut self, now: Instant, out: &mut Out) {
        self.chat.tick(now);
        if self.again.is_some_and(|due| due <= now) {
            self.begin(now, out);
        }
        if self.renews.is_some_and(|due| due <= now) {
            self.renews = None;
            self.session(now, OfSession::Renew, out);
        }
        self.session(now, OfSession::Tick, out);
    }

    fn leave(&mut self, now: Instant, out: &mut Out) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        self.no_media(now, out);
        self.session(now, OfSession::Leave, out);
        self.close(Of::RoomServer, out);
        self.chat.clear();
    }

    fn fail(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        if self.over.is_none() && !self.left {
            self.over = Some(failure);
            self.leave(now, out);
            out.push(Action::Over(failure));
        }
    }

    /// When [`Device::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let session = self.session.as_ref().and_then(Session::deadline);
        let inside = self.inside.as_ref().and_then(Inside::deadline);
        let due = [session, inside, self.chat.deadline(), self.again, self.renews].into_iter().flatten().min();
        due.filter(|_| !self.left)
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

    /// There is a link to LiveKit: the captures are wanted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.sending().is_some())
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
}

fn of_start(failure: start::Failure) -> Failure {
    match failure {
        start::Failure::NotOpenTalk => Failure::NotOpenTalk,
        start::Failure::NoInvite => Failure::LoginRequired,
        start::Failure::NoSuchMeeting => Failure::LinkNotValid,
        start::Failure::Refused => Failure::Denied,
        start::Failure::ServerFault => Failure::ServerFault,
        start::Failure::TooOld => Failure::TooOld,
        start::Failure::Unencrypted => Failure::Unencrypted,
        start::Failure::Redirected => Failure::Redirected,
    }
}
