//! Ways to the bridge that fail, and the channel of older servers.

use std::time::{Duration, Instant};

use minidom::Element;
use serde_json::json;
use subrosa_tests::jitsi::bridge::Shows;
use subrosa_tests::jitsi::meeting::{Meeting, Proposed, SOON};
use subrosa_tests::jitsi::offered::{Offered, Stream};
use subrosa_tests::jitsi::socket::Socket;
use subrosa_tests::needs;
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Stage, eventually};

use super::prosody::PROSODY;

const ALICE: Stream = Stream { owner: "aaaaaaaa", ssrc: 1001, shows: Shows::Vp8(0xff00_c000), screen: false };
const GREEN: [u8; 3] = [0, 192, 0];

fn meeting() -> (Stage, Meeting) {
    (Stage::take(), Proposed::with(&[("aaaaaaaa", "Alice")], Vec::new()).press())
}

/// The room ends the session and asks for another one (recording 06b).
#[track_caller]
fn restart(meeting: &Meeting, within: Duration) {
    let (_, asked): (_, Element) = meeting.focus.takes(within);
    assert_eq!(asked.attr("action"), Some("session-terminate"));
    let reason = asked.children().find(|child| child.name() == "reason").and_then(|reason| reason.children().next());
    assert_eq!(reason.map(Element::name), Some("connectivity-error"));
    let session = asked.children().find(|child| child.name() == "bridge-session");
    assert_eq!(session.and_then(|session| session.attr("restart")), Some("true"));
}

#[test]
fn p10_a_bridge_that_nobody_reaches_is_said_to_the_focus_and_the_next_one_is_taken() {
    needs!(PROSODY);
    let (_stage, meeting) = meeting();
    let lost = Offered::new("lost", Vec::new());
    let offered = Instant::now();
    meeting.offers(&lost, lost.unreachable());
    restart(&meeting, Duration::from_secs(60));
    println!("no path → restart asked for: {:.1} s", offered.elapsed().as_secs_f64());
    let second = Offered::new("second", vec![ALICE]);
    second.flow("aaaaaaaa-v0");
    meeting.offers(&second, second.initiate());
    meeting.shows_soon("Alice", GREEN, 0.2, 1.0);
    // It vanishes in mid-call, and says nothing to anybody.
    drop(second);
    let gone = Instant::now();
    restart(&meeting, Duration::from_secs(90));
    println!("bridge gone → restart asked for: {:.1} s", gone.elapsed().as_secs_f64());
    eventually("without a bridge nothing is captured", SOON, || {
        (!meeting.room.sim.lit(Line::CameraLive)).then_some(())
    });
    let third = Offered::new("third", vec![ALICE]);
    third.flow("aaaaaaaa-v0");
    meeting.offers(&third, third.initiate());
    meeting.shows_soon("Alice again", GREEN, 0.2, 1.0);
    assert!(meeting.room.sim.lit(Line::CameraLive));
}

#[test]
fn on_a_server_without_data_channels_the_bridges_channel_is_a_websocket_and_comes_back() {
    needs!(PROSODY);
    let (_stage, meeting) = meeting();
    let socket = Socket::listen(&meeting.prosody);
    let bridge = Offered::over_socket("s", vec![ALICE], socket);
    let _told_by_the_offer = bridge.announce("aaaaaaaa-v0");
    meeting.offers(&bridge, bridge.initiate());
    eventually("Alice is asked for", SOON, || {
        bridge.obey().get("aaaaaaaa-v0").copied().filter(|height| *height >= 720)
    });
    meeting.shows_soon("Alice", GREEN, 0.2, 1.0);
    assert_eq!(bridge.bridge.channel(), None, "no data channel beside it");
    let socket = bridge.socket.as_ref().expect("a WebSocket");
    let frames = || bridge.bridge.seen.frames().len();
    eventually("the room is seen", SOON, || (frames() > 0).then_some(()));
    let wish = |height: i64| {
        let name = format!("{}-v0", meeting.own());
        bridge.says(&json!({"colibriClass": "SenderSourceConstraints", "sourceName": name, "maxHeight": height}));
    };
    wish(0);
    eventually("nobody watches: the picture rests", SOON, || {
        let before = frames();
        std::thread::sleep(Duration::from_millis(700));
        (frames() == before).then_some(())
    });
    // Cut, it comes back by itself and says again what the room shows.
    assert_eq!(socket.opened(), 1);
    socket.cut();
    eventually("it is back", Duration::from_secs(30), || (socket.opened() == 2).then_some(()));
    let before = frames();
    wish(720);
    eventually("the room is seen again", SOON, || (frames() > before).then_some(()));
    eventually("Alice is asked for", SOON, || (bridge.obey().len() == 1).then_some(()));
}
