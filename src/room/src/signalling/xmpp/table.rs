//! The whole table of situation × event. What is done in each cell stands in `table.txt`; the rows that are left out
//! there do nothing.

use std::fmt::Write;
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::Pii;

use super::asked::Question;
use super::caps::Capabilities;
use super::element::{Build, Stanza, iq};
use super::{Action, Event, Session, Settings, Told, frame, namespace};

pub(super) const OPEN: &str =
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='meet.test' id='1' version='1.0'/>";
pub(super) const ANONYMOUS: &str = "<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>";
const PLAIN: &str = "<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>";
pub(super) const SUCCESS: &str = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";
pub(super) const FEATURES: &str = "<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><sm xmlns='urn:xmpp:sm:3'><optional/></sm><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session></stream:features>";
const DEMANDING: &str = "<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></stream:features>";
pub(super) const BOUND: &str = "<iq xmlns='jabber:client' id='q1' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>a@meet.test/b</jid></bind></iq>";
pub(super) const ENABLED: &str = "<enabled xmlns='urn:xmpp:sm:3' id='old' resume='true' max='60'/>";
const PUSH: &str = "<message xmlns='jabber:client' from='meet.test'><query xmlns='http://jabber.org/protocol/disco#info'><identity category='component' type='lobbyrooms' name='lobby.meet.test'/></query><services xmlns='urn:xmpp:extdisco:2'/></message>";

pub(super) fn settings(seed: u64) -> Settings {
    Settings {
        domain: "meet.test".to_owned(),
        capabilities: Capabilities {
            node: "https://example.org".to_owned(),
            identity: None,
            features: vec![namespace::DISCO_INFO.to_owned()],
        },
        taken: vec![("jingle", "urn:xmpp:jingle:1")],
        seed,
    }
}

pub(super) fn text(text: &str) -> Event {
    Event::Frame(Pii::new(text.to_owned()))
}

fn message() -> Event {
    Event::Send(Stanza(Element::bare("message", namespace::CLIENT).with("to", "room@muc.meet.test")))
}

fn ask() -> Event {
    let payload = Element::bare("query", namespace::DISCO_INFO);
    Event::Ask(Question(7), Stanza(iq("get", "room@muc.meet.test", payload)))
}

pub(super) fn online(now: Instant) -> Session {
    play(
        now,
        vec![
            Event::Start,
            Event::Opened,
            text(OPEN),
            text(ANONYMOUS),
            text(SUCCESS),
            text(OPEN),
            text(FEATURES),
            text(BOUND),
            text(ENABLED),
        ],
    )
}

fn play(now: Instant, events: Vec<Event>) -> Session {
    let mut session = Session::new(settings(1));
    for event in events {
        session.step(now, event);
    }
    session
}

fn situations(now: Instant) -> Vec<(&'static str, Session)> {
    let mut steps: Vec<(&str, Event)> = vec![
        ("connecting", Event::Start),
        ("greeting", Event::Opened),
        ("greeted", text(OPEN)),
        ("authenticating", text(ANONYMOUS)),
        ("greeting again", text(SUCCESS)),
        ("greeted again", text(OPEN)),
        ("binding", text(FEATURES)),
        ("online", text(BOUND)),
        ("online, managed", text(ENABLED)),
    ];
    let mut all = vec![("idle", Session::new(settings(1)))];
    let mut session = Session::new(settings(1));
    for (name, event) in steps.drain(..) {
        session.step(now, event);
        all.push((name, session.clone()));
    }
    session.step(now, message());
    session.step(now, ask());
    session.step(now, Event::Closed);
    all.push(("waiting, resumable", session.clone()));
    session.step(now + Duration::from_secs(3), Event::Tick);
    all.push(("connecting again", session.clone()));
    for event in [Event::Opened, text(OPEN), text(ANONYMOUS), text(SUCCESS), text(OPEN), text(FEATURES)] {
        session.step(now + Duration::from_secs(3), event);
    }
    all.push(("resuming", session));
    let begin = vec![Event::Start, Event::Opened, text(OPEN), text(ANONYMOUS), text(SUCCESS), text(OPEN)];
    let mut demanding = begin.clone();
    demanding.extend([text(DEMANDING), text(BOUND)]);
    all.push(("establishing", play(now, demanding)));
    all.push(("over", play(now, vec![Event::Start, Event::Stop])));
    all
}

fn events() -> Vec<(&'static str, u64, Event)> {
    vec![
        ("start", 0, Event::Start),
        ("opened", 0, Event::Opened),
        ("closed", 0, Event::Closed),
        ("3 s later", 3, Event::Tick),
        ("20 s later", 20, Event::Tick),
        ("send", 0, message()),
        ("ask", 0, ask()),
        ("stop", 0, Event::Stop),
        ("<open>", 0, text(OPEN)),
        ("ANONYMOUS", 0, text(ANONYMOUS)),
        ("PLAIN only", 0, text(PLAIN)),
        ("success", 0, text(SUCCESS)),
        ("failure", 0, text("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")),
        (
            "failure, passing",
            0,
            text("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>"),
        ),
        ("features", 0, text(FEATURES)),
        ("bound", 0, text(BOUND)),
        (
            "bind refused",
            0,
            text(
                "<iq xmlns='jabber:client' id='q1' type='error'><error type='cancel'><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
            ),
        ),
        ("second result", 0, text("<iq xmlns='jabber:client' id='q2' type='result'/>")),
        ("push", 0, text(PUSH)),
        ("forged push", 0, text(&PUSH.replace("from='meet.test'", "from='room@muc.meet.test/a'"))),
        ("enabled", 0, text(ENABLED)),
        ("resumed", 0, text("<resumed xmlns='urn:xmpp:sm:3' previd='old' h='2'/>")),
        ("resumed, too far", 0, text("<resumed xmlns='urn:xmpp:sm:3' previd='old' h='99'/>")),
        (
            "resume failed",
            0,
            text(
                "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
            ),
        ),
        ("<r>", 0, text("<r xmlns='urn:xmpp:sm:3'/>")),
        ("<a>, too far", 0, text("<a xmlns='urn:xmpp:sm:3' h='99'/>")),
        ("message", 0, text("<message xmlns='jabber:client' from='room@muc.meet.test/a'><body>b</body></message>")),
        (
            "ping",
            0,
            text("<iq xmlns='jabber:client' type='get' id='p' from='meet.test'><ping xmlns='urn:xmpp:ping'/></iq>"),
        ),
        (
            "disco",
            0,
            text(
                "<iq xmlns='jabber:client' type='get' id='d' from='room@muc.meet.test/focus'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
            ),
        ),
        (
            "disco, other node",
            0,
            text(
                "<iq xmlns='jabber:client' type='get' id='d' from='room@muc.meet.test/focus'><query xmlns='http://jabber.org/protocol/disco#info' node='x#y'/></iq>",
            ),
        ),
        (
            "jingle",
            0,
            text(
                "<iq xmlns='jabber:client' type='set' id='j' from='room@muc.meet.test/focus'><jingle xmlns='urn:xmpp:jingle:1'/></iq>",
            ),
        ),
        (
            "unknown IQ",
            0,
            text("<iq xmlns='jabber:client' type='set' id='u' from='room@muc.meet.test/a'><x xmlns='y'/></iq>"),
        ),
        ("result of nobody", 0, text("<iq xmlns='jabber:client' type='result' id='zz' from='meet.test'/>")),
        (
            "conflict",
            0,
            text(
                "<stream:error xmlns:stream='http://etherx.jabber.org/streams'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
            ),
        ),
        (
            "shutdown",
            0,
            text(
                "<stream:error xmlns:stream='http://etherx.jabber.org/streams'><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
            ),
        ),
        (
            "<close>",
            0,
            text("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing' see-other-uri='wss://elsewhere.test/'/>"),
        ),
        ("entity", 0, text("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")),
    ]
}

fn word(action: &Action) -> String {
    match action {
        Action::Connect { previd: None } => "connect".to_owned(),
        Action::Connect { previd: Some(_) } => "connect with previd".to_owned(),
        Action::Close => "close".to_owned(),
        Action::Send(text) => {
            let element = frame::read(text.reveal()).expect("what is sent is XML");
            let payload = element.children().next().map_or("", Element::name);
            let kind = element.attr("type").unwrap_or_default();
            let condition = if kind == "error" { super::element::condition(&element) } else { payload };
            format!("send {} {kind} {condition}", element.name()).split_whitespace().collect::<Vec<_>>().join(" ")
        }
        Action::Tell(told) => match told {
            Told::Online(_) => "ONLINE".to_owned(),
            Told::Resumed => "RESUMED".to_owned(),
            Told::Interrupted(_) => "INTERRUPTED".to_owned(),
            Told::Server(components) => format!("SERVER {}", components.len()),
            Told::Services(services) => format!("SERVICES {}", services.len()),
            Told::Stanza(stanza) => format!("STANZA {}", stanza.0.name()),
            Told::Answer(_, result) => format!("ANSWER {:?}", result.as_ref().map(|_| ())),
            Told::Failed(fault) => format!("FAILED {fault:?}"),
            Told::Stopped => "STOPPED".to_owned(),
        },
    }
}

#[test]
fn every_situation_answers_every_event_as_written() {
    let now = Instant::now();
    let mut found = String::new();
    for (situation, session) in situations(now) {
        writeln!(found, "{situation}").unwrap();
        for (name, wait, event) in events() {
            let mut session = session.clone();
            let actions = session.step(now + Duration::from_secs(wait), event);
            let actions: Vec<String> = actions.iter().map(word).collect();
            if !actions.is_empty() {
                writeln!(found, "    {name:18}{}", actions.join(", ")).unwrap();
            }
        }
    }
    let written = include_str!("table.txt");
    let differs = found.lines().zip(written.lines()).position(|(found, written)| found != written);
    assert!(found == written, "table.txt differs from line {differs:?} on; the whole table is now\n{found}");
}

/// RFC 6120, section 8.2.3, and a guest who answers in the focus' place.
#[test]
fn an_answer_from_somebody_who_was_not_asked_is_none() {
    let now = Instant::now();
    let mut session = online(now);
    let asked = session.step(now, ask());
    let Some(Action::Send(sent)) = asked.first() else { panic!("{asked:?}") };
    let id = frame::read(sent.reveal()).unwrap().attr("id").unwrap().to_owned();
    let answer = |from: &str| text(&format!("<iq xmlns='jabber:client' type='result' id='{id}' from='{from}'/>"));
    assert_eq!(session.step(now, answer("room@muc.meet.test/forger")), []);
    assert_eq!(session.step(now, answer("meet.test")), []);
    let told = session.step(now, answer("room@muc.meet.test"));
    assert!(matches!(told.as_slice(), [Action::Tell(Told::Answer(Question(7), Ok(_)))]), "{told:?}");
    assert_eq!(session.step(now, answer("room@muc.meet.test")), [], "only once");
}

#[test]
fn a_server_that_does_not_answer_two_pings_is_left_and_a_silent_socket_is_noticed_within_twenty_five_seconds() {
    let start = Instant::now();
    let mut session = online(start);
    let mut pings = 0;
    for second in 1..=25 {
        for action in session.step(start + Duration::from_secs(second), Event::Tick) {
            match action {
                Action::Send(text) if text.reveal().contains("urn:xmpp:ping") => pings += 1,
                Action::Close => {
                    assert_eq!((second, pings), (20, 2));
                    return;
                }
                _ => {}
            }
        }
    }
    panic!("still online after {pings} pings");
}

#[test]
fn p9_nothing_of_a_session_prints_who_is_in_it() {
    let now = Instant::now();
    let mut session = online(now);
    session.step(now, ask());
    let heard = text("<message xmlns='jabber:client' from='rosa@muc.meet.test/a'><body>secret</body></message>");
    let printed = format!("{heard:?} {:?} {session:?}", session.clone().step(now, heard.clone()));
    for word in ["rosa", "secret", "a@meet.test"] {
        assert!(!printed.contains(word), "{word} in {printed}");
    }
}
