//! A hostile guest costs nobody else anything.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::client::Client;
use subrosa_tests::needs;
use subrosa_tests::room::Plan;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::hall::{Hall, LONG, guest};

/// PINs that are tried while the meeting goes on.
const PINS: u32 = 10_000;

#[test]
fn a_hostile_guest_costs_nobody_else_anything() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(3, Plan::default());
    let (guests, lumas): (Vec<_>, Vec<_>) = (0..3).map(|number| guest(number, true)).unzip();
    let [one, other, hostile] = [0, 1, 2].map(|number: usize| hall.enter(&guests[number]));
    let pids = ["guard", "media", "room"].map(|name| hall.room.pid(name));
    let link = hostile.link();
    eventually("the channels are open", LONG, || {
        let open = link.channels.open();
        ["chat", "text"].iter().all(|wanted| open.iter().any(|label| label == wanted)).then_some(())
    });

    // Chat as HTML stays text; a flood ends after a few lines.
    let html = "<img src=x onerror=alert(1)>";
    assert!(link.channels.say("chat", html));
    eventually("the line comes as it was written", LONG, || {
        let said = one.link().channels.said("chat");
        said.iter()
            .any(|line| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line["text"] == html))
            .then_some(())
    });
    for n in 0..3000 {
        link.channels.say("chat", &format!("flood {n}"));
        link.channels.say("text", &"x".repeat(100));
    }
    std::thread::sleep(Duration::from_secs(2));
    let lines = one.link().channels.said("chat").len();
    assert!(lines < 60, "{lines} lines of a flood came through");
    let letters: usize = (0..2).map(|slot| one.link().channels.said(&format!("text-{slot}")).concat().len()).sum();
    assert!(letters < 3000, "{letters} letters of a flood came through");

    // Bodies that are too long or mean nothing, wishes of others, answers to offers of others.
    let client = hostile.peer.client();
    let status = |path: &str, body: &serde_json::Value| client.post(path, body).expect("an answer").status;
    assert_eq!(status("/api/wish", &json!({"wish": "message", "text": "x".repeat(100_000)})), 413);
    assert_eq!(status("/api/wish", &json!({"wish": "open", "capture": "microphone"})), 422);
    assert_eq!(status("/api/answer", &json!({"link": 1, "sdp": "x".repeat(200_000)})), 413);
    for number in 0..5 {
        for wish in ["admit", "deny", "mute", "remove"] {
            assert_eq!(status("/api/wish", &json!({"wish": wish, "guest": number})), 403);
        }
        assert_eq!(status("/api/answer", &json!({"link": number, "sdp": "v=0"})), 204, "taken, and of no effect");
    }
    assert_eq!(status("/api/remote/wish", &json!({"wish": "end"})), 401);

    // Wrong PINs: after a few nobody even looks at them.
    let stranger = Client::new(&hall.invitation.link, None);
    let mut looked_at = 0;
    for pin in 0..PINS {
        let knock = json!({"pin": format!("{pin:06}"), "name": "x", "lang": "en", "h264": true});
        let reply = stranger.post("/api/knock", &knock).expect("an answer");
        looked_at += u32::from(reply.status == 403);
    }
    assert!(looked_at < 60, "{looked_at} PINs were compared");

    one.sees("Guest 1", lumas[1]);
    other.sees("Guest 0", lumas[0]);
    one.hears("Guest 1");
    assert_eq!(["guard", "media", "room"].map(|name| hall.room.pid(name)), pids, "no process has died");
}
