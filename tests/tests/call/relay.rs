//! The operator's relay: coturn on the loopback interface, and nothing else allowed.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use subrosa_tests::call::camera_moves;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage, eventually};

struct Relay(Child);

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn relay(port: u16, folder: &std::path::Path) -> Relay {
    let mut command = Command::new("turnserver");
    command.args([
        "-n",
        "--listening-ip=127.0.0.1",
        "--relay-ip=127.0.0.1",
        "--lt-cred-mech",
        "--user=room:secret",
        "--realm=test",
    ]);
    command.args(["--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers", "--log-file=stdout"]);
    command
        .arg(format!("--listening-port={port}"))
        .arg(format!("--pidfile={}", folder.join("turn.pid").display()))
        .current_dir(folder);
    Relay(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("turnserver"))
}

#[test]
fn a_call_through_the_operators_relay_alone() {
    needs!(Need::Program("turnserver"));
    let _stage = Stage::take();
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _relay = relay(port, folder.path());
    eventually("the relay listens", Duration::from_secs(10), || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    let lines = format!(
        "host = \"127.0.0.1\"\nport = {port}\ntransport = \"udp\"\nuser = \"room\"\npassword = \"secret\"\nrelay_only = true\n"
    );
    let room = Room::start(Plan { more: vec![("network.turn", lines)], ..Plan::default() });
    let invitation = room.wake();
    let peer = Peer::ask(&invitation, &Guest::default());
    room.sim.press();
    let link = peer.connected(Duration::from_secs(15));
    assert!(camera_moves(&link, Duration::from_secs(10)), "the picture moves");
    for candidate in &link.offer.candidates {
        assert!(candidate.contains(" relay "), "relay only: {candidate}");
    }
    let contacts = room.status()["contacts"].to_string();
    assert!(contacts.contains("127.0.0.1"), "the status page names the relay (P5): {contacts}");
    assert!(!room.log().contains("secret"), "the relay's password is in no log");
}
