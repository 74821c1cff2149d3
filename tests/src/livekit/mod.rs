//! LiveKit's server and client (`setup/livekit.sh`): what the room joins, who else is there, and what forwarding costs elsewhere.

mod arrivals;
mod codecs;
mod endpoint;
mod participant;
mod sps;
pub mod token;
mod visitor;
pub(crate) mod wire;

use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use crate::front::Front;
use crate::stage::{eventually, tree};

pub use crate::peer::replay::Replayed;
pub use arrivals::Pictures;
pub use endpoint::{Endpoint, Request};
pub use participant::{Participant, Takes};
pub use visitor::{Came, Visitor, load};

const KEY: &str = "test";
const SECRET: &str = "a secret of a test, longer than thirty-two characters";
const OTHER_SECRET: &str = "another secret of a test, longer than thirty-two of them";

/// The folder that both are in, if they have been built and fetched.
#[must_use]
pub fn place() -> Option<PathBuf> {
    let found = Command::new(tree().join("setup/livekit.sh")).arg("--where").output().ok()?;
    found.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()))
}

/// A running server, on the loopback interface only.
pub struct Server {
    child: Child,
    port: u16,
    media: u16,
    /// Interface and address of its media.
    at: (&'static str, &'static str),
    secret: &'static str,
}

impl Server {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::with_media_on("lo", "127.0.0.1")
    }

    /// The same, with picture and sound at another address than its signalling: for browsers that shun loopback.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn with_media_on(interface: &'static str, address: &'static str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let media = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let at = (interface, address);
        Server { child: run(port, media, at, SECRET), port, media, at, secret: SECRET }
    }

    /// Kills it, and starts one in its place that knows nothing.
    ///
    /// # Panics
    /// When that does not start.
    pub fn start_again(&mut self) {
        let _gone = (self.child.kill(), self.child.wait());
        self.child = run(self.port, self.media, self.at, self.secret);
    }

    /// The same, with another key: no token that was made before is good any more.
    ///
    /// # Panics
    /// When that does not start.
    pub fn start_again_with_another_key(&mut self) {
        self.secret = OTHER_SECRET;
        self.start_again();
    }

    /// Asks it to end while people are in it: they are told.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn ends(&mut self) {
        // The first lets it wait for people to leave, the second does not.
        for _ in 0..2 {
            rustix::process::kill_process(Pid::from_child(&self.child), Signal::INT).expect("a signal");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As a room server is told of it.
    #[must_use]
    pub fn for_rooms(&self) -> crate::opentalk::LiveKit {
        let url = format!("http://127.0.0.1:{}", self.port);
        crate::opentalk::LiveKit { public: url.clone(), url, key: KEY.to_owned(), secret: self.secret.to_owned() }
    }

    /// Its port, without TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Somebody who joins a room, sends this, and takes what all others send.
    #[must_use]
    pub fn join(&self, room: &str, name: &str, sends: &[Replayed]) -> Participant {
        self.enter(&self.token(room, name, json!({}), json!({})), sends, Takes::Everything)
    }

    /// The same with a token that may be from elsewhere.
    #[must_use]
    pub fn enter(&self, token: &str, sends: &[Replayed], takes: Takes) -> Participant {
        let all = u8::from(takes == Takes::Everything);
        let url = format!("ws://127.0.0.1:{}/rtc?protocol=16&auto_subscribe={all}&access_token={token}", self.port);
        Participant::join(&url, sends)
    }

    /// A token that it takes: see [`token`].
    #[must_use]
    pub fn token(&self, room: &str, identity: &str, grant: Value, claims: Value) -> String {
        token_with(self.secret, room, identity, grant, claims)
    }

    /// Sends somebody this track (its `sid`), whether they asked for it or not.
    ///
    /// # Panics
    /// When the server refuses.
    #[track_caller]
    pub fn sends(&self, room: &str, identity: &str, track: &str) {
        let body = json!({"room": room, "identity": identity, "track_sids": [track], "subscribe": true});
        let (status, answer) = self.asks("UpdateSubscriptions", &body);
        assert_eq!(status, 200, "{answer}");
    }

    /// Has the server do something (`livekit.RoomService`); its answer.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub fn asks(&self, method: &str, body: &Value) -> (u16, Value) {
        let grant = json!({"roomCreate": true, "roomList": true, "roomAdmin": true, "room": body["room"]});
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut reply = agent
            .post(format!("http://127.0.0.1:{}/twirp/livekit.RoomService/{method}", self.port))
            .header("Authorization", format!("Bearer {}", self.token("", "", grant, json!({}))))
            .header("Content-Type", "application/json")
            .send(body.to_string())
            .expect("an answer of LiveKit's server");
        let text = reply.body_mut().read_to_string().unwrap_or_default();
        (reply.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Everybody in a room, as the server knows them.
    #[must_use]
    pub fn people(&self, room: &str) -> Vec<Value> {
        let (_, mut answer) = self.asks("ListParticipants", &json!({"room": room}));
        answer["participants"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Somebody in a room, as the server knows them.
    #[must_use]
    pub fn knows(&self, room: &str, identity: &str) -> Option<Value> {
        self.people(room).into_iter().find(|one| one["identity"] == identity)
    }

    /// The `sid` of somebody's track from this source (`CAMERA`, `MICROPHONE`).
    #[must_use]
    pub fn track(&self, room: &str, identity: &str, source: &str) -> Option<String> {
        Some(track_of(&self.knows(room, identity)?, source)?["sid"].as_str()?.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn run(port: u16, media: u16, (interface, address): (&str, &str), secret: &str) -> Child {
    // Without a STUN server of its own it names others' to participants. A remote unmute is allowed, so that it is the room that refuses it.
    let configuration = format!(
        "port: {port}\nbind_addresses: [127.0.0.1]\nkeys: {{{KEY}: \"{secret}\"}}\nrtc:\n  use_external_ip: false\n  node_ip: {address}\n  udp_port: {media}\n  \
         tcp_port: 0\n  interfaces: {{includes: [{interface}]}}\n  enable_loopback_candidate: true\n  use_ice_lite: true\n  stun_servers: [\"127.0.0.1:3478\"]\n\
         room: {{auto_create: true, empty_timeout: 30, enable_remote_unmute: true}}\nlogging: {{level: error}}\n"
    );
    let child = Command::new(place().expect("setup/livekit.sh").join("livekit-server"))
        .args(["--config-body", &configuration])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("livekit-server");
    eventually("LiveKit's server answers", Duration::from_secs(20), || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
    });
    std::thread::sleep(Duration::from_millis(500));
    child
}

/// Somebody's track from this source (`CAMERA`, `MICROPHONE`), as the server describes it.
#[must_use]
pub fn track_of<'a>(who: &'a Value, source: &str) -> Option<&'a Value> {
    let of = |track: &&Value| {
        track["source"] == source || (source == "CAMERA" && track["source"].is_null() && track["type"] == "VIDEO")
    };
    who["tracks"].as_array()?.iter().find(of)
}

/// A token for a room. `grant` says more of what is allowed, `claims` more of who it is.
#[must_use]
pub fn token(room: &str, identity: &str, grant: Value, claims: Value) -> String {
    token_with(SECRET, room, identity, grant, claims)
}

fn token_with(secret: &str, room: &str, identity: &str, grant: Value, claims: Value) -> String {
    let mut video = json!({"room": room, "roomJoin": !room.is_empty()});
    let mut all = json!({"iss": KEY, "sub": identity, "exp": 4_000_000_000_u64});
    for (into, more) in [(&mut video, grant), (&mut all, claims)] {
        for (name, value) in more.as_object().into_iter().flatten() {
            into[name] = value.clone();
        }
    }
    all["video"] = video;
    token::signed(secret, &json!({"alg": "HS256", "typ": "JWT"}), &all)
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The link by which a room joins through this front.
#[must_use]
pub fn link(front: &Front, token: &str) -> String {
    format!("livekit+wss://localhost:{}/?token={token}", front.port())
}
