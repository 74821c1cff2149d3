//! The conference request: asks jicofo to be in the room before a guest joins it, since only jicofo makes rooms. By HTTP
//! where the server's configuration names an address, else (or when HTTP refuses) by IQ.
//!
//! `visitors-version` is never sent, so that jicofo has no reason to send the room to a visitors' node; an answer that does
//! it all the same is refused: that node is a host nobody declared (promise P5).

use std::time::{Duration, Instant};

use minidom::Element;
use serde::Deserialize;
use subrosa_messages::Pii;

use crate::signalling::xmpp::asked::NoResult;
use crate::signalling::xmpp::{Build, Jid, Stanza, element};

/// The namespace of jicofo's requests.
pub const FOCUS: &str = "http://jitsi.org/protocol/focus";
/// Bytes of an answer that are read.
pub const ANSWER: usize = 64 << 10;
/// How often a server is asked whose room has no host yet.
pub const HOST: Duration = Duration::from_secs(5);
/// The longest wait for a focus that is not ready.
const LONGEST: Duration = Duration::from_secs(120);
/// Faults in a row until it is given up.
const FAULTS: u32 = 5;

/// What is fixed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The room.
    pub room: Jid,
    /// Random, made for this call: jicofo knows a device by it that asks twice.
    pub machine: Pii<String>,
    /// Whether the configuration names an HTTP address.
    pub http: bool,
    /// Where IQs go (`hosts.focus`).
    pub focus: String,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// Ask now.
    Begin,
    /// The answer by HTTP.
    Http(u16, Pii<String>),
    /// No answer by HTTP.
    HttpFailed,
    /// The answer by IQ.
    Iq(Result<Stanza, NoResult>),
    /// Time has passed.
    Tick,
    /// Nobody wants it any more.
    Cancel,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// POST this JSON to the address of the configuration.
    Post(Pii<String>),
    /// Ask this IQ.
    Ask(Stanza),
    /// Tell the meeting.
    Tell(Told),
}

/// What the meeting is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Join now: within 15 s, jicofo leaves an empty room then. With jicofo's bare address, if it says it.
    Ready(Option<Jid>),
    /// The server is busy; it is asked again after this time.
    NotReady(Duration),
    /// The room has no host yet; it is asked again every [`HOST`].
    WaitingForHost,
    /// It cannot be had.
    Failed(Fault),
}

/// Why there will be no conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// Nobody answers who could open the room.
    #[error("the meeting's server does not open rooms at present; try later, or tell the person who runs it")]
    NoFocus,
    /// A reservation system refuses.
    #[error("this meeting is not booked for now; ask its host")]
    NotReserved,
    /// It would only let us watch, elsewhere.
    #[error("the meeting is full for participants; its server would only let this room watch")]
    Visitor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Http,
    Iq,
    Waiting { until: Instant },
    Over,
}

/// What both forms of the answer say.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    ready: bool,
    focus_jid: Option<String>,
    session_id: Option<String>,
    vnode: Option<String>,
    properties: Properties,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Properties {
    live: Option<String>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Request {
    settings: Settings,
    phase: Phase,
    http: bool,
    session: Option<Pii<String>>,
    back_off: Duration,
    faults: u32,
}

impl Request {
    /// One that has not begun.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let http = settings.http;
        Request { settings, phase: Phase::Idle, http, session: None, back_off: Duration::from_secs(1), faults: 0 }
    }

    /// What an event leads to.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        match (self.phase, event) {
            (Phase::Idle | Phase::Over, Event::Begin) => {
                self.back_off = Duration::from_secs(1);
                self.faults = 0;
                self.ask()
            }
            (Phase::Http, Event::Http(status, body)) => self.http(now, status, body.reveal()),
            // A broken address: the IQ reaches the same jicofo.
            (Phase::Http, Event::HttpFailed) => self.by_iq(),
            (Phase::Iq, Event::Iq(answer)) => self.iq(now, answer),
            (Phase::Waiting { until }, Event::Tick) if until <= now => self.ask(),
            (Phase::Idle | Phase::Http | Phase::Iq | Phase::Waiting { .. } | Phase::Over, Event::Cancel) => {
                self.phase = Phase::Idle;
                Vec::new()
            }
            // Answers to what was asked before, and events that change nothing.
            (
                Phase::Idle | Phase::Http | Phase::Iq | Phase::Waiting { .. } | Phase::Over,
                Event::Begin | Event::Http(..) | Event::HttpFailed | Event::Iq(_) | Event::Tick,
            ) => Vec::new(),
        }
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Waiting { until } => Some(until),
            Phase::Idle | Phase::Http | Phase::Iq | Phase::Over => None,
        }
    }

    fn ask(&mut self) -> Vec<Action> {
        if !self.http {
            return self.by_iq();
        }
        self.phase = Phase::Http;
        let mut body = serde_json::json!({
            "room": self.settings.room.reveal(),
            "machineUid": self.settings.machine.reveal(),
            "properties": { "rtcstatsEnabled": "false" },
        });
        if let (Some(session), Some(body)) = (&self.session, body.as_object_mut()) {
            body.insert("sessionId".to_owned(), session.reveal().as_str().into());
        }
        vec![Action::Post(Pii::new(body.to_string()))]
    }

    fn by_iq(&mut self) -> Vec<Action> {
        self.http = false;
        self.phase = Phase::Iq;
        let property = Element::bare("property", FOCUS).with("name", "rtcstatsEnabled").with("value", "false");
        let conference = Element::bare("conference", FOCUS)
            .with("room", self.settings.room.reveal())
            .with("machine-uid", self.settings.machine.reveal().as_str())
            .with("session-id", self.session.as_ref().map(|session| session.reveal().as_str()))
            .child(property);
        vec![Action::Ask(Stanza(element::iq("set", &self.settings.focus, conference)))]
    }

    fn http(&mut self, now: Instant, status: u16, body: &str) -> Vec<Action> {
        match status {
            200 if body.len() <= ANSWER => match serde_json::from_str::<Answer>(body) {
                Ok(answer) => self.answered(now, answer),
                Err(_) => self.by_iq(),
            },
            403 => self.no_host(now),
            // 400 is what jicofo with XMPP authentication says to every guest without a host (recording 08c): the IQ
            // says what it means. Everything else is a broken address.
            _ => self.by_iq(),
        }
    }

    fn iq(&mut self, now: Instant, answer: Result<Stanza, NoResult>) -> Vec<Action> {
        let refused = match answer {
            Ok(stanza) => {
                let Some(conference) = stanza.0.get_child("conference", FOCUS) else { return self.fault(now) };
                let text = |name| conference.attr(name).map(str::to_owned);
                let live = conference.children().find(|child| child.attr("name") == Some("live"));
                let answer = Answer {
                    ready: conference.attr("ready").is_some_and(|ready| matches!(ready, "true" | "1")),
                    focus_jid: text("focusjid"),
                    session_id: text("session-id"),
                    vnode: text("vnode"),
                    properties: Properties { live: live.and_then(|live| live.attr("value")).map(str::to_owned) },
                };
                return self.answered(now, answer);
            }
            Err(NoResult::Refused(condition)) => condition,
            Err(NoResult::TimedOut | NoResult::SessionLost | NoResult::TooMany) => return self.fault(now),
        };
        match refused.as_str() {
            "not-authorized" | "forbidden" => self.no_host(now),
            // The session that an older login made is gone.
            "not-acceptable" | "session-invalid" if self.session.take().is_some() => self.by_iq(),
            "reservation-error" => self.fail(Fault::NotReserved),
            _ => self.fault(now),
        }
    }

    fn answered(&mut self, now: Instant, answer: Answer) -> Vec<Action> {
        self.faults = 0;
        self.session = answer.session_id.filter(|session| session.len() <= 1024).map(Pii::new).or(self.session.take());
        if answer.vnode.is_some_and(|node| !node.is_empty()) {
            return self.fail(Fault::Visitor);
        }
        if answer.properties.live.as_deref() == Some("false") {
            return self.no_host(now);
        }
        if answer.ready {
            self.phase = Phase::Over;
            return vec![Action::Tell(Told::Ready(answer.focus_jid.as_deref().and_then(Jid::new)))];
        }
        vec![Action::Tell(Told::NotReady(self.later(now)))]
    }

    fn later(&mut self, now: Instant) -> Duration {
        let delay = self.back_off;
        self.back_off = (delay * 2).min(LONGEST);
        self.phase = Phase::Waiting { until: now + delay };
        delay
    }

    fn no_host(&mut self, now: Instant) -> Vec<Action> {
        self.faults = 0;
        self.phase = Phase::Waiting { until: now + HOST };
        vec![Action::Tell(Told::WaitingForHost)]
    }

    fn fault(&mut self, now: Instant) -> Vec<Action> {
        self.faults += 1;
        if self.faults >= FAULTS {
            return self.fail(Fault::NoFocus);
        }
        vec![Action::Tell(Told::NotReady(self.later(now)))]
    }

    fn fail(&mut self, fault: Fault) -> Vec<Action> {
        self.phase = Phase::Over;
        vec![Action::Tell(Told::Failed(fault))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::recording::{self, Direction};
    use crate::signalling::xmpp::frame;

    fn request(room: &str, http: bool) -> Request {
        Request::new(Settings {
            room: Jid::new(room).unwrap(),
            machine: Pii::new("m".to_owned()),
            http,
            focus: "focus.meet.test".to_owned(),
        })
    }

    fn http(status: u16, body: &str) -> Event {
        Event::Http(status, Pii::new(body.to_owned()))
    }

    fn iq(text: &str) -> Event {
        Event::Iq(Ok(Stanza(frame::read(&format!("<iq xmlns='jabber:client'>{text}</iq>")).unwrap())))
    }

    fn refused(condition: &str) -> Event {
        Event::Iq(Err(NoResult::Refused(condition.to_owned())))
    }

    fn word(actions: &[Action]) -> String {
        let words = actions.iter().map(|action| match action {
            Action::Post(_) => "post".to_owned(),
            Action::Ask(_) => "ask".to_owned(),
            Action::Tell(Told::Ready(focus)) => format!("ready {}", focus.is_some()),
            Action::Tell(told) => format!("{told:?}"),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// Rows: event; columns: the phases. Empty: nothing happens.
    #[test]
    fn every_phase_answers_every_event_as_written() {
        let now = Instant::now();
        let conference = "<conference xmlns='http://jitsi.org/protocol/focus'";
        let events: Vec<(&str, Event, [&str; 5])> = vec![
            ("begin", Event::Begin, ["post", "", "", "", "post"]),
            ("ready", http(200, r#"{"ready":true,"focusJid":"focus@auth.meet.test"}"#), ["", "ready true", "", "", ""]),
            ("not ready", http(200, r#"{"ready":false}"#), ["", "NotReady(1s)", "", "", ""]),
            (
                "not live",
                http(200, r#"{"ready":true,"properties":{"live":"false"}}"#),
                ["", "WaitingForHost", "", "", ""],
            ),
            ("vnode", http(200, r#"{"ready":true,"vnode":"v1"}"#), ["", "Failed(Visitor)", "", "", ""]),
            ("no JSON", http(200, "<html>"), ["", "ask", "", "", ""]),
            ("huge", http(200, &" ".repeat(ANSWER + 1)), ["", "ask", "", "", ""]),
            ("400", http(400, "Bad request"), ["", "ask", "", "", ""]),
            ("403", http(403, ""), ["", "WaitingForHost", "", "", ""]),
            ("502", http(502, ""), ["", "ask", "", "", ""]),
            ("no HTTP", Event::HttpFailed, ["", "ask", "", "", ""]),
            ("IQ ready", iq(&format!("{conference} ready='true'/>")), ["", "", "ready false", "", ""]),
            ("IQ not ready", iq(&format!("{conference}/>")), ["", "", "NotReady(1s)", "", ""]),
            ("IQ vnode", iq(&format!("{conference} ready='true' vnode='v'/>")), ["", "", "Failed(Visitor)", "", ""]),
            ("IQ of nothing", iq(""), ["", "", "NotReady(1s)", "", ""]),
            ("not authorized", refused("not-authorized"), ["", "", "WaitingForHost", "", ""]),
            ("reservation", refused("reservation-error"), ["", "", "Failed(NotReserved)", "", ""]),
            ("no focus", refused("service-unavailable"), ["", "", "NotReady(1s)", "", ""]),
            ("late", Event::Iq(Err(NoResult::TimedOut)), ["", "", "NotReady(1s)", "", ""]),
            ("tick", Event::Tick, ["", "", "", "post", ""]),
            ("cancel", Event::Cancel, ["", "", "", "", ""]),
        ];
        for (name, event, expected) in events {
            for (phase, expected) in expected.iter().enumerate() {
                let mut request = request("r@muc.meet.test", true);
                let before = match phase {
                    0 => vec![],
                    1 => vec![Event::Begin],
                    2 => vec![Event::Begin, Event::HttpFailed],
                    3 => vec![Event::Begin, http(403, "")],
                    _ => vec![Event::Begin, http(200, r#"{"ready":true}"#)],
                };
                for event in before {
                    request.step(now, event);
                }
                let later = now + HOST;
                assert_eq!(word(&request.step(later, event.clone())), *expected, "{name} in phase {phase}");
            }
        }
    }

    #[test]
    fn a_focus_that_is_not_ready_is_asked_ever_less_often_and_one_that_fails_is_given_up() {
        let mut now = Instant::now();
        let mut waiting = request("r@muc.meet.test", true);
        waiting.step(now, Event::Begin);
        for seconds in [1, 2, 4, 8, 16, 32, 64, 120, 120] {
            let told = waiting.step(now, http(200, "{}"));
            assert_eq!(told, [Action::Tell(Told::NotReady(Duration::from_secs(seconds)))]);
            assert_eq!(waiting.step(now, Event::Tick), []);
            now += Duration::from_secs(seconds);
            assert_eq!(word(&waiting.step(now, Event::Tick)), "post");
        }
        let mut failing = request("r@muc.meet.test", false);
        failing.step(now, Event::Begin);
        for _ in 1..FAULTS {
            failing.step(now, Event::Iq(Err(NoResult::TimedOut)));
            now += LONGEST;
            failing.step(now, Event::Tick);
        }
        assert_eq!(word(&failing.step(now, Event::Iq(Err(NoResult::TimedOut)))), "Failed(NoFocus)");
    }

    /// The recordings by HTTP and by IQ. Differences: `machineUid` is ours; `visitors-version` is left out on purpose;
    /// `rtcstatsEnabled` is a string (jicofo reads both).
    #[test]
    fn the_recorded_requests_are_asked_in_the_same_words_and_their_answers_understood() {
        let (mut seen, now) = (0, Instant::now());
        for recording in recording::all() {
            let mut sent: Option<Request> = None;
            for line in recording.frames.iter().filter(|line| line.channel == "http") {
                let value: serde_json::Value = serde_json::from_str(&line.data).unwrap();
                let body = value["body"].as_str().unwrap_or_default();
                let theirs: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
                if line.dir == Direction::Out && theirs["properties"]["rtcstatsEnabled"] == false {
                    let mut request = request(theirs["room"].as_str().unwrap(), true);
                    let asked = request.step(now, Event::Begin);
                    let [Action::Post(ours)] = asked.as_slice() else { panic!("{asked:?}") };
                    let ours: serde_json::Value = serde_json::from_str(ours.reveal()).unwrap();
                    let keys =
                        |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
                    assert_eq!((keys(&ours), &ours["room"]), (keys(&theirs), &theirs["room"]));
                    assert_eq!(ours["properties"], serde_json::json!({ "rtcstatsEnabled": "false" }));
                    sent = Some(request);
                } else if line.dir == Direction::In
                    && let Some(mut request) = sent.take()
                {
                    let status = u16::try_from(value["status"].as_u64().unwrap()).unwrap();
                    let expected = if status == 200 { "ready true" } else { "ask" };
                    assert_eq!(word(&request.step(now, http(status, body))), expected, "{}", recording.name);
                    seen += 1;
                }
            }
        }
        assert!(seen > 40, "{seen}");
    }
}
