//! OpenTalk's room server (`setup/opentalk.sh`), rooms on it, and people in them.

mod client;
mod controller;
mod services;
mod transcript;

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::livekit::token::signed;
use crate::stage::{eventually, tree};

pub use client::Client;
pub use controller::{Controller, INVITE};
pub use services::Services;
pub use transcript::{Direction, Transcript};

const KEY: &str = "test";
const SECRET: &str = "a secret of a test, longer than thirty-two characters";

/// The program, if it was built.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let script = tree().join("setup/opentalk.sh");
    let found = Command::new(script).arg("--where").stderr(Stdio::null()).output().ok()?;
    let place = String::from_utf8(found.stdout).ok()?;
    found.status.success().then(|| Path::new(place.trim()).join("opentalk-roomserver"))
}

/// A LiveKit that rooms are told of.
#[derive(Clone, Debug)]
pub struct LiveKit {
    /// Where it answers the room server, `http`.
    pub url: String,
    /// Where people in rooms are sent.
    pub public: String,
    /// The name of its key.
    pub key: String,
    /// The key.
    pub secret: String,
}

/// A running room server, on the loopback interface only.
pub struct Server {
    child: Child,
    port: u16,
    nonce: AtomicU32,
    _folder: TempDir,
}

/// Who comes to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The room's owner, with an account.
    Owner,
    /// Somebody else with an account.
    User,
    /// A guest.
    Guest,
    /// No person: what records.
    Recorder,
}

/// A room, before it is made.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its UUID.
    pub id: String,
    /// `disabled`, `for_guests` or `for_everyone`.
    pub waiting_room: &'static str,
    /// It has end-to-end encryption.
    pub encrypted: bool,
    /// How many may come.
    pub places: Option<u32>,
    /// Where picture and sound go.
    pub livekit: Option<LiveKit>,
    /// Where what records is asked to come, `http`.
    pub recorder: Option<String>,
}

impl Room {
    /// One that lets everybody in.
    #[must_use]
    pub fn open() -> Self {
        static ROOMS: AtomicU32 = AtomicU32::new(1);
        let number = ROOMS.fetch_add(1, Ordering::Relaxed);
        let id = format!("00000000-0000-4000-8000-{number:012}");
        Room { id, waiting_room: "disabled", encrypted: false, places: None, livekit: None, recorder: None }
    }

    fn parameters(&self) -> Value {
        let mut modules = json!({});
        if let Some(livekit) = &self.livekit {
            modules["livekit"] = json!({ "api_key": livekit.key, "api_secret": livekit.secret,
                "public_url": livekit.public, "service_url": livekit.url });
        }
        if let Some(url) = &self.recorder {
            modules["recording"] = json!({ "url": url, "api_key": format!("{KEY}:{SECRET}") });
        }
        for module in ["chat", "raise_hands", "moderation", "timer", "polls", "e2ee"] {
            modules[module] = json!({});
        }
        let quotas = self.places.map_or_else(|| json!({}), |places| json!({ "room_participant_limit": places }));
        json!({
            "created_by": profile(1, "Rosa"), "guest_access": true, "waiting_room": self.waiting_room,
            "event": { "id": "00000000-0000-4000-9000-000000000001", "title": "Jour fixe", "description": "", "is_adhoc": false,
                "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2036-01-01T00:00:00Z" },
            "tariff": { "id": "00000000-0000-0000-0000-000000000000", "name": "", "quotas": quotas, "used_quota": {}, "disabled_features": [] },
            "streaming_targets": [{ "id": "00000000-0000-4000-a000-000000000001", "kind": "custom", "name": "Out",
                "public_url": "https://watch.example/", "streaming_endpoint": "https://push.example/", "streaming_key": "k" }],
            "show_meeting_details": false, "e2e_encryption": self.encrypted, "module_settings": modules,
            "preferred_language": "en", "fallback_language": "en", "allowed_origins": ["*"], "room_idle_timeout": 60_000,
        })
    }
}

fn profile(number: u32, name: &str) -> Value {
    json!({ "id": format!("00000000-0000-4000-b000-{number:012}"), "email": format!("{number}@example.org"), "title": "",
        "firstname": "", "lastname": "", "display_name": name, "avatar_url": "https://example.org/a", "timezone": "Europe/Berlin" })
}

impl Server {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = format!(
            "[http]\naddress = \"127.0.0.1\"\nport = {port}\npublic_url = \"http://127.0.0.1:{port}\"\napi_keys = [\"{KEY}:{SECRET}\"]\n"
        );
        let file = folder.path().join("roomserver.toml");
        std::fs::write(&file, configuration).expect("its configuration");
        let child = Command::new(program().expect("OpenTalk's room server"))
            .arg("--config")
            .arg(&file)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the room server");
        let server = Server { child, port, nonce: AtomicU32::new(1), _folder: folder };
        eventually("OpenTalk's room server answers", Duration::from_secs(20), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        server
    }

    /// Makes a token with which this one enters the room, and the room if there is none yet.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn token(&self, room: &Room, who: Who, name: &str) -> String {
        let number = self.nonce.fetch_add(1, Ordering::Relaxed);
        let mut client = match who {
            Who::Owner => json!({ "kind": "registered", "profile": profile(1, name) }),
            Who::User => json!({ "kind": "registered", "profile": profile(100 + number, name) }),
            Who::Guest => json!({ "kind": "guest", "display_name": name }),
            Who::Recorder => json!({ "kind": "recorder", "room": { "kind": "main" } }),
        };
        client["device_secret"] = format!("the secret of a test, number {number}").into();
        client["role"] = if who == Who::Owner { "moderator" } else { "user" }.into();
        let body = json!({ "client_parameters": client, "room_parameters": room.parameters() });
        let url = format!("http://127.0.0.1:{}/v1/rooms/{}/token", self.port, room.id);
        let now = UNIX_EPOCH.elapsed().expect("a clock").as_secs();
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": KEY, "nonce": format!("nonce{number}") });
        let bearer = signed(SECRET, &header, &json!({ "iat": now, "exp": now + 60 }));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
        let answer = agent.post(&url).header("Authorization", format!("Bearer {bearer}")).send_json(&body);
        let mut answer = answer.expect("an answer of the room server");
        let text = answer.body_mut().read_to_string().expect("a body");
        assert!(answer.status().is_success(), "{} {text}", answer.status());
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// Its port, without TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Somebody comes to a room.
    #[must_use]
    pub fn join(&self, room: &Room, who: Who, name: &str) -> Client {
        Client::open(self.port, &self.token(room, who, name))
    }

    /// It is told to stop, as on a restart: it says so to everybody.
    pub fn stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("its process");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
