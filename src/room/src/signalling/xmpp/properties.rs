//! Hostile orders against what must always hold.

use std::time::{Duration, Instant};

use minidom::Element;
use proptest::prelude::*;

use super::element::{Build, Stanza};
use super::table::{ANONYMOUS, BOUND, ENABLED, FEATURES, OPEN, SUCCESS, online, settings, text};
use super::{Action, Event, Session, Told, frame, namespace};

const FRAMES: [&str; 16] = [
    OPEN,
    ANONYMOUS,
    SUCCESS,
    FEATURES,
    BOUND,
    ENABLED,
    "<resumed xmlns='urn:xmpp:sm:3' previd='old' h='0'/>",
    "<resumed xmlns='urn:xmpp:sm:3' previd='old' h='4294967295'/>",
    "<failed xmlns='urn:xmpp:sm:3'/>",
    "<a xmlns='urn:xmpp:sm:3' h='1'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    "<iq xmlns='jabber:client' type='get' id='p' from='x'><ping xmlns='urn:xmpp:ping'/></iq>",
    "<iq xmlns='jabber:client' type='result' id='q2'/>",
    "<message xmlns='jabber:client'/>",
    "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
    "<",
];

#[derive(Clone, Debug)]
enum Draw {
    Start,
    Opened,
    Frame(usize),
    Closed,
    Wait(u64),
    Send,
    Stop,
}

fn draws() -> impl Strategy<Value = Draw> {
    prop_oneof![
        2 => Just(Draw::Start),
        4 => Just(Draw::Opened),
        20 => (0..FRAMES.len()).prop_map(Draw::Frame),
        2 => Just(Draw::Closed),
        4 => (0_u64..30).prop_map(Draw::Wait),
        4 => Just(Draw::Send),
        1 => Just(Draw::Stop),
    ]
}

fn message(n: usize) -> Event {
    Event::Send(Stanza(Element::bare("message", namespace::CLIENT).with("id", format!("m{n}"))))
}

proptest! {
    /// One socket at a time, nothing sent without one, nothing after the end, nothing before authentication but the
    /// handshake.
    #[test]
    fn in_every_order_there_is_one_socket_and_nothing_is_said_without_it(draws in prop::collection::vec(draws(), 0..120)) {
        let mut now = Instant::now();
        let mut session = Session::new(settings(7));
        let (mut socket, mut authenticated, mut over) = (false, false, false);
        for (n, draw) in draws.into_iter().enumerate() {
            let event = match draw {
                Draw::Start => Event::Start,
                Draw::Opened => Event::Opened,
                Draw::Frame(n) => {
                    authenticated |= FRAMES[n] == SUCCESS;
                    text(FRAMES[n])
                }
                Draw::Closed => { socket = false; authenticated = false; Event::Closed }
                Draw::Wait(seconds) => { now += Duration::from_secs(seconds); Event::Tick }
                Draw::Send => message(n),
                Draw::Stop => Event::Stop,
            };
            for action in session.step(now, event) {
                prop_assert!(!over || action == Action::Close, "{action:?} after the end");
                match action {
                    Action::Connect { .. } => {
                        prop_assert!(!socket, "a second socket");
                        socket = true;
                        authenticated = false;
                    }
                    Action::Send(text) => {
                        prop_assert!(socket, "sent without a socket");
                        let element = frame::read(text.reveal()).expect("what is sent is XML");
                        let shakes = element.has_ns(namespace::FRAMING) || element.has_ns(namespace::SASL);
                        prop_assert!(shakes || authenticated, "{} before authentication", element.name());
                    }
                    Action::Close => { socket = false; authenticated = false; }
                    Action::Tell(Told::Failed(_) | Told::Stopped) => over = true,
                    Action::Tell(_) => {}
                }
            }
            prop_assert_eq!(session.is_over(), over);
        }
    }

    /// Whatever is cut when: after a resumption, everything that was sent reaches the server once and in order.
    #[test]
    fn cut_at_any_moment_everything_arrives_once_and_in_order(before in 0_usize..20, during in 0_usize..10, arrived in 0_usize..20) {
        let start = Instant::now();
        let mut session = online(start);
        // Two stanzas of its own: disco#info and services.
        let own = 2;
        let arrived = arrived.min(before);
        for n in 0..before {
            session.step(start, message(n));
        }
        session.step(start, Event::Closed);
        for n in before..before + during {
            prop_assert!(session.step(start, message(n)).is_empty());
        }
        let now = start + Duration::from_secs(3);
        let connect = session.step(now, Event::Tick);
        let resumes = matches!(connect.first(), Some(Action::Connect { previd: Some(_) }));
        prop_assert!(resumes);
        for event in [Event::Opened, text(OPEN), text(ANONYMOUS), text(SUCCESS), text(OPEN), text(FEATURES)] {
            session.step(now, event);
        }
        let resumed = format!("<resumed xmlns='urn:xmpp:sm:3' previd='old' h='{}'/>", own + arrived);
        let again: Vec<String> = session.step(now, text(&resumed)).into_iter().filter_map(|action| match action {
            Action::Send(text) => frame::read(text.reveal()).ok()?.attr("id").map(str::to_owned),
            _ => None,
        }).collect();
        let expected: Vec<String> = (arrived..before + during).map(|n| format!("m{n}")).collect();
        prop_assert_eq!(again, expected);
    }
}
