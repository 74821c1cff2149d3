//! The router without sockets, and the server with them.

mod phones;
mod requests;
mod server;

use std::sync::{Arc, Mutex};

use subrosa_messages::Pii;
use tokio::sync::mpsc;

use super::*;
use crate::language::Language;
use crate::meeting::guest::{
    Encryption, EndReason, GuestEvent, GuestId, KnockRefusal, OfferedLines, OfferedSlot, OwnView, PersonView, RoomView,
    Secret, SessionKey, WaitingView,
};
use crate::meeting::role::{May, Role};
use crate::meeting::wish::{Layout, Wish, WishRefusal};
use crate::notice::{Notice, NoticeFacts};
use crate::status::{BackgroundWord, Status};

const SESSION: &str = "0123456789abcdef0123456789abcdef";

/// A meeting that knows one session and writes down what it is told.
#[derive(Clone, Default)]
struct Meeting {
    told: Arc<Mutex<Vec<String>>>,
}

impl Meeting {
    fn start(&self) -> mpsc::Sender<GuestRequest> {
        let (sender, mut requests) = mpsc::channel(8);
        let told = Arc::clone(&self.told);
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                told.lock().unwrap().push(answer(request));
            }
        });
        sender
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

fn answer(request: GuestRequest) -> String {
    match request {
        GuestRequest::Knock(knock, reply) => {
            let (kind, secret) = match &knock.secret {
                Secret::Pin(pin) => ("pin", pin.reveal()),
                Secret::Token(token) => ("token", token.reveal()),
            };
            let answer = match secret.as_str() {
                "wrong" => Err(KnockRefusal::WrongSecret { retry_after_ms: 1500 }),
                "early" => Err(KnockRefusal::TooEarly { retry_after_ms: 4000 }),
                "asleep" => Err(KnockRefusal::Asleep),
                _ => Ok(SessionKey(Pii::new(SESSION.to_owned()))),
            };
            let _ = reply.send(answer);
            let (address, name) = (knock.address.reveal(), knock.name.reveal());
            format!("knock {address} {kind} {secret} {name} {} {}", knock.language.tag(), knock.h264)
        }
        GuestRequest::Listen(SessionKey(key), events, reply) => {
            let known = key.reveal() == SESSION;
            let _ = reply.send(known);
            if known {
                let _ = events.send(GuestEvent::Waiting { message: None });
                let _ = events.send(GuestEvent::Ended { reason: EndReason::MeetingEnded });
                // Kept open for as long as the browser listens.
                tokio::spawn(async move { events.closed().await });
            }
            format!("listen {known}")
        }
        GuestRequest::Gone(_) => "gone".to_owned(),
        GuestRequest::Answer { link, sdp, .. } => format!("answer {} {}", link.0, sdp.reveal()),
        GuestRequest::Leave(_) => "leave".to_owned(),
        GuestRequest::Wish(_, wish, reply) => {
            let granted = match &wish {
                Wish::Lock { on: true } => Err(WishRefusal::NotAllowed),
                Wish::Present { .. } => Err(WishRefusal::Taken),
                Wish::Admit { .. } => Err(WishRefusal::Gone),
                Wish::Message { .. } => Err(WishRefusal::Unusable),
                Wish::End => Err(WishRefusal::Unknown),
                _ => Ok(()),
            };
            let _ = reply.send(granted);
            format!("wish {wish:?}")
        }
        GuestRequest::Notice(language, reply) => {
            let _ = reply.send(Notice::of(language, &facts()));
            format!("notice {}", language.tag())
        }
        GuestRequest::Status(reply) => {
            let _ = reply.send(status());
            "status".to_owned()
        }
        GuestRequest::Phone(request) => phones::answer(request),
    }
}

fn facts() -> NoticeFacts {
    NoticeFacts {
        room: "Rose Room".to_owned(),
        operator: None,
        purpose: None,
        legal_basis: None,
        contacts: Vec::new(),
        encryption_checked: false,
        background_hidden: true,
        local_only: true,
        relay: false,
        others: true,
        chat_on_screen: true,
    }
}

fn status() -> Status {
    Status {
        version: "0",
        board: "sim".to_owned(),
        measured: None,
        guard: None,
        media: false,
        encoder: None,
        background: BackgroundWord::Unknown,
        guests: 0,
        contacts: Vec::new(),
        fingerprint: "AA:BB".to_owned(),
    }
}

fn settings(state: &std::path::Path) -> WebSettings {
    WebSettings {
        listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        tls: None,
        host_name: "rose".to_owned(),
        public_url: Some("https://room.example.org".to_owned()),
        state: state.to_owned(),
    }
}

fn page(name: &str) -> &'static str {
    std::str::from_utf8(files::find(name).unwrap().bytes).unwrap()
}

/// What a value is called in JSON.
fn word(value: &impl serde::Serialize, key: &str) -> String {
    let value = serde_json::to_value(value).unwrap();
    let word = if key.is_empty() { &value } else { &value[key] };
    word.as_str().unwrap().to_owned()
}

/// A script says of a value that it has this key.
fn declares(script: &str, key: &str) -> bool {
    let property = |line: &str| line.split("} ").any(|rest| rest.split(' ').next() == Some(key));
    script.contains(&format!("{key}:")) || script.lines().any(property)
}

#[test]
fn the_page_understands_every_event_of_the_meeting() {
    let lines = OfferedLines {
        room_video: "0".to_owned(),
        room_audio: "1".to_owned(),
        guest_video: "2".to_owned(),
        guest_audio: "3".to_owned(),
        guest_screen: "4".to_owned(),
        screen: "5".to_owned(),
        slots: vec![OfferedSlot { video: "6".to_owned(), audio: "7".to_owned(), text: "8".to_owned() }],
        chat: "9".to_owned(),
        text: "10".to_owned(),
    };
    let room = RoomView {
        room: "Rose Room".to_owned(),
        camera_live: true,
        microphone_live: true,
        encryption: Encryption::None,
        guests: 1,
        background_hidden: true,
        background: BackgroundWord::Hidden,
        recording: false,
        locked: false,
        layout: Layout::Grid,
        screen: None,
        speaker: None,
        you: OwnView {
            number: GuestId(1),
            role: Role::Guest,
            may: May::all(),
            silenced: false,
            mutes: 0,
            presenting: false,
        },
        people: vec![PersonView {
            number: GuestId(2),
            name: Pii::new("Guest".to_owned()),
            role: Role::Guest,
            slot: Some(0),
            microphone: true,
            camera: true,
            silenced: false,
            hand: false,
            presenting: false,
            connected: true,
        }],
        waiting: vec![WaitingView { number: GuestId(3), name: Pii::new("Guest".to_owned()) }],
    };
    let events = [
        GuestEvent::Waiting { message: Some(Pii::new(String::new())) },
        GuestEvent::Admitted,
        GuestEvent::Offer {
            link: subrosa_messages::media::LinkId(1),
            sdp: Pii::new(String::new()),
            lines: Box::new(lines),
        },
        GuestEvent::Connected,
        GuestEvent::Reconnecting,
        GuestEvent::Picture { mid: "0".to_owned(), paused: true },
        GuestEvent::Muted,
        GuestEvent::Present { on: false },
        GuestEvent::Room(Box::new(room)),
        GuestEvent::Ended { reason: EndReason::Left },
    ];
    for event in &events {
        // A new event has to be added to the list above, and to the page.
        match event {
            GuestEvent::Waiting { .. }
            | GuestEvent::Admitted
            | GuestEvent::Offer { .. }
            | GuestEvent::Connected
            | GuestEvent::Reconnecting
            | GuestEvent::Picture { .. }
            | GuestEvent::Muted
            | GuestEvent::Present { .. }
            | GuestEvent::Room(_)
            | GuestEvent::Ended { .. } => {}
        }
        let word = word(event, "event");
        assert!(page("main.js").contains(&format!("case '{word}':")), "{word}");
        assert!(page("room.js").contains(&format!("'{word}'")), "{word}");
        let value = serde_json::to_value(event).unwrap();
        for key in value.as_object().unwrap().keys() {
            assert!(declares(page("room.js"), key), "{key}");
        }
    }
    let lines = serde_json::to_value(&events[2]).unwrap();
    for key in lines["lines"].as_object().unwrap().keys() {
        let ways = [format!("lines['{key}']"), format!("lines.{key}")];
        // The channels are taken by their labels, which are the same.
        let channel = ["chat", "text"].contains(&key.as_str()) && page("talk.js").contains(&format!("'{key}'"));
        assert!(channel || ways.iter().any(|way| page("link.js").contains(way)), "{key}");
    }
}

#[test]
fn the_page_has_words_for_every_end_refusal_and_encryption() {
    for reason in [
        EndReason::Denied,
        EndReason::Removed,
        EndReason::MeetingEnded,
        EndReason::Left,
        EndReason::Elsewhere,
        EndReason::Lost,
    ] {
        assert_eq!(page("texts.js").matches(&format!("'ended-{}-text'", word(&reason, ""))).count(), 2);
    }
    for refusal in [
        KnockRefusal::Asleep,
        KnockRefusal::WrongSecret { retry_after_ms: 1 },
        KnockRefusal::TooEarly { retry_after_ms: 1 },
        KnockRefusal::Name,
        KnockRefusal::Full,
        KnockRefusal::Locked,
        KnockRefusal::Gone,
    ] {
        let word = word(&refusal, "refusal");
        assert!(
            page("door.js").contains(&format!("{word}: 'refused"))
                || page("door.js").contains(&format!("'{word}': 'refused")),
            "{word}"
        );
    }
    for encryption in [Encryption::None, Encryption::EndToEnd, Encryption::DeviceNotChecked] {
        assert_eq!(page("texts.js").matches(&format!("'encryption-{}-text'", word(&encryption, ""))).count(), 2);
    }
}

#[test]
fn the_status_page_has_words_for_all_that_the_guard_can_say() {
    use subrosa_messages::guard::{Lamp, Level, NodeState, Tier, Trust};
    let texts = page("texts.js");
    let twice = |key: String| assert_eq!(texts.matches(&format!("'{key}':")).count(), 2, "{key}");
    for level in [Level::Open, Level::Closed, Level::Unknown] {
        twice(format!("switch-{}", word(&level, "")));
        twice(format!("shutter-{}", word(&level, "")));
    }
    twice("power-cut".to_owned());
    assert!(
        page("status.js").contains(&format!("refusal === '{}'", word(&subrosa_messages::guard::Refusal::Power, "")))
    );
    for lamp in [Lamp::Lit, Lamp::Dark, Lamp::Unknown] {
        twice(format!("lamp-{}", word(&lamp, "")));
    }
    for node in [
        NodeState::Missing,
        NodeState::Closed,
        NodeState::Open,
        NodeState::Closing,
        NodeState::Foreign,
        NodeState::Unknown,
    ] {
        twice(format!("node-{}", word(&node, "")));
    }
    for trust in [Trust::SimulatedOneUser, Trust::SimulatedUsers] {
        twice(format!("trust-{}", word(&trust, "")));
    }
    for tier in Tier::ALL.map(u8::from) {
        twice(format!("lamp-tier-{tier}"));
        twice(format!("switch-tier-{tier}"));
    }
}

#[test]
fn every_language_of_the_product_is_one_of_the_page() {
    let texts = page("texts.js");
    for language in Language::ALL {
        assert!(texts.contains(&format!("{}: ", language.tag())), "{}", language.tag());
    }
}
