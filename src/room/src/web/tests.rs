//! The router without sockets, and the server with them.

mod requests;
mod server;

use std::sync::{Arc, Mutex};

use subrosa_messages::Pii;
use tokio::sync::mpsc;

use super::*;
use crate::language::Language;
use crate::meeting::guest::{EndReason, GuestEvent, KnockRefusal, Secret, SessionKey};
use crate::notice::{Notice, NoticeFacts};
use crate::status::Status;

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
                let _ = events.send(GuestEvent::Waiting);
                let _ = events.send(GuestEvent::Ended { reason: EndReason::MeetingEnded });
                // Kept open for as long as the browser listens.
                tokio::spawn(async move { events.closed().await });
            }
            format!("listen {known}")
        }
        GuestRequest::Gone(_) => "gone".to_owned(),
        GuestRequest::Answer { link, sdp, .. } => format!("answer {} {}", link.0, sdp.reveal()),
        GuestRequest::Leave(_) => "leave".to_owned(),
        GuestRequest::Notice(language, reply) => {
            let _ = reply.send(Notice::of(language, &facts()));
            format!("notice {}", language.tag())
        }
        GuestRequest::Status(reply) => {
            let _ = reply.send(status());
            "status".to_owned()
        }
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
        local_only: true,
        relay: false,
    }
}

fn status() -> Status {
    Status {
        version: "0",
        board: "sim".to_owned(),
        guard: None,
        media: false,
        encoder: None,
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

#[test]
fn every_language_of_the_product_is_one_of_the_page() {
    let texts = std::str::from_utf8(files::find("texts.js").unwrap().bytes).unwrap();
    for language in Language::ALL {
        assert!(texts.contains(&format!("{}: ", language.tag())), "{}", language.tag());
    }
}
