//! The hands of an XMPP session: opens its WebSocket, carries its frames, keeps its time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::websocket::{self, NotTaken, Protocol, Said, Socket};
use super::{Address, OutboundError, Trust};
use crate::signalling::xmpp::asked::Question;
use crate::signalling::xmpp::{Action, Event, Session, Settings, Stanza, Told};

/// Events of the socket that wait; a server that sends faster is read slower.
const WAITING: usize = 64;

/// A session and its connection.
#[derive(Debug)]
pub struct Connection {
    session: Session,
    address: Arc<Address>,
    trust: Trust,
    socket: Option<Socket>,
    number: u64,
    say: mpsc::Sender<websocket::Event>,
    heard: mpsc::Receiver<websocket::Event>,
    told: VecDeque<Told>,
    trouble: Option<OutboundError>,
    was_online: bool,
    tick: Interval,
}

impl Connection {
    /// Begins a session at this address. Needs a tokio runtime.
    #[must_use]
    pub fn new(settings: Settings, address: Address, trust: Trust) -> Self {
        let (say, heard) = mpsc::channel(WAITING);
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = Connection {
            session: Session::new(settings),
            address: Arc::new(address),
            trust,
            socket: None,
            number: 0,
            say,
            heard,
            told: VecDeque::new(),
            trouble: None,
            was_online: false,
            tick,
        };
        connection.step(Event::Start);
        connection
    }

    /// Sends a stanza.
    pub fn send(&mut self, stanza: Stanza) {
        self.step(Event::Send(stanza));
    }

    /// Asks an IQ; the answer comes as [`Told::Answer`].
    pub fn ask(&mut self, question: Question, iq: Stanza) {
        self.step(Event::Ask(question, iq));
    }

    /// Closes it properly; [`Told::Stopped`] follows, and what was sent before still goes out.
    pub fn stop(&mut self) {
        self.step(Event::Stop);
    }

    /// What comes next; `None` when it is over and all is told. May be dropped at any time: nothing is lost.
    pub async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.told.pop_front() {
                return Some(told);
            }
            if self.session.is_over() {
                return None;
            }
            tokio::select! {
                Some(event) = self.heard.recv() => self.hear(event),
                _ = self.tick.tick() => self.step(Event::Tick),
            }
        }
    }

    /// Why the connection was lost or could not be had the last time: more than [`Told::Failed`] knows.
    #[must_use]
    pub fn trouble(&self) -> Option<OutboundError> {
        self.trouble
    }

    /// Whether it has been online at any time.
    #[must_use]
    pub fn was_online(&self) -> bool {
        self.was_online
    }

    pub(super) fn hear(&mut self, event: websocket::Event) {
        if event.socket != self.number || self.socket.is_none() {
            return;
        }
        match event.said {
            Said::Opened => self.step(Event::Opened),
            Said::Frame(text) => self.step(Event::Frame(text)),
            // Text is spoken here: the socket takes nothing else.
            Said::Bytes(_) => {}
            Said::Closed(trouble) => {
                self.trouble = trouble;
                self.socket = None;
                self.step(Event::Closed);
            }
        }
    }

    fn step(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.session.step(Instant::now(), event) {
                match action {
                    Action::Connect { previd } => {
                        self.number += 1;
                        let (address, trust) = (Arc::clone(&self.address), self.trust.clone());
                        let more = previd.map(|previd| ("previd", previd));
                        let say = self.say.clone();
                        self.socket = Some(Socket::open(self.number, address, more, Protocol::Xmpp, trust, say));
                    }
                    Action::Send(frame) => match self.socket.as_ref().map(|socket| socket.send(frame)) {
                        Some(Err(NotTaken::Full)) => {
                            self.trouble = Some(OutboundError::Stalled);
                            self.socket = None;
                            events.push_back(Event::Closed);
                        }
                        // A socket that is closed has said so; that is heard next.
                        Some(Ok(()) | Err(NotTaken::Closed)) | None => {}
                    },
                    Action::Close => self.socket = None,
                    Action::Tell(told) => {
                        self.was_online |= matches!(told, Told::Online(_));
                        self.told.push_back(told);
                    }
                }
            }
        }
    }
}
