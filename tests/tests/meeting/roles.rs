//! Who may what: checked by the room, whatever a page shows.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::room::Plan;
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::hall::{Hall, LONG, guest};

fn number_of(hall: &Hall, name: &str) -> u64 {
    eventually(&format!("{name} is in the phone's list"), LONG, || {
        let meeting = hall.meeting();
        let everybody =
            ["people", "waiting"].iter().flat_map(|list| meeting[*list].as_array().cloned().unwrap_or_default());
        everybody.into_iter().find(|person| person["name"] == name)?["number"].as_u64()
    })
}

#[test]
fn who_waits_is_told_nothing_and_a_moderator_lets_them_in() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(3, Plan::default());
    let (first, _) = guest(0, true);
    let (second, luma) = guest(1, true);
    let chair = hall.enter(&first);
    let refused = |reply: subrosa_tests::client::Reply| (reply.status, reply.json()["refusal"].clone());
    assert_eq!(refused(chair.peer.wish(&json!({"wish": "admit-all"}))), (403, json!("not-allowed")));
    let waits = Peer::ask(&hall.invitation, &second);
    assert_eq!(chair.peer.room()["waiting"], json!([]), "a guest does not see who waits");
    assert_eq!(waits.wish(&json!({"wish": "present", "on": true})).status, 401, "who waits has no wishes");

    let number = number_of(&hall, "Guest 0");
    hall.chair(&json!({"wish": "role", "guest": number, "role": "moderator"}));
    let seen = eventually("the moderator sees who waits", LONG, || {
        chair.peer.room()["waiting"][0]["number"].as_u64().filter(|_| chair.peer.room()["you"]["role"] == "moderator")
    });
    assert_eq!(chair.peer.wish(&json!({"wish": "message", "text": "Soon"})).status, 204);
    waits.told(0, "the message", Duration::from_secs(5), |event| event["message"] == "Soon");
    assert_eq!(
        refused(chair.peer.wish(&json!({"wish": "role", "guest": number, "role": "moderator"}))),
        (403, json!("not-allowed"))
    );
    let told: Vec<_> = waits.events().into_iter().map(|(_, event)| event["event"].clone()).collect();
    assert!(told.iter().all(|event| event == "waiting"), "nothing of the meeting reaches who waits: {told:?}");

    assert_eq!(chair.peer.wish(&json!({"wish": "admit", "guest": seen})).status, 204);
    waits.told(0, "let in", Duration::from_secs(5), |event| event["event"] == "admitted");
    let _link = waits.connected(LONG);
    chair.sees("Guest 1", luma);

    assert_eq!(chair.peer.wish(&json!({"wish": "lock", "on": true})).status, 204);
    let late = Guest { name: "Late".to_owned(), ..Guest::default() };
    let Err(refusal) = Peer::knock(&hall.invitation.link, &json!({"pin": hall.invitation.pin}), &late) else {
        panic!("a locked meeting takes no knock")
    };
    assert_eq!((refusal.status, refusal.json()["refusal"].clone()), (403, json!("locked")));
}

#[test]
fn in_a_class_who_may_not_speak_is_not_heard_until_made_a_presenter() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open_as(2, "preset = \"class\"\n", Plan::default());
    let (pupil, luma) = guest(0, true);
    let (other, _) = guest(1, true);
    let (pupil, other) = (hall.enter(&pupil), hall.enter(&other));
    other.sees("Guest 0", luma);
    other.is_spared(&[other.slot("Guest 0", "audio")]);
    assert_eq!(pupil.peer.wish(&json!({"wish": "present", "on": true})).status, 403);
    let number = number_of(&hall, "Guest 0");
    hall.chair(&json!({"wish": "role", "guest": number, "role": "presenter"}));
    other.hears("Guest 0");
    hall.chair(&json!({"wish": "mute", "guest": number}));
    pupil.peer.told(0, "the mute", Duration::from_secs(5), |event| event["event"] == "muted");
    other.is_spared(&[other.slot("Guest 0", "audio")]);
    // Said before the mute had come: it does not count.
    let state = |mutes| json!({"wish": "state", "microphone": true, "camera": true, "hand": false, "mutes": mutes});
    assert_eq!(pupil.peer.wish(&state(0)).status, 204);
    other.is_spared(&[other.slot("Guest 0", "audio")]);
    assert_eq!(pupil.peer.wish(&state(1)).status, 204);
    other.hears("Guest 0");
}

#[test]
fn p2_a_phone_asks_for_the_microphone_and_only_the_switch_opens_it() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(2, Plan::default());
    let (first, _) = guest(0, true);
    let guest = hall.enter(&first);
    eventually("the microphone is live", LONG, || hall.room.sim.lit(Line::MicrophoneLive).then_some(()));
    hall.chair(&json!({"wish": "close", "capture": "microphone"}));
    eventually("a phone closes it", LONG, || (!hall.room.sim.lit(Line::MicrophoneLive)).then_some(()));
    hall.chair(&json!({"wish": "ask", "capture": "microphone"}));
    assert_eq!(hall.meeting()["asks"]["microphone"], true);
    let opens = json!({"wish": "open", "capture": "microphone"});
    assert_eq!(hall.chair_says(&opens).status, 422, "there is no such word");
    assert_eq!(guest.peer.wish(&json!({"wish": "ask", "capture": "microphone"})).status, 403);
    std::thread::sleep(Duration::from_secs(1));
    assert!(!hall.room.sim.lit(Line::MicrophoneLive), "a question opens nothing");
    hall.room.sim.mute(true);
    // Two edges at once would be none.
    std::thread::sleep(Duration::from_millis(500));
    hall.room.sim.mute(false);
    eventually("the switch opens it", LONG, || hall.room.sim.lit(Line::MicrophoneLive).then_some(()));
    eventually("and the question is answered", LONG, || (hall.meeting()["asks"]["microphone"] == false).then_some(()));
}
