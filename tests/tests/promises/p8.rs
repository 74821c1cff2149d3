//! P8: encrypted, and honest about it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use subrosa_tests::namespace::Wire;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, LinkPlan, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::loudness;
use subrosa_tests::stage::{Need, Stage};
use subrosa_tests::tap::Tap;

#[test]
fn p8_a_peer_whose_certificate_is_not_the_one_in_its_answer_gets_nothing() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let wire = Wire::lay();
    let tap = Tap::on(Some(&wire.room), Wire::INTERFACE);
    let room = Room::start(Plan::on(&wire));
    let invitation = room.wake();
    let link = LinkPlan { sends: Some(0xffff_0000), ..LinkPlan::default() };
    let guest = Guest { forges: true, namespace: Some(wire.guest.clone()), link, ..Guest::default() };
    let peer = Peer::ask(&invitation, &guest);
    room.sim.press();
    peer.told(0, "the guest was let in", Duration::from_secs(5), |event| event["event"] == "admitted");
    peer.told(0, "an offer was made", Duration::from_secs(5), |event| event["event"] == "offer");
    std::thread::sleep(Duration::from_secs(6));
    let sent = tap.take().iter().filter(|seen| seen.outgoing && seen.rtp().is_some()).count();
    assert_eq!(sent, 0, "RTP packets were sent to a peer that nobody had checked");
    assert!(loudness(&room.sim.heard(3)) < -60.0, "and its sound is not played");
    let connected = peer.events().iter().any(|(_, event)| event["event"] == "connected");
    assert!(!connected, "the room says that the link carries media");
}

#[test]
fn p8_the_page_is_served_encrypted_only_with_the_certificate_on_the_screen() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    assert_eq!(room.client().fingerprint().unwrap(), invitation.fingerprint, "the terminal shows what is served");
    let status = room.status()["fingerprint"].as_str().unwrap().to_uppercase();
    assert_eq!(status, invitation.fingerprint, "and so does the status page");
    assert!(invitation.link.starts_with("https://"));
    let mut plain = TcpStream::connect(room.origin().trim_start_matches("https://")).unwrap();
    plain.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nHost: room\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _closed = plain.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("<html") && !answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn p8_a_clicked_through_certificate_is_called_not_checked() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let peer = Peer::ask(&invitation, &Guest::default());
    room.sim.press();
    let told = |event: &serde_json::Value| event["event"] == "room" && event["encryption"] == "device-not-checked";
    peer.told(0, "the word is no stronger than the truth", Duration::from_secs(10), told);
    assert!(!peer.events().iter().any(|(_, event)| event["encryption"] == "end-to-end"));
}
