//! LiveKit's server (`setup/livekit.sh`) and participants of it, made of GStreamer: what forwarding costs elsewhere.

mod participant;
mod token;
mod wire;

use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::stage::{eventually, tree};

pub use crate::peer::replay::Replayed;
pub use participant::Participant;

const KEY: &str = "test";
const SECRET: &str = "a secret of a test, longer than thirty-two characters";

/// The program is there.
#[must_use]
pub fn is_built() -> bool {
    program().is_file()
}

fn program() -> std::path::PathBuf {
    tree().join("data/livekit/livekit-server")
}

/// A running server, on the loopback interface only.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let media = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        // Without a STUN server of its own it names others' to participants.
        let configuration = format!(
            "port: {port}\nbind_addresses: [127.0.0.1]\nkeys: {{{KEY}: \"{SECRET}\"}}\nrtc:\n  use_external_ip: false\n  node_ip: 127.0.0.1\n  udp_port: {media}\n  \
             tcp_port: 0\n  interfaces: {{includes: [lo]}}\n  enable_loopback_candidate: true\n  use_ice_lite: true\n  stun_servers: [\"127.0.0.1:9\"]\n\
             room: {{auto_create: true, empty_timeout: 30}}\nlogging: {{level: error}}\n"
        );
        let child = Command::new(program())
            .args(["--config-body", &configuration])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("livekit-server");
        let server = Server { child, port };
        eventually("LiveKit's server answers", Duration::from_secs(20), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        std::thread::sleep(Duration::from_millis(500));
        server
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Somebody who joins, sends this, and takes what all others send.
    #[must_use]
    pub fn join(&self, name: &str, sends: &[Replayed]) -> Participant {
        let token = token::token(KEY, SECRET, name, "room");
        let url = format!("ws://127.0.0.1:{}/rtc?protocol=16&auto_subscribe=1&access_token={token}", self.port);
        Participant::join(&url, sends)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
