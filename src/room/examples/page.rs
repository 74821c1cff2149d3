//! Serves the guests' page with a meeting that is only played, to look at the page while working on it:
//!
//! ```text
//! cargo run --release -p subrosa-room --example page -- 127.0.0.1:8443
//! ```
//!
//! The PIN is 123456. A guest whose name begins with "Deny" is refused, with "End" the meeting ends, with "Lose" the
//! event stream breaks and the guest is forgotten, with "Wait" nobody opens; all others are let in. There is no picture.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use subrosa_messages::Pii;
use subrosa_messages::guard::{CaptureState, GuardState, Lamp, Level, NodeState, Refusal, Trust};
use subrosa_room::meeting::guest::{
    Encryption, EndReason, GuestEvent, GuestRequest, KnockRefusal, RoomView, Secret, SessionKey,
};
use subrosa_room::notice::{Notice, NoticeFacts, Operator};
use subrosa_room::status::{BackgroundWord, Status};
use subrosa_room::web::{self, WebEvent, WebSettings};
use tokio::sync::{mpsc, watch};

const PIN: &str = "123456";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let listen: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:8443").parse()?;
    subrosa_process::start::log("page");
    let settings = WebSettings {
        listen: vec![listen],
        tls: None,
        host_name: "rose".to_owned(),
        public_url: None,
        state: std::env::temp_dir().join("subrosa-page"),
    };
    let (_addresses, addresses) = watch::channel(vec![listen.ip()]);
    let (_forget, forget) = watch::channel(0);
    let (meeting, requests) = mpsc::channel(64);
    let (events, mut heard) = mpsc::unbounded_channel();
    tokio::spawn(play(requests));
    tokio::spawn(async move {
        while let Some(event) = heard.recv().await {
            if let WebEvent::Serving { addresses } = event {
                for address in addresses {
                    println!("https://{address}/  PIN {PIN}");
                }
            }
        }
    });
    web::serve(settings, addresses, meeting, events, forget).await;
    Ok(())
}

async fn play(mut requests: mpsc::Receiver<GuestRequest>) {
    let mut guests: HashMap<SessionKey, String> = HashMap::new();
    while let Some(request) = requests.recv().await {
        match request {
            GuestRequest::Knock(knock, reply) => {
                let right = match &knock.secret {
                    Secret::Pin(pin) => pin.reveal() == PIN,
                    Secret::Token(token) => token.reveal().starts_with("token"),
                };
                let key = SessionKey(Pii::new(format!("{:032x}", guests.len() + 1)));
                let answer = if right {
                    guests.insert(key.clone(), knock.name.into_revealed());
                    Ok(key)
                } else {
                    Err(KnockRefusal::WrongSecret { retry_after_ms: 4000 })
                };
                let _gone = reply.send(answer);
            }
            GuestRequest::Listen(key, events, reply) => {
                let name = guests.get(&key).cloned();
                let _gone = reply.send(name.is_some());
                if let Some(name) = name {
                    if name.starts_with("Lose") {
                        guests.remove(&key);
                    }
                    tokio::spawn(guest(name, events));
                }
            }
            GuestRequest::Leave(key) => {
                guests.remove(&key);
            }
            GuestRequest::Gone(_) | GuestRequest::Answer { .. } | GuestRequest::Wish(..) | GuestRequest::Phone(_) => {}
            GuestRequest::Notice(language, reply) => {
                let _gone = reply.send(Notice::of(language, &facts()));
            }
            GuestRequest::Status(reply) => {
                let _gone = reply.send(status());
            }
        }
    }
}

async fn guest(name: String, events: mpsc::UnboundedSender<GuestEvent>) {
    let say = |event| {
        let _gone = events.send(event);
    };
    say(GuestEvent::Waiting);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ended = |reason| GuestEvent::Ended { reason };
    if name.starts_with("Wait") {
        return events.closed().await;
    }
    if name.starts_with("Deny") {
        return say(ended(EndReason::Denied));
    }
    say(GuestEvent::Admitted);
    say(GuestEvent::Room(view(false)));
    tokio::time::sleep(Duration::from_secs(1)).await;
    if name.starts_with("End") {
        return say(ended(EndReason::MeetingEnded));
    }
    if name.starts_with("Lose") {
        return;
    }
    say(GuestEvent::Connected);
    say(GuestEvent::Room(view(true)));
    events.closed().await;
}

fn view(connected: bool) -> RoomView {
    RoomView {
        room: facts().room,
        camera_live: true,
        microphone_live: false,
        encryption: if connected { Encryption::DeviceNotChecked } else { Encryption::None },
        guests: 1,
        background_hidden: true,
        recording: false,
    }
}

fn facts() -> NoticeFacts {
    NoticeFacts {
        room: "Lindenzimmer".to_owned(),
        operator: Some(Operator {
            name: "Beispielverein e. V.".to_owned(),
            address: "Beispielweg 1\n12345 Beispielstadt".to_owned(),
            privacy_contact: Some("datenschutz@example.org".to_owned()),
        }),
        purpose: None,
        legal_basis: None,
        contacts: Vec::new(),
        encryption_checked: false,
        background_hidden: true,
        local_only: true,
        relay: false,
    }
}

fn status() -> Status {
    let camera =
        CaptureState { switch: Level::Open, node: NodeState::Open, live: Lamp::Lit, muted: None, refusal: None };
    let microphone = CaptureState {
        switch: Level::Closed,
        node: NodeState::Closed,
        live: Lamp::Dark,
        muted: Some(Lamp::Lit),
        refusal: Some(Refusal::Switch),
    };
    Status {
        version: env!("CARGO_PKG_VERSION"),
        board: "sim".to_owned(),
        measured: None,
        guard: Some(GuardState { awake: true, camera, microphone, media: true, trust: Trust::SimulatedUsers }),
        media: true,
        encoder: Some("x264enc".to_owned()),
        background: BackgroundWord::Hidden,
        guests: 1,
        contacts: Vec::new(),
        fingerprint: "5A:0C:91:".repeat(10) + "5A:0C",
    }
}
