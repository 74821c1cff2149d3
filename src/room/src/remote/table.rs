//! The whole table of situation × event.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::guard::GuardToRoom;

use super::*;
use crate::meeting::act::RoomAct;
use crate::meeting::guest::Secret;
use crate::meeting::hosted::Secrets;

pub(super) fn act() -> RoomAct {
    RoomAct::in_word(&GuardToRoom::Press { woke: false }).unwrap()
}

pub(super) fn pressed(code: &str) -> Event {
    Event::Pressed(act(), Secrets::known(code, &format!("token-{code}")))
}

pub(super) fn key(name: &str) -> PhoneKey {
    PhoneKey(Pii::new(name.to_owned()))
}

pub(super) fn typed(from: u8, code: &str, name: &str) -> Event {
    tried(from, Secret::Pin(Pii::new(code.to_owned())), name)
}

pub(super) fn scanned(from: u8, token: &str, name: &str) -> Event {
    tried(from, Secret::Token(Pii::new(token.to_owned())), name)
}

fn tried(from: u8, secret: Secret, name: &str) -> Event {
    Event::Tried(Attempt { address: Pii::new(IpAddr::from([192, 0, 2, from])), secret }, key(name))
}

/// Every situation, by its name.
fn situations() -> Vec<(&'static str, Vec<Event>)> {
    let paired = || vec![pressed("111111"), typed(1, "111111", "a")];
    let crowd = (0..MOST_PHONES).flat_map(|number| [pressed("111111"), typed(1, "111111", &format!("crowd {number}"))]);
    let impatient = (0..4).map(|_| typed(9, "000000", "x"));
    vec![
        ("asleep", Vec::new()),
        ("no code", vec![pressed("111111"), Event::Covered]),
        ("a code", vec![pressed("111111")]),
        ("a code, impatient", std::iter::once(pressed("111111")).chain(impatient).collect()),
        ("paired", paired()),
        ("paired, a code", paired().into_iter().chain([pressed("111111")]).collect()),
        ("crowded", crowd.collect()),
    ]
}

/// Every event, by its name. A new one does not compile without a place here.
fn events() -> Vec<(&'static str, u64, Event)> {
    let known = |event: &Event| match event {
        Event::Pressed(..) | Event::Covered | Event::Tried(..) | Event::Slept | Event::Tick => {}
    };
    let all = vec![
        ("pressed", 0, pressed("222222")),
        ("covered", 0, Event::Covered),
        ("right code", 0, typed(9, " 111 111 ", "b")),
        ("right token", 0, scanned(9, "token-111111", "b")),
        ("wrong code", 0, typed(9, "222222", "b")),
        ("wrong token", 0, scanned(9, "token-222222", "b")),
        ("code as token", 0, scanned(9, "111111", "b")),
        ("slept", 0, Event::Slept),
        ("after 59 s", 59, Event::Tick),
        ("after 60 s", 60, Event::Tick),
        ("right after 60 s", 60, typed(9, "111111", "b")),
    ];
    all.iter().for_each(|(_, _, event)| known(event));
    all
}

/// What is there afterwards: whose code, how many phones, whether *a* and *b* are known, what was answered.
const TABLE: &str = "\
asleep
    pressed           code 222222
    right code        answers NoCode
    right token       answers NoCode
    wrong code        answers NoCode
    wrong token       answers NoCode
    code as token     answers NoCode
    right after 60 s  answers NoCode
no code
    pressed           code 222222
    right code        answers NoCode
    right token       answers NoCode
    wrong code        answers NoCode
    wrong token       answers NoCode
    code as token     answers NoCode
    right after 60 s  answers NoCode
a code
    pressed           code 222222
    right code        1 paired, b, answers welcome
    right token       1 paired, b, answers welcome
    wrong code        code 111111, answers WrongCode { retry_after_ms: 0 }
    wrong token       code 111111, answers WrongCode { retry_after_ms: 0 }
    code as token     code 111111, answers WrongCode { retry_after_ms: 0 }
    after 59 s        code 111111
    right after 60 s  answers NoCode
a code, impatient
    pressed           code 222222
    right code        code 111111, answers TooEarly { retry_after_ms: 1000 }
    right token       code 111111, answers TooEarly { retry_after_ms: 1000 }
    wrong code        code 111111, answers TooEarly { retry_after_ms: 1000 }
    wrong token       code 111111, answers TooEarly { retry_after_ms: 1000 }
    code as token     code 111111, answers TooEarly { retry_after_ms: 1000 }
    slept             forget
    after 59 s        code 111111
    right after 60 s  answers NoCode
paired
    pressed           code 222222, 1 paired, a
    covered           1 paired, a
    right code        1 paired, a, answers NoCode
    right token       1 paired, a, answers NoCode
    wrong code        1 paired, a, answers NoCode
    wrong token       1 paired, a, answers NoCode
    code as token     1 paired, a, answers NoCode
    slept             forget
    after 59 s        1 paired, a
    after 60 s        1 paired, a
    right after 60 s  1 paired, a, answers NoCode
paired, a code
    pressed           code 222222, 1 paired, a
    covered           1 paired, a
    right code        2 paired, a, b, answers welcome
    right token       2 paired, a, b, answers welcome
    wrong code        code 111111, 1 paired, a, answers WrongCode { retry_after_ms: 0 }
    wrong token       code 111111, 1 paired, a, answers WrongCode { retry_after_ms: 0 }
    code as token     code 111111, 1 paired, a, answers WrongCode { retry_after_ms: 0 }
    slept             forget
    after 59 s        code 111111, 1 paired, a
    after 60 s        1 paired, a
    right after 60 s  1 paired, a, answers NoCode
crowded
    pressed           8 paired
    covered           8 paired
    right code        8 paired, answers NoCode
    right token       8 paired, answers NoCode
    wrong code        8 paired, answers NoCode
    wrong token       8 paired, answers NoCode
    code as token     8 paired, answers NoCode
    slept             forget
    after 59 s        8 paired
    after 60 s        8 paired
    right after 60 s  8 paired, answers NoCode
";

fn cell(before: Vec<Event>, wait: u64, event: Event) -> String {
    let (mut pairing, start) = (Pairing::default(), Instant::now());
    for event in before {
        pairing.step(start, event);
    }
    let actions = pairing.step(start + Duration::from_secs(wait), event);
    let code = pairing.code().map(|code| format!("code {}", code.pin()));
    let phones = (pairing.phones() > 0).then(|| format!("{} paired", pairing.phones()));
    let known = ["a", "b"].into_iter().filter(|name| pairing.phone(&key(name)).is_some()).map(str::to_owned);
    let actions = actions.into_iter().map(|action| match action {
        Action::Reply(Ok(_)) => "answers welcome".to_owned(),
        Action::Reply(Err(refusal)) => format!("answers {refusal:?}"),
        Action::Forget => "forget".to_owned(),
    });
    assert_eq!(pairing.deadline().is_some(), pairing.code().is_some());
    code.into_iter().chain(phones).chain(known).chain(actions).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_situation_answers_every_event_as_written() {
    let mut found = String::new();
    for (situation, _) in situations() {
        writeln!(found, "{situation}").unwrap();
        for (index, (name, wait, _)) in events().into_iter().enumerate() {
            let (_, before) = situations().into_iter().find(|(name, _)| *name == situation).unwrap();
            let cell = cell(before, wait, events().remove(index).2);
            if !cell.is_empty() {
                writeln!(found, "    {name:18}{cell}").unwrap();
            }
        }
    }
    assert!(found == TABLE, "the whole table is now\n{found}");
}

#[test]
fn codes_are_new_and_have_six_digits() {
    let (one, other) = (new_code().unwrap(), new_code().unwrap());
    assert_eq!((one.pin().len(), one.token().len()), (6, 32));
    assert_ne!(one.token(), other.token());
}
