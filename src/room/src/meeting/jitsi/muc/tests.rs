//! The ways into a room and out of it, one by one, and in any order.

use proptest::prelude::*;

use super::machine::JOINING;
use super::*;
use crate::signalling::xmpp::caps::Capabilities;
use crate::signalling::xmpp::{Jid, Stanza, frame};
use std::time::{Duration, Instant};
use subrosa_messages::Pii;

const USER: &str = "xmlns='http://jabber.org/protocol/muc#user'";
const ERROR: &str = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
const ROOM: &str = "rose@muc.meet.test";
const OWN: &str = "rose@muc.meet.test/1a2b3c4d";

fn muc() -> Muc {
    Muc::new(Settings {
        room: Jid::new(ROOM).unwrap(),
        name: Pii::new("Room 4".to_owned()),
        machine: Pii::new("m".to_owned()),
        http: false,
        focus: "focus.meet.test".to_owned(),
        capabilities: Capabilities { node: "n".to_owned(), identity: None, features: Vec::new() },
        seed: 7,
    })
}

fn stanza(text: &str) -> Event {
    Event::Stanza(Stanza(frame::read(&text.replacen(' ', " xmlns='jabber:client' ", 1)).expect(text)))
}

fn online() -> Event {
    Event::Online(Jid::new("1a2b3c4d-0000-4000-8000-000000000000@meet.test/r").unwrap())
}

fn ready() -> Event {
    let answer = "<iq xmlns='jabber:client'><conference xmlns='http://jitsi.org/protocol/focus' ready='true'/></iq>";
    Event::Answer(Ok(Stanza(frame::read(answer).unwrap())))
}

fn here(from: &str, more: &str) -> Event {
    stanza(&format!("<presence from='{from}'>{more}<x {USER}><item role='participant'/></x></presence>"))
}

fn own_here() -> Event {
    stanza(&format!("<presence from='{OWN}'><x {USER}><status code='110'/></x></presence>"))
}

fn gone(from: &str, inside: &str) -> Event {
    stanza(&format!("<presence from='{from}' type='unavailable'><x {USER}>{inside}</x></presence>"))
}

fn refused(inside: &str) -> Event {
    stanza(&format!("<presence from='{OWN}' type='error'><error type='cancel'>{inside}</error></presence>"))
}

fn password() -> Event {
    Event::Password(Pii::new("p".to_owned()))
}

fn condition(name: &str) -> Event {
    refused(&format!("<{name} {ERROR}/>"))
}

fn members_only() -> Event {
    refused(&format!(
        "<registration-required {ERROR}/><lobbyroom xmlns='http://jitsi.org/jitmeet'>rose@lobby.meet.test</lobbyroom>"
    ))
}

fn no_room() -> Event {
    refused(&format!("<not-allowed {ERROR}/><text {ERROR}>Room creation is restricted</text>"))
}

fn invited() -> Event {
    stanza(&format!("<message from='{ROOM}'><x {USER}><invite from='{ROOM}/a'/></x></message>"))
}

/// Each action in a word.
fn words(actions: &[Action]) -> String {
    let words = actions.iter().map(|action| match action {
        Action::Post(_) => "post".to_owned(),
        Action::Ask(_) => "ask".to_owned(),
        Action::Send(Stanza(sent)) => {
            let to = sent.attr("to").unwrap_or_default();
            let place = if to.contains("@lobby.") { "lobby" } else { "room" };
            let x = sent.get_child("x", "http://jabber.org/protocol/muc");
            let password = x.is_some_and(|x| x.children().any(|child| child.name() == "password"));
            match (sent.name(), sent.attr("type"), x) {
                ("presence", None, Some(_)) => format!("join {place}{}", if password { " with password" } else { "" }),
                ("presence", None, None) => format!("update {place}"),
                ("presence", Some("unavailable"), _) => format!("leave {place}"),
                ("message", _, _) => "say".to_owned(),
                other => format!("{other:?}"),
            }
        }
        Action::Tell(Told::Waits(Some(failure))) => format!("waits: {failure:?}"),
        Action::Tell(Told::Waits(None)) => "waits".to_owned(),
        Action::Tell(Told::In(_)) => "in".to_owned(),
        Action::Tell(Told::Out) => "out".to_owned(),
        Action::Tell(Told::Here(..)) => "here".to_owned(),
        Action::Tell(Told::Gone(_)) => "gone".to_owned(),
        Action::Tell(Told::Focus(says)) => format!("focus {} {}", says.without_bridge, says.records),
        Action::Tell(Told::Said(who, line)) => format!("said {} {}", who.is_some(), line.reveal()),
        Action::Tell(Told::Over(failure)) => format!("over: {failure:?}"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The states a room can be in, each by the events that lead there.
fn states() -> Vec<(&'static str, Vec<Event>)> {
    let joining = || vec![online(), ready()];
    let then = |mut before: Vec<Event>, event: Event| {
        before.push(event);
        before
    };
    vec![
        ("offline", vec![]),
        ("requesting", vec![online()]),
        ("joining", joining()),
        ("asking", then(joining(), condition("not-authorized"))),
        ("lobby", then(joining(), members_only())),
        ("waiting", then(joining(), no_room())),
        ("in", then(joining(), own_here())),
        ("over", then(joining(), condition("service-unavailable"))),
    ]
}

fn events() -> Vec<(&'static str, Event)> {
    let lobby = "rose@lobby.meet.test/9";
    vec![
        ("online", online()),
        ("ready", ready()),
        ("no host", Event::Answer(Err(crate::signalling::xmpp::asked::NoResult::Refused("not-authorized".to_owned())))),
        ("own presence", own_here()),
        ("somebody", here(&format!("{ROOM}/aa"), "")),
        ("focus", here(&format!("{ROOM}/focus"), "<bridgeNotAvailable/>")),
        ("focus gone", gone(&format!("{ROOM}/focus"), "")),
        ("password wanted", condition("not-authorized")),
        ("password", password()),
        ("members only", members_only()),
        ("no room", no_room()),
        ("nick taken", condition("conflict")),
        ("full", condition("service-unavailable")),
        ("forbidden", condition("forbidden")),
        ("admitted", invited()),
        ("denied", gone(lobby, "<status code='110'/><status code='307'/>")),
        ("lobby off", gone(lobby, "<status code='110'/><destroy jid='rose@muc.meet.test'/>")),
        ("lobby ended", gone(lobby, "<status code='110'/><destroy/>")),
        ("kicked", gone(OWN, "<status code='110'/><status code='307'/>")),
        ("ended", gone(OWN, "<status code='110'/><destroy/>")),
        ("thrown out", gone(OWN, "<status code='110'/>")),
        ("chat", stanza(&format!("<message from='{ROOM}/aa' type='groupchat'><body>hi</body></message>"))),
        ("say", Event::Say(Pii::new("hi".to_owned()))),
        ("hand", Event::Hand(Some(1))),
        ("rejoin", Event::Rejoin),
        ("leave", Event::Leave),
        ("late", Event::Tick),
    ]
}

/// `table.txt` says for each event what each state makes of it; nothing happens where it says nothing.
#[test]
fn every_state_answers_every_event_as_written() {
    let now = Instant::now();
    let mut table = String::new();
    for (event_name, event) in events() {
        table.push_str(&format!("{event_name}\n"));
        for (state, before) in states() {
            let mut muc = muc();
            for step in before {
                muc.step(now, step);
            }
            let done = words(&muc.step(now + JOINING + JOINING, event.clone()));
            if !done.is_empty() {
                table.push_str(&format!("    {state}: {done}\n"));
            }
        }
    }
    let written = include_str!("table.txt");
    assert!(table == written, "the table is another one:\n{table}");
}

#[test]
fn a_room_with_a_password_is_entered_with_the_right_one_and_asked_for_again_after_a_wrong_one() {
    let (mut muc, now) = (muc(), Instant::now());
    let said = [
        online(),
        ready(),
        condition("not-authorized"),
        password(),
        ready(),
        condition("not-authorized"),
        password(),
        ready(),
        own_here(),
    ];
    let done: Vec<String> = said.into_iter().map(|event| words(&muc.step(now, event))).collect();
    assert_eq!(
        done,
        [
            "ask",
            "join room",
            "waits: PasswordWanted",
            "ask",
            "join room with password",
            "waits: PasswordWrong",
            "ask",
            "join room with password",
            "in"
        ]
    );
}

#[test]
fn who_is_admitted_enters_and_then_leaves_the_lobby_under_another_nick_than_the_rooms() {
    let (mut muc, now) = (muc(), Instant::now());
    muc.step(now, online());
    muc.step(now, ready());
    let knocked = muc.step(now, members_only());
    let [Action::Send(Stanza(knock)), ..] = knocked.as_slice() else { panic!("{knocked:?}") };
    let lobby = knock.attr("to").unwrap().to_owned();
    assert!(lobby.starts_with("rose@lobby.meet.test/") && !lobby.ends_with("/1a2b3c4d"));
    assert_eq!(words(&muc.step(now, invited())), "ask");
    assert_eq!(words(&muc.step(now, ready())), "join room");
    let entered = muc.step(now, own_here());
    assert_eq!(words(&entered), "leave lobby, in");
    let [Action::Send(Stanza(left)), ..] = entered.as_slice() else { panic!("{entered:?}") };
    assert_eq!(left.attr("to"), Some(lobby.as_str()));
}

#[test]
fn a_room_that_is_never_there_is_given_up_after_three_attempts_and_a_long_stay_forgives() {
    let (mut muc, mut now) = (muc(), Instant::now());
    muc.step(now, online());
    for _ in 0..3 {
        muc.step(now, ready());
        assert_eq!(words(&muc.step(now, no_room())), "waits");
        now = muc.deadline().unwrap();
        assert_eq!(words(&muc.step(now, Event::Tick)), "ask");
    }
    muc.step(now, ready());
    assert_eq!(words(&muc.step(now, no_room())), "over: ServerFault");
    for _ in 0..10 {
        muc = self::muc();
        muc.step(now, online());
        muc.step(now, ready());
        muc.step(now, own_here());
        assert_eq!(words(&muc.step(now, gone(&format!("{ROOM}/focus"), ""))), "leave room, out, waits");
    }
}

#[test]
fn a_taken_nick_is_replaced_and_nicks_are_endpoints_of_the_bridge() {
    let (mut muc, mut now) = (muc(), Instant::now());
    let mut nicks = std::collections::HashSet::new();
    muc.step(now, Event::Online(Jid::new("3w9q-d8vyayktrwab@meet.test/r").unwrap()));
    for _ in 0..3 {
        let joined = muc.step(now, ready());
        let [Action::Send(Stanza(join))] = joined.as_slice() else { panic!("{joined:?}") };
        let nick = join.attr("to").unwrap().rsplit_once('/').unwrap().1.to_owned();
        assert!(nick.len() == 8 && nick.bytes().all(|byte| byte.is_ascii_hexdigit()), "{nick}");
        assert!(nicks.insert(nick));
        muc.step(now, condition("conflict"));
        now = muc.deadline().unwrap();
        muc.step(now, Event::Tick);
    }
}

#[test]
fn what_the_focus_says_is_told_once_and_a_recording_that_begins_counts() {
    let (mut muc, now) = (muc(), Instant::now());
    for event in [online(), ready(), own_here()] {
        muc.step(now, event);
    }
    let focus = format!("{ROOM}/focus");
    let says = |status: &str| {
        here(&focus, &format!("<jibri-recording-status xmlns='http://jitsi.org/protocol/jibri' status='{status}'/>"))
    };
    for (event, told) in [
        (says("off"), "focus false false"),
        (says("off"), ""),
        (says("pending"), "focus false true"),
        (says("on"), ""),
        (here(&focus, ""), "focus false false"),
    ] {
        assert_eq!(words(&muc.step(now, event)), told);
    }
}

proptest! {
    /// Whatever comes in whatever order: the room speaks to the room of its link and to that room's lobby, joins nothing after it
    /// has left, and is in only after it has joined.
    #[test]
    fn p5_in_any_order_only_the_room_and_its_lobby_are_spoken_to(order in prop::collection::vec((0_usize..27, 0_u64..20), 0..60)) {
        let (mut muc, mut now) = (muc(), Instant::now());
        let events = events();
        let (mut left, mut inside, mut joined) = (false, false, false);
        for (place, seconds) in order {
            now += Duration::from_secs(seconds);
            let Some((_, event)) = events.get(place) else { continue };
            let leaves = matches!(event, Event::Leave);
            for action in muc.step(now, event.clone()) {
                match action {
                    Action::Send(Stanza(sent)) => {
                        prop_assert!(!left || leaves, "{sent:?}");
                        let to = sent.attr("to").unwrap();
                        prop_assert!(to.starts_with(ROOM) || to.starts_with("rose@lobby.meet.test/"), "{}", to);
                        joined |= sent.has_child("x", "http://jabber.org/protocol/muc");
                    }
                    Action::Tell(Told::In(_)) => {
                        prop_assert!(!left && !inside && joined);
                        inside = true;
                    }
                    Action::Tell(Told::Out) => {
                        prop_assert!(std::mem::replace(&mut inside, false));
                        joined = false;
                    }
                    Action::Tell(Told::Over(_)) => left = true,
                    Action::Tell(Told::Here(..)) => prop_assert!(joined),
                    Action::Post(_) | Action::Ask(_) | Action::Tell(_) => prop_assert!(!left),
                }
            }
            left |= leaves;
            prop_assert!(muc.people().len() <= super::super::roster::MOST);
        }
    }

    #[test]
    fn no_line_of_anybody_is_longer_than_a_screen_or_holds_a_control_character(line in "[\\PC\u{0}-\u{1f}]{0,2000}") {
        let (mut muc, now) = (muc(), Instant::now());
        for event in [online(), ready(), own_here()] {
            muc.step(now, event);
        }
        let said = muc.step(now, Event::Say(Pii::new(line)));
        if let [Action::Send(Stanza(message))] = said.as_slice() {
            let text = message.text() + &message.children().map(minidom::Element::text).collect::<String>();
            prop_assert!(text.chars().count() <= 1000 && !text.chars().any(char::is_control));
        }
    }
}
