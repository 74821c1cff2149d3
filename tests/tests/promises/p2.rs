//! P2: the room decides.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::room::{Plan, Room, mode};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};

fn assert_closed(room: &Room, when: &str) {
    for node in ["camera", "microphone"] {
        assert_eq!(mode(&room.run_dir().sim_nodes().join(node)), 0o400, "{node} can be opened {when}");
    }
    assert!(!room.sim.lit(Line::CameraLive) && !room.sim.lit(Line::MicrophoneLive), "a lamp is lit {when}");
}

#[test]
fn p2_a_sleeping_room_lets_nobody_in() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    for pin in ["000000", "123456"] {
        let refusal = Peer::knock(&room.origin(), &json!({"pin": pin}), &Guest::default()).err().expect("a refusal");
        assert_eq!((refusal.status, refusal.json()["refusal"].as_str()), (403, Some("asleep")));
    }
    assert_closed(&room, "while the room sleeps");
}

#[test]
fn p2_nobody_is_let_in_and_nothing_opens_without_an_act_in_the_room() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let peer = Peer::knock(&invitation.link, &json!({"pin": invitation.pin}), &Guest::default()).ok().unwrap();
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(200));
        let told: Vec<_> = peer.events().iter().map(|(_, event)| event["event"].clone()).collect();
        assert!(told.iter().all(|event| event == "waiting"), "let in by nobody: {told:?}");
        assert_closed(&room, "while a guest waits");
    }
    assert!(!peer.events().is_empty(), "the guest was told to wait");
    room.sim.press();
    peer.told(0, "the press admits", Duration::from_secs(5), |event| event["event"] == "admitted");
}

#[test]
fn p2_holding_the_button_ends_everything() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let peer = Peer::ask(&invitation, &Guest::default());
    room.sim.press();
    let _link = peer.connected(Duration::from_secs(10));
    eventually("the camera is open", Duration::from_secs(5), || room.sim.lit(Line::CameraLive).then_some(()));
    let mark = peer.mark();
    room.sim.hold();
    peer.told(mark, "the meeting has ended", Duration::from_secs(6), |event| event["reason"] == "meeting-ended");
    eventually("the lamps are dark", Duration::from_secs(3), || {
        (!room.sim.lit(Line::CameraLive) && !room.sim.lit(Line::MicrophoneLive)).then_some(())
    });
    assert_closed(&room, "after the meeting");
    let refusal =
        Peer::knock(&room.origin(), &json!({"pin": invitation.pin}), &Guest::default()).err().expect("a refusal");
    assert_eq!(refusal.json()["refusal"], "asleep", "the PIN of a meeting ends with it");
    let next = room.wake();
    assert_ne!(next.pin, invitation.pin, "each meeting has a PIN of its own");
}

#[test]
fn p2_no_request_of_the_network_opens_what_the_switch_keeps_closed() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    room.sim.mute(true);
    room.sim.shutter(true);
    let invitation = room.wake();
    let peer = Peer::ask(&invitation, &Guest::default());
    room.sim.press();
    let _link = peer.connected(Duration::from_secs(10));
    // Every path that the page knows, and some that it does not, with every word that might mean open.
    for path in
        ["knock", "answer", "leave", "mute", "unmute", "open", "camera", "microphone", "want", "status", "events"]
    {
        for body in
            [json!({}), json!({"camera": true, "microphone": true}), json!({"mute": false}), json!({"open": "camera"})]
        {
            if path != "leave" {
                let _refused = peer.client().post(&format!("/api/{path}"), &body);
            }
        }
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_closed(&room, "with switch and shutter closed");
    assert!(room.sim.lit(Line::MicrophoneMuted), "red says muted");
}
