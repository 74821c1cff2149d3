//! The channel as a pure machine.
//!
//! ```text
//!   none ── reach: WebSocket ──► connecting ── opened ──► open ── closed ──► waiting ── 1, 2, 4 … 60 s ──► connecting
//!     │                                                    ▲
//!     └──── reach: data channel ──► connecting ────────────┘── closed ──► none: the session is of no more use
//! ```
//!
//! Whatever the room wants is said anew whenever the channel opens: the bridge remembers nothing of a session that was
//! restarted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::Kind;

use super::message::{FromBridge, Mapped, ToBridge};
use super::shown::{Shown, height};
use crate::signalling::jingle::session::Way;
use crate::signalling::jingle::source::{EndpointId, SourceName, VideoType};

/// Before a WebSocket is tried again, at first.
const FIRST: Duration = Duration::from_secs(1);
/// After a goodbye (RFC 6455, 7.4.1: 1001) a new session is to be expected before.
const AFTER_GOODBYE: Duration = Duration::from_secs(4);
/// Before it is tried again, at last.
const LAST: Duration = Duration::from_secs(60);
/// A connection that has held for so long was a good one.
const GOOD: Duration = Duration::from_secs(10);

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A session says how the bridge is reached now; whatever there was before is over.
    Reach(Way),
    /// The channel is open.
    Opened,
    /// It has closed, or could not be opened.
    Closed {
        /// The bridge has said goodbye.
        goodbye: bool,
    },
    /// A message came.
    Text(Pii<String>),
    /// The screen shows these pictures.
    Shows(Vec<Shown>),
    /// The room's own picture moves, or there is none.
    Camera(bool),
    /// The session is over.
    Ended,
    /// The time that [`Channel::deadline`] named has come.
    Tick,
}

/// How large a picture of the room's camera is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nobody watches: the encoder can stop.
    Nothing,
    /// No higher than that.
    Height(u32),
    /// As it is.
    Whole,
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// A WebSocket is to be opened to this address, which holds a secret.
    Connect(Pii<String>),
    /// The WebSocket is to be closed.
    Disconnect,
    /// To the bridge.
    Send(Pii<String>),
    /// For the encoder.
    Picture(Wish),
    /// Who speaks; `None`: nobody.
    Speaks(Option<EndpointId>),
    /// What the screen shows and the bridge does not send: those that are shown are told so. Replaces the last one.
    Missing(Vec<SourceName>),
    /// Somebody's connection broke or is back.
    Connection(EndpointId, bool),
    /// Streams under SSRCs of the bridge.
    Mapped(Kind, Vec<Mapped>),
    /// The path from the bridge is estimated at so many bit/s.
    Estimate(u64),
    /// Somebody has sent us this, and it is nothing that the channel answers by itself.
    Told(EndpointId, Pii<Value>),
    /// The data channel is gone while its link is not: only a new session brings another one.
    Lost,
    /// There is no way to the bridge: sound, but no picture.
    NoChannel,
}

enum State {
    /// There is no way, or it is gone.
    None,
    Connecting {
        addresses: Option<Vec<Pii<String>>>,
        attempt: u32,
    },
    Open {
        addresses: Option<Vec<Pii<String>>>,
        attempt: u32,
        since: Instant,
    },
    Waiting {
        addresses: Vec<Pii<String>>,
        attempt: u32,
        retry_at: Instant,
    },
}

/// The channel.
pub struct Channel {
    endpoint: EndpointId,
    state: State,
    shown: Vec<Shown>,
    camera: bool,
    said: Option<ToBridge>,
    forwarded: Vec<SourceName>,
    missing: Vec<SourceName>,
    wish: Option<Wish>,
}

impl Channel {
    /// Of us, without a way.
    #[must_use]
    pub fn new(endpoint: EndpointId) -> Self {
        Channel {
            endpoint,
            state: State::None,
            shown: Vec::new(),
            camera: false,
            said: None,
            forwarded: Vec::new(),
            missing: Vec::new(),
            wish: None,
        }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Reach(way) => self.reach(way, &mut out),
            Event::Opened => self.opened(now, &mut out),
            Event::Closed { goodbye } => self.closed(now, goodbye, &mut out),
            Event::Text(text) => {
                if let State::Open { .. } = self.state {
                    self.heard(text.reveal(), &mut out);
                }
            }
            Event::Shows(shown) => {
                self.shown = shown;
                self.ask(&mut out);
                self.compare(&mut out);
            }
            Event::Camera(moves) => {
                if std::mem::replace(&mut self.camera, moves) != moves && self.is_open() {
                    let message = self.video_type();
                    send(&message, &mut out);
                }
            }
            Event::Ended => self.leave(&mut out),
            Event::Tick => {
                if let State::Waiting { retry_at, .. } = &self.state
                    && *retry_at <= now
                    && let State::Waiting { addresses, attempt, .. } = std::mem::replace(&mut self.state, State::None)
                {
                    self.connect(addresses, attempt, &mut out);
                }
            }
        }
        out
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { retry_at, .. } => Some(*retry_at),
            State::None | State::Connecting { .. } | State::Open { .. } => None,
        }
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    fn reach(&mut self, way: Way, out: &mut Vec<Action>) {
        self.leave(out);
        match way {
            Way::DataChannel(_) => self.state = State::Connecting { addresses: None, attempt: 0 },
            Way::WebSocket(addresses) => {
                let usable: Vec<_> = addresses.into_iter().filter(|address| is_usable(address.reveal())).collect();
                if usable.is_empty() {
                    out.push(Action::NoChannel);
                } else {
                    self.connect(usable, 0, out);
                }
            }
            Way::None => out.push(Action::NoChannel),
        }
    }

    /// Tries the addresses in turn.
    fn connect(&mut self, addresses: Vec<Pii<String>>, attempt: u32, out: &mut Vec<Action>) {
        let turn = usize::try_from(attempt).unwrap_or(0).checked_rem(addresses.len()).unwrap_or(0);
        if let Some(address) = addresses.get(turn) {
            out.push(Action::Connect(address.clone()));
            self.state = State::Connecting { addresses: Some(addresses), attempt };
        }
    }

    fn opened(&mut self, now: Instant, out: &mut Vec<Action>) {
        match std::mem::replace(&mut self.state, State::None) {
            State::Connecting { addresses, attempt } => {
                self.state = State::Open { addresses, attempt, since: now };
                self.said = None;
                let message = self.video_type();
                send(&message, out);
                self.ask(out);
            }
            // An echo of one that is over.
            other @ (State::None | State::Open { .. } | State::Waiting { .. }) => self.state = other,
        }
    }

    fn closed(&mut self, now: Instant, goodbye: bool, out: &mut Vec<Action>) {
        let (addresses, attempt) = match std::mem::replace(&mut self.state, State::None) {
            State::Connecting { addresses, attempt } => (addresses, attempt),
            State::Open { addresses, attempt, since } => {
                let was_good = now.saturating_duration_since(since) >= GOOD;
                (addresses, if was_good { 0 } else { attempt })
            }
            other @ (State::None | State::Waiting { .. }) => {
                self.state = other;
                return;
            }
        };
        self.forwarded.clear();
        self.compare(out);
        match addresses {
            Some(addresses) => {
                let delay = FIRST.saturating_mul(1 << attempt.min(6)).min(LAST);
                let delay = if goodbye { delay.max(AFTER_GOODBYE) } else { delay };
                self.state = State::Waiting { addresses, attempt: attempt.saturating_add(1), retry_at: now + delay };
            }
            None => out.push(Action::Lost),
        }
    }

    /// Whatever there was is over.
    fn leave(&mut self, out: &mut Vec<Action>) {
        match std::mem::replace(&mut self.state, State::None) {
            State::Connecting { addresses: Some(_), .. } | State::Open { addresses: Some(_), .. } => {
                out.push(Action::Disconnect);
            }
            State::None | State::Connecting { .. } | State::Open { .. } | State::Waiting { .. } => {}
        }
        self.said = None;
        self.wish = None;
        self.forwarded.clear();
        self.compare(out);
    }

    fn own(&self) -> SourceName {
        SourceName::of(&self.endpoint, Kind::Video, 0)
    }

    fn video_type(&self) -> ToBridge {
        ToBridge::VideoType { source: self.own(), shows: self.camera.then_some(VideoType::Camera) }
    }

    /// Asks for what the screen shows, if that has changed.
    fn ask(&mut self, out: &mut Vec<Action>) {
        let heights: BTreeMap<SourceName, u32> =
            self.shown.iter().map(|shown| (shown.source.clone(), height(shown))).collect();
        let large = self.shown.iter().filter(|shown| shown.large).map(|shown| shown.source.clone());
        let message = ToBridge::ReceiverConstraints { heights, on_stage: large.collect() };
        if self.is_open() && self.said.as_ref() != Some(&message) {
            send(&message, out);
            self.said = Some(message);
        }
    }

    fn compare(&mut self, out: &mut Vec<Action>) {
        let shown = self.shown.iter().map(|shown| &shown.source);
        let missing: Vec<SourceName> = shown.filter(|source| !self.forwarded.contains(source)).cloned().collect();
        if missing != self.missing {
            self.missing.clone_from(&missing);
            out.push(Action::Missing(missing));
        }
    }

    fn heard(&mut self, text: &str, out: &mut Vec<Action>) {
        // One that cannot be read changes nothing.
        let Ok(message) = FromBridge::read(text) else { return };
        match message {
            FromBridge::Hello | FromBridge::Quality { .. } | FromBridge::Other => {}
            FromBridge::Forwarded(forwarded) => {
                self.forwarded = forwarded;
                self.compare(out);
            }
            FromBridge::DominantSpeaker { speaker, silence, .. } => {
                out.push(Action::Speaks(speaker.filter(|_| !silence)));
            }
            FromBridge::SenderConstraint { source, height } if source == self.own() => {
                let wish = match u32::try_from(height) {
                    Ok(0) => Wish::Nothing,
                    Ok(height) => Wish::Height(height),
                    Err(_) => Wish::Whole,
                };
                if self.wish != Some(wish) {
                    self.wish = Some(wish);
                    out.push(Action::Picture(wish));
                }
            }
            FromBridge::SenderConstraint { .. } => {}
            FromBridge::Estimate(bits) => out.push(Action::Estimate(bits)),
            FromBridge::Connectivity { endpoint, active } => out.push(Action::Connection(endpoint, active)),
            FromBridge::Told { from, payload } => match ping(payload.reveal()) {
                Some(id) => {
                    let payload = json!({ "type": "e2e-ping-response", "id": id });
                    send(&ToBridge::Tell { to: from, payload }, out);
                }
                None => out.push(Action::Told(from, payload)),
            },
            FromBridge::Map(kind, mapped) => out.push(Action::Mapped(kind, mapped)),
        }
    }
}

fn send(message: &ToBridge, out: &mut Vec<Action>) {
    out.push(Action::Send(Pii::new(message.write())));
}

/// The number of a ping from participant to participant, through the bridge.
fn ping(payload: &Value) -> Option<&Value> {
    let is_ping = payload.get("type").and_then(Value::as_str) == Some("e2e-ping-request");
    payload.get("id").filter(|id| is_ping && (id.is_number() || id.as_str().is_some_and(|id| id.len() <= 64)))
}

/// Encrypted, or to this machine itself, which is for tests; with a host, and nobody's name in front of it.
fn is_usable(address: &str) -> bool {
    let authority = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    if let Some(rest) = address.strip_prefix("wss://") {
        let authority = authority(rest);
        return !authority.is_empty() && !authority.contains('@');
    }
    address.strip_prefix("ws://").map(authority).is_some_and(|authority| {
        if authority.contains('@') {
            return false;
        }
        let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
        host == "127.0.0.1" || host == "[::1]"
    })
}
