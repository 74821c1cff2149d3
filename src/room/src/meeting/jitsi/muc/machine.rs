//! The machine.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::Pii;

use super::super::presence::{Own, leave};
use super::super::refused::{self, Refused};
use super::super::request::{self, Request};
use super::super::roster::{self, FOCUS, Gone, MOST, Nick, Participant, Seen};
use super::super::{lobby, roster::JITSI};
use super::event::{Action, Event, OfFocus, Settings, Told};
use crate::meeting::elsewhere::failure::Failure;
use crate::signalling::xmpp::{Build, Jid, Stanza, namespace};

/// How long a room or a lobby may take to answer a presence.
pub const JOINING: Duration = Duration::from_secs(15);
/// Before the room asks again after the focus has left, or has not been there yet.
pub const AGAIN: Duration = Duration::from_secs(2);
/// Attempts until a room that cannot be entered is given up.
const ATTEMPTS: u32 = 3;
/// Characters of a line that are shown or sent.
const LINE: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// No session.
    Offline,
    /// The conference is being requested.
    Requesting,
    /// The presence is on its way.
    Joining { until: Instant },
    /// A person has to give the password.
    Asking,
    /// In the lobby, or on the way into it.
    Lobby { until: Option<Instant> },
    /// Before the next request.
    Waiting { until: Instant },
    /// In the room.
    In,
    /// Done.
    Over,
}

/// The room's place in a meeting.
#[derive(Clone, Debug)]
pub struct Muc {
    settings: Settings,
    request: Request,
    phase: Phase,
    own: Own,
    password: Option<Pii<String>>,
    /// Our address in the lobby, until it is left.
    lobby: Option<(Jid, Jid)>,
    people: BTreeMap<Nick, Participant>,
    focus: Option<OfFocus>,
    failures: u32,
    nicks: u64,
}

type Out = Vec<Action>;

impl Muc {
    /// Outside.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let request = Request::new(request::Settings {
            room: settings.room.clone(),
            machine: settings.machine.clone(),
            http: settings.http,
            focus: settings.focus.clone(),
        });
        let own = Own {
            occupant: settings.room.clone(),
            name: settings.name.clone(),
            codecs: Vec::new(),
            muted: BTreeMap::new(),
            hand: None,
        };
        Muc {
            settings,
            request,
            phase: Phase::Offline,
            own,
            password: None,
            lobby: None,
            people: BTreeMap::new(),
            focus: None,
            failures: 0,
            nicks: 0,
        }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Online(jid) => self.online(now, &jid, &mut out),
            Event::Http(status, body) => self.requested(now, request::Event::Http(status, body), &mut out),
            Event::HttpFailed => self.requested(now, request::Event::HttpFailed, &mut out),
            Event::Answer(answer) => self.requested(now, request::Event::Iq(answer), &mut out),
            Event::Stanza(stanza) => self.stanza(now, &stanza.0, &mut out),
            Event::Password(password) => {
                if self.phase == Phase::Asking {
                    self.password = Some(password);
                    self.ask(now, &mut out);
                }
            }
            Event::Muted(muted) => self.own_is(|own| own.muted = muted, &mut out),
            Event::Codecs(codecs) => self.own_is(|own| own.codecs = codecs, &mut out),
            Event::Hand(hand) => self.own_is(|own| own.hand = Some(hand), &mut out),
            Event::Say(line) => self.say(line.reveal(), &mut out),
            Event::Rejoin => self.rejoin(now, &mut out),
            Event::Leave => {
                self.leave_both(&mut out);
                self.end();
            }
            Event::Tick => self.tick(now, &mut out),
        }
        out
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Requesting => self.request.deadline(),
            Phase::Joining { until } | Phase::Waiting { until } | Phase::Lobby { until: Some(until) } => Some(until),
            Phase::Offline | Phase::Asking | Phase::Lobby { until: None } | Phase::In | Phase::Over => None,
        }
    }

    /// Who is in the room besides us and the focus.
    #[must_use]
    pub fn people(&self) -> &BTreeMap<Nick, Participant> {
        &self.people
    }

    fn online(&mut self, now: Instant, jid: &Jid, out: &mut Out) {
        if self.phase == Phase::Over {
            return;
        }
        self.empty(out);
        self.lobby = None;
        self.failures = 0;
        // Servers that check it want the beginning of the login's name (`muc_resource_validate`).
        let given = jid.local().and_then(|local| local.get(..8)).filter(|nick| is_endpoint(nick)).map(str::to_owned);
        let nick = given.unwrap_or_else(|| self.invent());
        self.be(&nick);
        self.ask(now, out);
    }

    fn be(&mut self, nick: &str) {
        if let Some(occupant) = self.settings.room.with_resource(nick) {
            self.own.occupant = occupant;
        }
        // They are named after the nick.
        self.own.muted.clear();
    }

    /// Eight hexadecimal digits that nobody else has.
    fn invent(&mut self) -> String {
        self.nicks += 1;
        // SplitMix64: digits that look like any other client's.
        let mut mixed = self.settings.seed.wrapping_add(self.nicks.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:08x}", (mixed ^ (mixed >> 31)) >> 32)
    }

    fn ask(&mut self, now: Instant, out: &mut Out) {
        self.phase = Phase::Requesting;
        self.request.step(now, request::Event::Cancel);
        self.requested(now, request::Event::Begin, out);
    }

    fn requested(&mut self, now: Instant, event: request::Event, out: &mut Out) {
        for action in self.request.step(now, event) {
            match action {
                request::Action::Post(body) => out.push(Action::Post(body)),
                request::Action::Ask(stanza) => out.push(Action::Ask(stanza)),
                request::Action::Tell(_) if self.phase != Phase::Requesting => {}
                request::Action::Tell(request::Told::Ready(_)) => self.join(now, out),
                request::Action::Tell(request::Told::NotReady(_)) => out.push(Action::Tell(Told::Waits(None))),
                request::Action::Tell(request::Told::WaitingForHost) => {
                    out.push(Action::Tell(Told::Waits(Some(Failure::WaitingForHost))));
                }
                request::Action::Tell(request::Told::Failed(fault)) => {
                    let failure = match fault {
                        request::Fault::NoFocus => Failure::ServerFault,
                        request::Fault::NotReserved => Failure::Denied,
                        request::Fault::Visitor => Failure::VisitorsOnly,
                    };
                    self.fail(failure, out);
                }
            }
        }
    }

    fn join(&mut self, now: Instant, out: &mut Out) {
        let machine = self.settings.http.then_some(&self.settings.machine);
        let presence = self.own.join(&self.settings.capabilities, self.password.as_ref(), machine);
        out.push(Action::Send(Stanza(presence)));
        self.phase = Phase::Joining { until: now + JOINING };
    }

    fn stanza(&mut self, now: Instant, stanza: &Element, out: &mut Out) {
        let from = stanza.attr("from").and_then(Jid::new);
        if let Some((lobby, _)) = &self.lobby
            && let Some(word) = lobby::read(stanza, lobby.reveal(), self.settings.room.reveal())
        {
            self.in_lobby(now, word, out);
            return;
        }
        let Some(from) = from else { return };
        let of_lobby = self.lobby.as_ref().is_some_and(|(lobby, _)| from.bare() == lobby.reveal());
        match (stanza.name(), stanza.attr("type")) {
            ("presence", Some("error")) if of_lobby => self.lobby_refused(now, stanza, out),
            ("presence", Some("error")) if from.bare() == self.settings.room.reveal() => {
                if let Phase::Joining { .. } = self.phase {
                    self.refused(now, &refused::read(stanza), out);
                }
            }
            ("presence", _) => {
                if let Some(seen) = roster::read(stanza, self.settings.room.reveal()) {
                    self.seen(now, stanza, seen, out);
                }
            }
            ("message", kind) => self.heard(&from, stanza, kind, out),
            _ => {}
        }
    }

    fn refused(&mut self, now: Instant, refused: &Refused, out: &mut Out) {
        // There is nothing to leave.
        self.phase = Phase::Offline;
        match refused {
            Refused::Password => {
                let failure =
                    if self.password.take().is_some() { Failure::PasswordWrong } else { Failure::PasswordWanted };
                self.phase = Phase::Asking;
                out.push(Action::Tell(Told::Waits(Some(failure))));
            }
            Refused::Lobby { lobby: Some(lobby), host } => self.knock(now, lobby, *host, out),
            Refused::Lobby { lobby: None, .. } | Refused::Account => self.fail(Failure::LoginRequired, out),
            Refused::NoRoom => self.again(now, Failure::ServerFault, out),
            Refused::Full => self.fail(Failure::Full, out),
            Refused::Nick => {
                let nick = self.invent();
                self.be(&nick);
                self.again(now, Failure::NameRefused, out);
            }
            Refused::Name | Refused::Forbidden => self.fail(Failure::NameRefused, out),
        }
    }

    /// The room is asked for once more, a few times.
    fn again(&mut self, now: Instant, at_last: Failure, out: &mut Out) {
        self.failures += 1;
        if self.failures > ATTEMPTS {
            self.fail(at_last, out);
        } else {
            self.phase = Phase::Waiting { until: now + AGAIN };
            out.push(Action::Tell(Told::Waits(None)));
        }
    }

    fn knock(&mut self, now: Instant, lobby: &Jid, host: bool, out: &mut Out) {
        // Under another nick: the one who waits is nobody yet.
        let nick = self.invent();
        let Some(occupant) = lobby.with_resource(&nick) else { return self.fail(Failure::ServerFault, out) };
        let machine = self.settings.http.then_some(&self.settings.machine);
        out.push(Action::Send(Stanza(self.own.knock(&occupant, &self.settings.capabilities, machine))));
        self.lobby = Some((lobby.clone(), occupant));
        self.phase = Phase::Lobby { until: Some(now + JOINING) };
        let waits = if host { Failure::WaitingForHost } else { Failure::WaitingForApproval };
        out.push(Action::Tell(Told::Waits(Some(waits))));
    }

    fn lobby_refused(&mut self, now: Instant, stanza: &Element, out: &mut Out) {
        if let Phase::Lobby { .. } = self.phase {
            self.lobby = None;
            match refused::read(stanza) {
                // It was switched off a moment ago.
                Refused::NoRoom => self.again(now, Failure::ServerFault, out),
                Refused::Password
                | Refused::Lobby { .. }
                | Refused::Account
                | Refused::Name
                | Refused::Full
                | Refused::Nick
                | Refused::Forbidden => self.fail(Failure::Denied, out),
            }
        }
    }

    fn in_lobby(&mut self, now: Instant, word: lobby::Word, out: &mut Out) {
        let waits = matches!(self.phase, Phase::Lobby { .. });
        match word {
            lobby::Word::Said(line) => out.push(Action::Tell(Told::Said(None, line))),
            lobby::Word::Waiting if waits => self.phase = Phase::Lobby { until: None },
            lobby::Word::Admitted(password) if waits => {
                self.password = password.or(self.password.take());
                self.ask(now, out);
            }
            lobby::Word::Opened if waits => {
                self.lobby = None;
                self.ask(now, out);
            }
            lobby::Word::Denied if waits => {
                self.lobby = None;
                self.fail(Failure::Denied, out);
            }
            lobby::Word::Ended if waits => {
                self.lobby = None;
                self.fail(Failure::Ended, out);
            }
            lobby::Word::Left if waits => {
                self.lobby = None;
                self.again(now, Failure::ConnectionLost, out);
            }
            // Of one who has been admitted, or has left it.
            lobby::Word::Waiting
            | lobby::Word::Admitted(_)
            | lobby::Word::Opened
            | lobby::Word::Denied
            | lobby::Word::Ended
            | lobby::Word::Left => {}
        }
    }

    fn seen(&mut self, now: Instant, presence: &Element, seen: Seen, out: &mut Out) {
        let ours = |nick: &Nick| Some(nick.0.reveal().as_str()) == self.own.occupant.resource();
        match seen {
            Seen::Here { nick, own, .. } if own || ours(&nick) => {
                if let Phase::Joining { .. } = self.phase {
                    self.entered(out);
                }
            }
            Seen::Gone { nick, own, how } if own || ours(&nick) => match self.phase {
                Phase::In | Phase::Joining { .. } => {
                    self.empty(out);
                    // There is nothing left to leave.
                    self.phase = Phase::Offline;
                    match how {
                        Gone::Kicked | Gone::Banned => self.fail(Failure::Kicked, out),
                        Gone::Destroyed { .. } => self.fail(Failure::Ended, out),
                        Gone::Left => self.again(now, Failure::ConnectionLost, out),
                    }
                }
                Phase::Offline
                | Phase::Requesting
                | Phase::Asking
                | Phase::Lobby { .. }
                | Phase::Waiting { .. }
                | Phase::Over => {}
            },
            _ if !matches!(self.phase, Phase::In | Phase::Joining { .. }) => {}
            Seen::Here { nick, .. } if nick.0.reveal() == FOCUS => {
                let says = of_focus(presence);
                if self.focus != Some(says) {
                    self.focus = Some(says);
                    out.push(Action::Tell(Told::Focus(says)));
                }
            }
            Seen::Gone { nick, .. } if nick.0.reveal() == FOCUS => {
                self.rejoin(now, out);
            }
            Seen::Here { nick, participant, .. } => {
                let known = self.people.get(&nick);
                if known == Some(&participant) || (known.is_none() && self.people.len() >= MOST) {
                    return;
                }
                self.people.insert(nick.clone(), participant.clone());
                out.push(Action::Tell(Told::Here(nick, participant)));
            }
            Seen::Gone { nick, .. } => {
                if self.people.remove(&nick).is_some() {
                    out.push(Action::Tell(Told::Gone(nick)));
                }
            }
        }
    }

    fn entered(&mut self, out: &mut Out) {
        self.phase = Phase::In;
        self.failures = 0;
        if let Some((_, occupant)) = self.lobby.take() {
            out.push(Action::Send(Stanza(leave(&occupant))));
        }
        out.push(Action::Tell(Told::In(self.own.occupant.clone())));
    }

    fn rejoin(&mut self, now: Instant, out: &mut Out) {
        if matches!(self.phase, Phase::In | Phase::Joining { .. }) {
            out.push(Action::Send(Stanza(leave(&self.own.occupant))));
            self.empty(out);
            self.again(now, Failure::ConnectionLost, out);
        }
    }

    /// Out of the room: whatever was in it is gone.
    fn empty(&mut self, out: &mut Out) {
        if self.phase == Phase::In {
            out.push(Action::Tell(Told::Out));
        }
        self.people.clear();
        self.focus = None;
        self.own.muted.clear();
    }

    fn heard(&self, from: &Jid, message: &Element, kind: Option<&str>, out: &mut Out) {
        let Some(nick) = from.resource().filter(|_| from.bare() == self.settings.room.reveal()) else { return };
        if self.phase != Phase::In || !matches!(kind, Some("groupchat" | "chat")) {
            return;
        }
        let body = message.get_child("body", namespace::CLIENT).map(Element::text).unwrap_or_default();
        // End-to-end keys and the like come as private messages, too.
        if !body.trim().is_empty() && !message.has_child("json-message", JITSI) {
            out.push(Action::Tell(Told::Said(Some(Nick(Pii::new(nick.to_owned()))), Pii::new(line(&body)))));
        }
    }

    fn say(&self, text: &str, out: &mut Out) {
        let text = line(text);
        if self.phase == Phase::In && !text.trim().is_empty() {
            let message = Element::bare("message", namespace::CLIENT)
                .with("to", self.settings.room.reveal())
                .with("type", "groupchat")
                .child(Element::bare("body", namespace::CLIENT).holding(&text));
            out.push(Action::Send(Stanza(message)));
        }
    }

    fn own_is(&mut self, change: impl FnOnce(&mut Own), out: &mut Out) {
        let before = self.own.update(&self.settings.capabilities);
        change(&mut self.own);
        let after = self.own.update(&self.settings.capabilities);
        if self.phase == Phase::In && before != after {
            out.push(Action::Send(Stanza(after)));
        }
    }

    fn tick(&mut self, now: Instant, out: &mut Out) {
        match self.phase {
            Phase::Requesting => self.requested(now, request::Event::Tick, out),
            Phase::Waiting { until } if until <= now => self.ask(now, out),
            Phase::Joining { until } if until <= now => self.again(now, Failure::ServerFault, out),
            Phase::Lobby { until: Some(until) } if until <= now => {
                self.lobby = None;
                self.again(now, Failure::ServerFault, out);
            }
            Phase::Offline
            | Phase::Joining { .. }
            | Phase::Asking
            | Phase::Lobby { .. }
            | Phase::Waiting { .. }
            | Phase::In
            | Phase::Over => {}
        }
    }

    fn fail(&mut self, failure: Failure, out: &mut Out) {
        self.leave_both(out);
        self.end();
        out.push(Action::Tell(Told::Over(failure)));
    }

    fn leave_both(&mut self, out: &mut Out) {
        if matches!(self.phase, Phase::In | Phase::Joining { .. }) {
            out.push(Action::Send(Stanza(leave(&self.own.occupant))));
        }
        if let Some((_, occupant)) = self.lobby.take() {
            out.push(Action::Send(Stanza(leave(&occupant))));
        }
    }

    fn end(&mut self) {
        self.phase = Phase::Over;
        self.people.clear();
        self.password = None;
        self.own.hand = None;
    }
}

/// Eight lower-case hexadecimal digits, as endpoints of the bridge have.
fn is_endpoint(nick: &str) -> bool {
    nick.len() == 8 && nick.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn of_focus(presence: &Element) -> OfFocus {
    let child = |name: &str| presence.children().find(|child| child.name() == name);
    let status = child("jibri-recording-status").and_then(|status| status.attr("status")).unwrap_or_default();
    OfFocus {
        without_bridge: child("bridgeNotAvailable").is_some(),
        records: matches!(status.to_ascii_lowercase().as_str(), "on" | "pending"),
    }
}

/// One line without control characters.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE).collect()
}
