//! The session of an anonymous guest, as a pure machine.
//!
//! ```text
//! Idle → Connecting → Greeting → Authenticating → Greeting → Binding ─┬→ Online
//!            ↑                                        └─→ Resuming ───┘    │
//!            └───────────────── Waiting ←────── closed, silent, late ──────┘
//! ```
//!
//! RFC 7395 frames it, RFC 6120 authenticates (ANONYMOUS, XEP-0175) and binds, XEP-0198 makes it survive a cut
//! connection, XEP-0199 notices one.

mod event;
mod handshake;
mod online;

use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::Pii;

pub use event::{Action, Event, Fault, Settings, Told};

use super::asked::{Asked, NoResult};
use super::element::{Build, Stanza};
use super::jid::Jid;
use super::pace::Pace;
use super::server::{Component, Service};
use super::stream_management::Management;
use super::{asked::Question, frame, namespace};

/// How long each step of the handshake may take.
pub const HANDSHAKE: Duration = Duration::from_secs(15);
/// Silence after which the server is pinged (lib-jitsi-meet: 10 s).
pub const QUIET: Duration = Duration::from_secs(10);
/// How long it has for its answer.
pub const PONG: Duration = Duration::from_secs(5);
/// Pings without answer until the connection counts as cut.
const MISSES: u32 = 2;
/// Attempts until a server that was never reached counts as unreachable.
const FIRST_ATTEMPTS: u32 = 3;
/// The same for one that was: some four minutes.
const ATTEMPTS: u32 = 16;

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not begun.
    Idle,
    /// The WebSocket is being opened.
    Connecting { since: Instant },
    /// `<open>` was sent; `<open>` and features are awaited.
    Greeting { since: Instant, authenticated: bool, greeted: bool },
    /// `<auth>` was sent.
    Authenticating { since: Instant },
    /// `<resume>` was sent.
    Resuming { since: Instant },
    /// A resource is being bound.
    Binding { since: Instant, legacy: bool },
    /// The older session that some servers still demand is being made.
    Establishing { since: Instant },
    /// Usable.
    Online,
    /// The next attempt comes then.
    Waiting { until: Instant },
    /// Nothing more will happen.
    Over,
}

/// Whether the server still answers.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    heard: Option<Instant>,
    pinged: Option<Instant>,
    misses: u32,
}

/// The machine. See the module.
#[derive(Clone, Debug)]
pub struct Session {
    settings: Settings,
    phase: Phase,
    jid: Option<Jid>,
    management: Management,
    asked: Asked,
    pace: Pace,
    pulse: Pulse,
    was_online: bool,
    offers_management: bool,
    components: Option<Vec<Component>>,
    services: Option<Vec<Service>>,
}

/// Questions of the session itself; those of the layer above are told from them by their kind.
const BIND: u64 = u64::MAX;
const ESTABLISH: u64 = u64::MAX - 1;
const PINGED: u64 = u64::MAX - 2;
const SERVER: u64 = u64::MAX - 3;
const SERVICES: u64 = u64::MAX - 4;
const SERVICES_OLD: u64 = u64::MAX - 5;
/// The layer above numbers its questions below this; one above it is answered with [`NoResult::TooMany`].
pub const QUESTIONS: u64 = u64::MAX - 16;

type Actions = Vec<Action>;

impl Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Session {
            pace: Pace::new(settings.seed),
            settings,
            phase: Phase::Idle,
            jid: None,
            management: Management::default(),
            asked: Asked::default(),
            pulse: Pulse::default(),
            was_online: false,
            offers_management: false,
            components: None,
            services: None,
        }
    }

    /// What an event leads to.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Start => self.start(now, &mut out),
            Event::Opened => self.opened(now, &mut out),
            Event::Frame(text) => self.frame(now, text.reveal(), &mut out),
            Event::Closed => self.closed(now, &mut out),
            Event::Tick => self.tick(now, &mut out),
            Event::Send(stanza) => self.send(&stanza.0, &mut out),
            Event::Ask(question, stanza) => self.ask(now, question, stanza.0, &mut out),
            Event::Stop => self.stop(&mut out),
        }
        out
    }

    /// Whether nothing more will come of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// The own address, once there is one.
    #[must_use]
    pub fn jid(&self) -> Option<&Jid> {
        self.jid.as_ref()
    }

    fn start(&mut self, now: Instant, out: &mut Actions) {
        match self.phase {
            Phase::Idle => self.connect(now, out),
            Phase::Connecting { .. }
            | Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Binding { .. }
            | Phase::Establishing { .. }
            | Phase::Online
            | Phase::Waiting { .. }
            | Phase::Over => {}
        }
    }

    fn connect(&mut self, now: Instant, out: &mut Actions) {
        self.phase = Phase::Connecting { since: now };
        out.push(Action::Connect { previd: self.management.resumable().cloned() });
    }

    fn opened(&mut self, now: Instant, out: &mut Actions) {
        match self.phase {
            Phase::Connecting { .. } => self.greet(now, false, out),
            // A connection that came too late: nobody waits for it.
            Phase::Idle | Phase::Waiting { .. } | Phase::Over => out.push(Action::Close),
            Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Binding { .. }
            | Phase::Establishing { .. }
            | Phase::Online => {}
        }
    }

    fn greet(&mut self, now: Instant, authenticated: bool, out: &mut Actions) {
        self.phase = Phase::Greeting { since: now, authenticated, greeted: false };
        let open =
            Element::bare("open", namespace::FRAMING).with("to", self.settings.domain.as_str()).with("version", "1.0");
        write(&open, out);
    }

    fn frame(&mut self, now: Instant, text: &str, out: &mut Actions) {
        match self.phase {
            Phase::Idle | Phase::Connecting { .. } | Phase::Waiting { .. } | Phase::Over => return,
            Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Binding { .. }
            | Phase::Establishing { .. }
            | Phase::Online => {}
        }
        let Ok(element) = frame::read(text) else {
            // RFC 6120, section 4.9.3.13: what is not well-formed ends the stream. A retry may meet a better server,
            // and does not go on for ever.
            self.cut(now, out);
            return;
        };
        self.pulse = Pulse { heard: Some(now), pinged: None, misses: 0 };
        if element.is("close", namespace::FRAMING) {
            // Where it says to go instead (`see-other-uri`) is a host that nobody named: not followed (P5).
            self.cut(now, out);
        } else if element.is("error", namespace::STREAMS) {
            self.stream_error(now, &element, out);
        } else {
            self.element(now, element, out);
        }
    }

    fn stream_error(&mut self, now: Instant, error: &Element, out: &mut Actions) {
        match event::named(error) {
            "conflict" => self.fail(Fault::Replaced, out),
            "not-authorized" | "policy-violation" => self.fail(Fault::Refused, out),
            "host-unknown" | "host-gone" | "unsupported-version" | "invalid-namespace" => {
                self.fail(Fault::Protocol, out);
            }
            // A stream that ended with an error is not resumed into the same error.
            _ => {
                self.management.disable();
                self.cut(now, out);
            }
        }
    }

    /// The connection is of no use any more.
    fn cut(&mut self, now: Instant, out: &mut Actions) {
        out.push(Action::Close);
        self.wait(now, out);
    }

    fn closed(&mut self, now: Instant, out: &mut Actions) {
        match self.phase {
            Phase::Connecting { .. }
            | Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Binding { .. }
            | Phase::Establishing { .. }
            | Phase::Online => self.wait(now, out),
            Phase::Idle | Phase::Waiting { .. } | Phase::Over => {}
        }
    }

    fn wait(&mut self, now: Instant, out: &mut Actions) {
        self.pulse = Pulse::default();
        let most = if self.was_online { ATTEMPTS } else { FIRST_ATTEMPTS };
        if self.pace.attempts() + 1 >= most {
            self.over(Told::Failed(Fault::Unreachable), out);
            return;
        }
        if self.management.resumable().is_none() {
            self.lose_questions(out);
        }
        let delay = self.pace.draw();
        self.phase = Phase::Waiting { until: now + delay };
        out.push(Action::Tell(Told::Interrupted(delay)));
    }

    fn lose_questions(&mut self, out: &mut Actions) {
        for question in self.asked.take_all() {
            if question.0 < QUESTIONS {
                out.push(Action::Tell(Told::Answer(question, Err(NoResult::SessionLost))));
            }
        }
    }

    fn fail(&mut self, fault: Fault, out: &mut Actions) {
        out.push(Action::Close);
        self.over(Told::Failed(fault), out);
    }

    fn over(&mut self, told: Told, out: &mut Actions) {
        self.lose_questions(out);
        self.management.disable();
        self.phase = Phase::Over;
        out.push(Action::Tell(told));
    }

    fn stop(&mut self, out: &mut Actions) {
        match self.phase {
            Phase::Over => {}
            Phase::Idle | Phase::Waiting { .. } => self.over(Told::Stopped, out),
            Phase::Connecting { .. } => {
                out.push(Action::Close);
                self.over(Told::Stopped, out);
            }
            Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Binding { .. }
            | Phase::Establishing { .. }
            | Phase::Online => {
                write(&Element::bare("close", namespace::FRAMING), out);
                out.push(Action::Close);
                self.over(Told::Stopped, out);
            }
        }
    }

    fn tick(&mut self, now: Instant, out: &mut Actions) {
        match self.phase {
            Phase::Idle | Phase::Over => return,
            Phase::Waiting { until } if until <= now => self.connect(now, out),
            Phase::Waiting { .. } => {}
            Phase::Connecting { since }
            | Phase::Greeting { since, .. }
            | Phase::Authenticating { since }
            | Phase::Resuming { since }
            | Phase::Binding { since, .. }
            | Phase::Establishing { since } => {
                if now.saturating_duration_since(since) >= HANDSHAKE {
                    self.cut(now, out);
                }
            }
            Phase::Online => self.watch(now, out),
        }
        self.overdue(now, out);
    }

    fn send(&mut self, stanza: &Element, out: &mut Actions) {
        match self.phase {
            Phase::Online => self.stanza_out(stanza, out),
            // While the session may still be resumed, it waits in the queue with what was not acknowledged.
            Phase::Connecting { .. }
            | Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Waiting { .. }
                if self.management.resumable().is_some() =>
            {
                self.management.sent(&frame::write(stanza));
            }
            Phase::Connecting { .. }
            | Phase::Greeting { .. }
            | Phase::Authenticating { .. }
            | Phase::Resuming { .. }
            | Phase::Waiting { .. }
            | Phase::Binding { .. }
            | Phase::Establishing { .. }
            | Phase::Idle
            | Phase::Over => {}
        }
    }

    fn ask(&mut self, now: Instant, question: Question, iq: Element, out: &mut Actions) {
        let resumable = self.management.resumable().is_some() && self.phase != Phase::Over;
        let no = if question.0 >= QUESTIONS {
            Some(NoResult::TooMany)
        } else if self.phase != Phase::Online && !resumable {
            Some(NoResult::SessionLost)
        } else {
            None
        };
        let id = if no.is_none() { self.asked.ask(now, iq.attr("to"), question) } else { None };
        match id {
            Some(id) => self.send(&iq.with("id", id), out),
            None => out.push(Action::Tell(Told::Answer(question, Err(no.unwrap_or(NoResult::TooMany))))),
        }
    }

    fn stanza_out(&mut self, stanza: &Element, out: &mut Actions) {
        let text = frame::write(stanza);
        if text.is_empty() {
            return;
        }
        let ask = self.management.sent(&text);
        out.push(Action::Send(Pii::new(text)));
        if ask {
            write(&Management::question(), out);
        }
    }

    fn tell(stanza: Element, out: &mut Actions) {
        out.push(Action::Tell(Told::Stanza(Stanza(stanza))));
    }
}

/// Sends what is not a stanza and not counted.
fn write(element: &Element, out: &mut Actions) {
    out.push(Action::Send(Pii::new(frame::write(element))));
}
