//! P9: logs hold no personal data.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use subrosa_tests::call::Call;
use subrosa_tests::memory;
use subrosa_tests::namespace::Wire;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::stage::{Need, Stage, eventually};

const NAME: &str = "Guest Aquamarine-Quillwort";

/// Somebody who is let in and then says what is no session description, three times over.
fn answers_with_nonsense(call: &Call) {
    let nonsense = Some(format!("v=0\r\no=Zinnia 1 1 IN IP4 {}\r\ns=Bergamot\r\na=nonsense\r\n", Wire::GUEST));
    let guest = Guest { name: "Guest Zinnia".to_owned(), namespace: call.guests(), nonsense, ..Guest::default() };
    let peer = Peer::ask(&call.invitation, &guest);
    call.room.sim.press();
    let offers = || peer.events().iter().filter(|(_, event)| event["event"] == "offer").count();
    eventually("the answer is not taken and another offer made", Duration::from_secs(10), || {
        (offers() > 1).then_some(())
    });
    peer.leave();
}

#[test]
fn p9_the_logs_of_a_whole_call_name_nobody() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest { name: NAME.to_owned(), ..Guest::default() });
    // What goes wrong is logged, too: each process dies once, somebody knocks wrongly, a link is answered with nonsense.
    let bad = Guest { name: "Guest Bergamot-Zinnia".to_owned(), namespace: call.guests(), ..Guest::default() };
    let wrong = Peer::knock(&call.invitation.link, &json!({"pin": "999999"}), &bad);
    assert!(wrong.is_err());
    let cookie = call.peer.client().cookie().unwrap();
    // The code on the screen holds the link with its token; nobody prints it, so it is looked for where it is known.
    let before = format!("{}#", call.invitation.link);
    let token = memory::after(call.room.pid("room"), &before, 32, |c| c.is_ascii_hexdigit());
    let token = token.expect("the room knows the link with its token");
    let (old, sdp) = (call.peer.link(), call.peer.events());
    for process in ["media", "guard"] {
        call.room.kill(process);
        std::thread::sleep(Duration::from_secs(1));
    }
    let _new = call.peer.picture_of_new_link(old.as_ref(), Duration::from_secs(6));
    call.room.sim.unplug("camera");
    std::thread::sleep(Duration::from_secs(1));
    call.room.sim.plug("camera");
    call.peer.leave();
    answers_with_nonsense(&call);
    call.room.sim.hold();
    std::thread::sleep(Duration::from_secs(1));
    call.room.kill("room");
    std::thread::sleep(Duration::from_secs(1));
    let Call { room, invitation, .. } = call;
    let log = room.end();
    assert!(log.lines().count() > 5, "the log says something: {log}");
    let ufrag = sdp.iter().filter_map(|(_, event)| event["sdp"].as_str()).flat_map(|sdp| {
        sdp.lines()
            .filter_map(|line| line.strip_prefix("a=ice-ufrag:").or(line.strip_prefix("a=ice-pwd:")))
            .map(str::to_owned)
    });
    let mut secrets: Vec<String> = vec![
        "Aquamarine".into(),
        "Quillwort".into(),
        "Bergamot".into(),
        "Zinnia".into(),
        "999999".into(),
        Wire::GUEST.into(),
        Wire::ROOM.into(),
        "https://".into(),
        "a=candidate".into(),
        "v=0".into(),
        "ice-ufrag".into(),
        invitation.pin,
        invitation.link,
        cookie.split_once('=').map(|(_, value)| value.to_owned()).unwrap_or(cookie),
    ];
    secrets.push(token);
    secrets.extend(ufrag.filter(|value| value.len() > 3));
    for secret in secrets {
        for line in log.lines() {
            assert!(!line.contains(&secret), "the log holds {secret:?}: {line}");
        }
    }
}

#[test]
fn p9_a_panic_prints_its_place_and_nothing_else() {
    let me = std::env::current_exe().unwrap();
    let run = Command::new(me)
        .args(["--exact", "p9::panics_with_a_name", "--ignored", "--nocapture", "--test-threads=1"])
        .env("RUST_BACKTRACE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned() + &String::from_utf8_lossy(&run.stdout);
    assert!(said.contains("stopped by a fault at") && said.contains("p9.rs:"), "{said}");
    assert!(!said.contains("Quillwort"), "{said}");
}

#[test]
#[ignore = "run by the test above, in a process of its own"]
fn panics_with_a_name() {
    subrosa_process::start::log("test");
    subrosa_process::start::panic_without_words();
    panic!("{NAME} did something");
}
