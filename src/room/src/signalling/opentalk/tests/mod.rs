//! The session against a server that is made of its messages.

mod properties;
mod recordings;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_messages::Pii;

use super::{Action, Blocked, End, Event, Role, Session, Told, Wants};

const OWN: &str = "0a";
const OTHER: &str = "0b";

/// A session, with everything that it has said.
struct Stage {
    session: Session,
    now: Instant,
    out: Vec<Action>,
}

impl Stage {
    fn new() -> Self {
        let now = Instant::now();
        let mut stage = Stage { session: Session::new(now, &Pii::new("Saal 3".to_owned())), now, out: Vec::new() };
        assert!(stage.step(Event::Opened).is_empty());
        stage
    }

    fn step(&mut self, event: Event) -> Vec<Action> {
        let said = self.session.step(self.now, event);
        self.out.extend(said.iter().cloned());
        said
    }

    fn hear(&mut self, namespace: &str, payload: &Value) -> Vec<Action> {
        let frame = json!({ "namespace": namespace, "timestamp": "2026-01-01T00:00:00Z", "payload": payload });
        self.step(Event::Message(Pii::new(frame.to_string())))
    }

    /// What was told of a message.
    fn told(&mut self, namespace: &str, payload: &Value) -> Vec<Told> {
        self.hear(namespace, payload)
            .into_iter()
            .filter_map(|action| if let Action::Tell(told) = action { Some(told) } else { None })
            .collect()
    }

    /// In the meeting, with one other.
    fn joined() -> Self {
        let mut stage = Stage::new();
        stage.hear("core", &join());
        assert!(stage.session.is_in());
        stage
    }
}

fn join() -> Value {
    json!({
        "message": "join_success", "id": OWN, "connection_id": "c1", "device_id": OWN, "connections": [],
        "display_name": "Saal 3", "role": "guest",
        "module_data": { "livekit": livekit(), "raise_hands": { "raise_hands_enabled": true },
            "recording": { "consents_recording": false, "recording_state": { "status": "inactive" }, "stream_states": {} } },
        "participants": [{ "id": OTHER, "connections": [{ "connection_id": "c2", "device_id": OTHER }],
            "module_data": { "core": core("Rosa", "moderator", "registered"), "raise_hands": { "raised_at": "2026-01-01T00:00:00Z" } } }],
        "event_info": { "e2e_encryption": false },
    })
}

fn livekit() -> Value {
    json!({ "room": "r:main", "token": "t1", "public_url": "https://livekit.example",
        "microphone_restriction_state": { "type": "disabled" } })
}

fn core(name: &str, role: &str, kind: &str) -> Value {
    json!({ "display_name": name, "role": role, "participation_kind": kind, "joined_at": "2026-01-01T00:00:00Z" })
}

fn text(value: &str) -> Pii<String> {
    Pii::new(value.to_owned())
}

/// What is sent, each as namespace and payload.
fn sent(out: &[Action]) -> Vec<(String, Value)> {
    let frames = out.iter().filter_map(|action| if let Action::Send(frame) = action { Some(frame) } else { None });
    let frames = frames.map(|frame| serde_json::from_str::<Value>(frame.reveal()).expect("JSON"));
    frames
        .map(|frame| (frame["namespace"].as_str().expect("a namespace").to_owned(), frame["payload"].clone()))
        .collect()
}

fn one(namespace: &str, payload: Value) -> Vec<(String, Value)> {
    vec![(namespace.to_owned(), payload)]
}

fn media(token: &str) -> Told {
    Told::Media { address: text("https://livekit.example"), token: text(token) }
}

#[test]
fn an_old_server_lets_in_at_once() {
    let mut stage = Stage::new();
    assert_eq!(stage.told("core", &join()), [Told::Joined, Told::People, media("t1")]);
    let (id, rosa) = stage.session.people().of_identity("0b:c2").expect("Rosa");
    assert_eq!((id, rosa.name.reveal().as_str(), rosa.role, rosa.hand), (OTHER, "Rosa", Role::Moderator, true));
    assert_eq!(stage.session.identity(), Some(text("0a:c1")));
    assert_eq!((stage.session.people().iter().count(), stage.session.deadline()), (1, None));
}

#[test]
fn an_old_server_has_a_waiting_room() {
    let mut stage = Stage::new();
    let ids = json!({ "message": "in_waiting_room", "participant_id": OWN, "connection_id": "c1" });
    assert_eq!(stage.told("core", &ids), [Told::Waits]);
    assert_eq!((stage.session.deadline(), stage.session.identity()), (None, Some(text("0a:c1"))));
    // As long as it takes.
    stage.now += Duration::from_secs(4000);
    assert!(stage.step(Event::Tick).is_empty());
    let out = stage.hear("moderation", &json!({ "message": "accepted" }));
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_room" })));
    assert!(stage.session.deadline().is_some());
    assert_eq!(stage.told("core", &join()).first(), Some(&Told::Joined));
}

#[test]
fn a_new_server_has_a_lobby_and_asks_for_the_name() {
    let lobby = |can_enter: bool| json!({ "message": "joined_lobby", "participant_id": OWN, "connection_id": "c1", "device_id": OWN, "can_enter": can_enter });
    let mut join = join();
    join.as_object_mut().expect("a map").retain(|key, _| !["id", "connection_id", "device_id"].contains(&key.as_str()));

    let mut stage = Stage::new();
    let out = stage.hear("core", &lobby(true));
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_room", "display_name": "Saal 3" })));
    assert_eq!(stage.told("core", &join).first(), Some(&Told::Joined));
    assert_eq!(stage.session.identity(), Some(text("0a:c1")));

    let mut stage = Stage::new();
    let out = stage.hear("core", &lobby(false));
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_waiting_room", "display_name": "Saal 3" })));
    assert_eq!(stage.told("core", &json!({ "message": "in_waiting_room" })), [Told::Waits]);
    let out = stage.hear("moderation", &json!({ "message": "accepted" }));
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_room" })));
    assert_eq!(stage.told("core", &join).first(), Some(&Told::Joined));

    // Who is in with another device has a name.
    let mut stage = Stage::new();
    let mut named = lobby(true);
    named["display_name"] = "Saal".into();
    let out = stage.hear("core", &named);
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_room" })));
    let required = json!({ "message": "error", "error": "display_name_required" });
    let out = stage.hear("core", &required);
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_room", "display_name": "Saal 3" })));
    // A server that cannot be pleased is left.
    let provided = json!({ "message": "error", "error": "display_name_already_provided" });
    stage.hear("core", &provided);
    stage.hear("core", &required);
    stage.hear("core", &provided);
    assert_eq!(stage.session.over(), Some(End::Lost));
    // Without a lobby it never said who the room is.
    let mut stage = Stage::new();
    stage.hear("core", &join);
    assert_eq!(stage.session.over(), Some(End::Nonsense));
}

#[test]
fn who_was_accepted_and_is_so_no_longer_waits() {
    let refused = json!({ "message": "error", "error": "not_accepted" });
    let mut stage = Stage::new();
    stage.hear("core", &json!({ "message": "in_waiting_room", "participant_id": OWN, "connection_id": "c1" }));
    stage.hear("moderation", &json!({ "message": "accepted" }));
    assert_eq!(stage.told("core", &refused), [Told::Waits]);

    let mut stage = Stage::new();
    let lobby = json!({ "message": "joined_lobby", "participant_id": OWN, "connection_id": "c1", "can_enter": true });
    stage.hear("core", &lobby);
    let out = stage.hear("core", &refused);
    assert_eq!(sent(&out)[0].1["action"], "enter_waiting_room");
    let out = stage.hear("core", &json!({ "message": "error", "error": "already_accepted" }));
    assert_eq!(sent(&out)[0].1["action"], "enter_room");
}

#[test]
fn a_silent_server_is_left() {
    let mut stage = Stage::new();
    stage.now = stage.session.deadline().expect("a deadline");
    assert_eq!(stage.step(Event::Tick), [Action::Close, Action::Tell(Told::Over(End::Lost))]);
    assert_eq!((stage.session.deadline(), stage.step(Event::Tick)), (None, Vec::new()));
}

#[test]
fn every_end_has_its_reason() {
    for (namespace, payload, end) in [
        ("moderation", json!({ "message": "kicked", "reason": "kicked" }), End::Kicked),
        ("moderation", json!({ "message": "kicked", "reason": "guest_access_disabled" }), End::Kicked),
        ("moderation", json!({ "message": "kicked", "reason": "debriefed" }), End::Ended),
        ("moderation", json!({ "message": "banned" }), End::Banned),
        (
            "core",
            json!({ "message": "join_blocked", "reason": "participant_limit_reached" }),
            End::Blocked(Blocked::Full),
        ),
        ("core", json!({ "message": "join_blocked", "reason": "moon" }), End::Blocked(Blocked::Unknown)),
        ("core", json!({ "message": "closing", "reason": "time_limit_reached" }), End::Ended),
        ("core", json!({ "message": "closing", "reason": "room_deleted" }), End::Ended),
        ("core", json!({ "message": "closing", "reason": "graceful_shutdown" }), End::ServerGone),
        ("e2ee", json!({ "message": "welcome", "welcome": "", "ratchet_tree": "" }), End::EndToEnd),
        ("e2ee", json!({ "message": "mls_messages", "payload": [] }), End::EndToEnd),
    ] {
        for mut stage in [Stage::new(), Stage::joined()] {
            let out = stage.hear(namespace, &payload);
            assert_eq!(stage.session.over(), Some(end), "{payload}");
            assert_eq!(out, [Action::Close, Action::Tell(Told::Over(end))], "{payload}");
            assert!(stage.hear("core", &join()).is_empty(), "after the end");
            assert_eq!(stage.session.people().iter().count(), 0);
        }
    }
    for (event, end) in
        [(Event::Closed, End::Lost), (Event::Leave, End::Left), (Event::Message(text("<html>")), End::Nonsense)]
    {
        let mut stage = Stage::joined();
        stage.step(event);
        assert_eq!(stage.session.over(), Some(end));
    }
    let mut stage = Stage::new();
    assert_eq!(
        stage.told("core", &json!({ "message": "join_success", "participants": 3 })),
        [Told::Over(End::Nonsense)]
    );
    let mut encrypted = join();
    encrypted["event_info"]["e2e_encryption"] = true.into();
    let mut stage = Stage::new();
    assert_eq!(stage.told("core", &encrypted), [Told::Over(End::EndToEnd)]);
}

#[test]
fn people_come_and_go() {
    let mut stage = Stage::joined();
    let came = |connection: &str| {
        json!({ "message": "participant_connected", "participant_id": "0c", "connection_id": connection,
        "peer_data": { "core": core("Luxem\u{7}burg", "user", "guest") } })
    };
    let went = |connection: &str| json!({ "message": "participant_disconnected", "participant_id": "0c", "connection_id": connection, "reason": "leave" });
    for (payload, told, present) in [
        (came("c3"), true, true),
        (came("c3"), false, true),
        (came("c4"), true, true),
        (went("c3"), false, true),
        (went("c9"), false, true),
        (went("c4"), true, false),
        (went("c4"), false, false),
    ] {
        let expected = if told { vec![Told::People] } else { vec![] };
        assert_eq!(stage.told("core", &payload), expected, "{payload}");
        assert_eq!(stage.session.people().get("0c").is_some(), present, "{payload}");
    }
    stage.hear("core", &came("c3"));
    assert_eq!(
        stage.session.people().get("0c").map(|one| (one.name.reveal().as_str(), one.role)),
        Some(("Luxemburg", Role::Guest))
    );
    let renamed = json!({ "message": "display_name_changed", "target": "0c", "issued_by": OTHER, "old_name": "", "new_name": "R." });
    assert_eq!(stage.told("moderation", &renamed), [Told::People]);
    let promoted =
        json!({ "message": "role_updated", "participant_id": "0c", "new_role": "moderator", "issued_by": OTHER });
    assert_eq!(stage.told("moderation", &promoted), [Told::People]);
    assert_eq!(
        stage.session.people().get("0c").map(|one| (one.name.reveal().as_str(), one.role)),
        Some(("R.", Role::Moderator))
    );
    // Another device of the room's own is nobody else.
    let mut own = came("c8");
    own["participant_id"] = OWN.into();
    assert!(stage.told("core", &own).is_empty());
    // Who waits is told to moderators.
    let waits = json!({ "message": "joined_waiting_room", "participant_id": "0d", "connection_ids": ["c5"], "display_name": "Clara" });
    assert_eq!(stage.told("core", &waits), [Told::People]);
    assert!(stage.session.people().get("0d").is_some_and(|one| one.waits));
    assert_eq!(
        stage.told("core", &json!({ "message": "left_waiting_room", "id": "0d", "connection_ids": ["c5"] })),
        [Told::People]
    );
    assert!(stage.session.people().get("0d").is_none());
}

#[test]
fn who_has_left_before_is_not_there() {
    let mut join = join();
    join["participants"][0]["connections"] = json!([]);
    let mut stage = Stage::new();
    stage.hear("core", &join);
    assert_eq!(stage.session.people().iter().count(), 0);
}

#[test]
fn a_hand_is_what_the_server_says() {
    let mut stage = Stage::joined();
    let out = stage.step(Event::Hand(true));
    assert_eq!(sent(&out), one("raise_hands", json!({ "action": "raise_hand" })));
    assert_eq!(out.len(), 1, "nothing is told before the server has it");
    assert_eq!(stage.told("raise_hands", &json!({ "message": "hand_raised", "participant": OWN })), [Told::Hand(true)]);
    let refused = json!({ "message": "error", "error": "raise_hands_disabled" });
    assert_eq!(stage.told("raise_hands", &refused), [Told::Hand(true)], "as it is");
    assert!(stage.step(Event::Hand(true)).is_empty(), "it is up");
    let reset =
        json!({ "message": "raised_hand_reset_by_moderator", "issued_by": OTHER, "participants": [OWN, OTHER] });
    assert_eq!(stage.told("raise_hands", &reset), [Told::Hand(false), Told::People]);
    assert_eq!(stage.told("raise_hands", &json!({ "message": "hand_raised", "participant": OTHER })), [Told::People]);
    stage.hear("raise_hands", &json!({ "message": "hand_raised", "participant": OWN }));
    assert_eq!(
        stage.told("raise_hands", &json!({ "message": "raise_hands_disabled", "issued_by": OTHER })),
        [Told::Hand(false), Told::People]
    );
    stage.hear("raise_hands", &json!({ "message": "hand_raised", "participant": OWN }));
    assert_eq!(sent(&stage.step(Event::Hand(false))), one("raise_hands", json!({ "action": "lower_hand" })));
    assert_eq!(
        stage.told("raise_hands", &json!({ "message": "hand_lowered", "participant": OWN })),
        [Told::Hand(false)]
    );
}

#[test]
fn lines_are_told_on_and_the_rooms_own_are_not() {
    let mut stage = Stage::joined();
    let line = |source: &str, scope: &str| json!({ "message": "message_sent", "id": "m", "source": source, "content": "Guten\u{1b} Tag", "scope": scope, "target": OWN });
    let told = |private| Told::Line { who: OTHER.to_owned(), name: text("Rosa"), text: text("Guten Tag"), private };
    assert_eq!(stage.told("chat", &line(OTHER, "global")), [told(false)]);
    assert_eq!(stage.told("chat", &line(OTHER, "private")), [told(true)]);
    assert!(stage.told("chat", &line(OWN, "global")).is_empty());
    let gone = Told::Line { who: "0f".to_owned(), name: text(""), text: text("Guten Tag"), private: false };
    assert_eq!(stage.told("chat", &line("0f", "global")), [gone]);
    let out = stage.step(Event::Say(text("Hallo")));
    assert_eq!(sent(&out), one("chat", json!({ "action": "send_message", "scope": "global", "content": "Hallo" })));
    assert_eq!(stage.told("chat", &json!({ "message": "error", "error": "chat_disabled" })), [Told::NotSaid]);
    assert!(stage.step(Event::Say(text(" \u{1}"))).is_empty());
    let out = stage.step(Event::Say(text(&"x".repeat(9000))));
    assert_eq!(sent(&out)[0].1["content"].as_str().map(str::len), Some(4000));
}

#[test]
fn p2_a_mute_is_told_and_nothing_unmutes() {
    let mut stage = Stage::joined();
    assert_eq!(stage.told("moderation", &json!({ "message": "muted", "moderator": OTHER })), [Told::Mute]);
    let only = |who: &[&str]| json!({ "message": "microphone_restrictions_enabled", "unrestricted_participants": who });
    assert_eq!(stage.told("moderation", &only(&[OTHER])), [Told::MayNotSpeak(true)]);
    assert!(stage.told("moderation", &only(&[])).is_empty(), "told before");
    assert_eq!(stage.told("moderation", &only(&[OWN])), [Told::MayNotSpeak(false)]);
    // What cannot be read allows nothing.
    let strange = json!({ "message": "microphone_restrictions_enabled", "unrestricted_participants": 7 });
    assert_eq!(stage.told("moderation", &strange), [Told::MayNotSpeak(true)]);
    assert_eq!(
        stage.told("moderation", &json!({ "message": "microphone_restrictions_disabled" })),
        [Told::MayNotSpeak(false)]
    );
    let mut restricted = join();
    restricted["module_data"]["livekit"]["microphone_restriction_state"] =
        json!({ "type": "enabled", "unrestricted_participants": [OTHER] });
    let told = Stage::new().told("core", &restricted);
    assert!(told.contains(&Told::MayNotSpeak(true)), "{told:?}");
}

#[test]
fn a_token_is_renewed_and_one_request_is_enough() {
    let mut stage = Stage::joined();
    let out = stage.step(Event::Renew);
    assert_eq!(sent(&out), one("livekit", json!({ "action": "create_new_access_token" })));
    assert!(stage.step(Event::Renew).is_empty());
    let credentials =
        json!({ "message": "credentials", "room": "r:main", "token": "t2", "public_url": "https://livekit.example" });
    assert_eq!(stage.told("livekit", &credentials), [media("t2")]);
    assert_eq!(stage.session.deadline(), None);
    stage.step(Event::Renew);
    stage.now = stage.session.deadline().expect("a deadline");
    assert_eq!(stage.step(Event::Tick), [Action::Tell(Told::MediaMissing)]);
    stage.step(Event::Renew);
    assert_eq!(
        stage.told("livekit", &json!({ "message": "error", "error": "livekit_unavailable" })),
        [Told::MediaMissing]
    );
    assert_eq!(
        stage.told("error", &json!({ "error": "fatal_module_error", "namespace": "livekit" })),
        [Told::MediaMissing]
    );
    assert!(stage.told("error", &json!({ "error": "fatal_module_error", "namespace": "polls" })).is_empty());
    let switched = json!({ "message": "switched_room", "own_data": { "livekit": livekit() }, "old_room": "main", "new_room": "b" });
    assert_eq!(stage.told("breakout", &switched), [media("t1")]);
}

#[test]
fn a_meeting_without_livekit_stands() {
    let mut join = join();
    join["module_data"] = json!({});
    let mut stage = Stage::new();
    assert_eq!(stage.told("core", &join), [Told::Joined, Told::People, Told::MediaMissing]);
    assert!(stage.session.is_in());
}

#[test]
fn who_is_sent_to_the_waiting_room_starts_again() {
    let mut stage = Stage::joined();
    stage.hear("raise_hands", &json!({ "message": "hand_raised", "participant": OWN }));
    stage.hear("recording", &json!({ "message": "recording_updated", "status": "active" }));
    assert!(stage.session.records());
    let told = stage.told("moderation", &json!({ "message": "sent_to_waiting_room" }));
    assert_eq!(told, [Told::Asks(None), Told::Records(false), Told::Waits]);
    assert!(!stage.session.is_in() && stage.session.people().iter().count() == 0);
    for event in [Event::Say(text("x")), Event::Hand(false), Event::Consent(true), Event::Renew] {
        assert!(stage.step(event).is_empty());
    }
    let out = stage.hear("moderation", &json!({ "message": "accepted" }));
    assert_eq!(sent(&out), one("core", json!({ "action": "enter_room" })));
    assert_eq!(stage.told("core", &join()), [Told::Joined, Told::People, media("t1")]);
}

#[test]
fn p6_nobody_is_recorded_who_was_not_asked_and_agreed() {
    const RECORDING: Wants = Wants { recording: true, stream: false };
    let status = |status: &str| json!({ "message": "recording_updated", "status": status });
    let held = |consents: bool| json!({ "message": "consent_updated", "participant": OWN, "consents": consents });
    let set = |consent: bool| one("recording", json!({ "action": "set_consent", "consent": consent }));
    let mut stage = Stage::joined();
    // Before it is asked nobody can agree.
    assert!(stage.step(Event::Consent(true)).is_empty());
    assert_eq!(stage.told("recording", &status("requested")), [Told::Asks(Some(RECORDING))]);
    assert!(!stage.session.records());
    assert_eq!(stage.told("recording", &status("active")), [Told::Records(true)]);
    assert!(stage.session.records() && sent(&stage.out).is_empty(), "silence is no");
    assert!(stage.told("recording", &status("paused")).is_empty());
    assert_eq!(sent(&stage.step(Event::Consent(true))), set(true));
    assert!(stage.told("recording", &held(true)).is_empty());
    // It can be taken back at any time.
    assert_eq!(sent(&stage.step(Event::Consent(false))), set(false));
    assert!(stage.step(Event::Consent(true)).is_empty(), "nobody asks any more");
    // Somebody else says yes for the room.
    let out = stage.hear("recording", &held(true));
    assert_eq!(sent(&out), set(false));
    assert_eq!(stage.told("recording", &status("inactive")), [Told::Records(false)]);

    // What was agreed to ends with it.
    stage.hear("recording", &status("active"));
    stage.step(Event::Consent(true));
    let out = stage.hear("recording", &status("inactive"));
    assert_eq!(sent(&out), set(false));
    // A stream is more than a recording: it is asked anew, and until then the answer is no.
    stage.hear("recording", &status("active"));
    stage.step(Event::Consent(true));
    let stream = |status: &str| json!({ "message": "stream_updated", "target_id": "s1", "status": status });
    let out = stage.hear("recording", &stream("requested"));
    assert_eq!(sent(&out), set(false));
    assert_eq!(out.last(), Some(&Action::Tell(Told::Asks(Some(Wants { recording: true, stream: true })))));
    assert_eq!(stage.told("recording", &status("inactive")), [Told::Records(false)]);
    assert_eq!(stage.told("recording", &stream("error")), [Told::Asks(None)]);
    assert!(stage.told("recording", &stream("in_use")).is_empty(), "another room's");
}

#[test]
fn p6_a_recording_that_runs_already_is_asked_about_and_an_old_yes_is_taken_back() {
    let mut join = join();
    join["module_data"]["recording"] = json!({ "consents_recording": true, "recording_state": { "status": "active" },
        "stream_states": { "s1": { "name": "x", "public_url": "https://v.example", "status": "active" } } });
    let mut stage = Stage::new();
    let out = stage.hear("core", &join);
    assert_eq!(sent(&out), one("recording", json!({ "action": "set_consent", "consent": false })));
    let told =
        [Action::Tell(Told::Asks(Some(Wants { recording: true, stream: true }))), Action::Tell(Told::Records(true))];
    assert!(out.ends_with(&told), "{out:?}");
}

#[test]
fn what_is_not_known_changes_nothing() {
    let mut stage = Stage::joined();
    for (namespace, payload) in [
        ("timer", json!({ "message": "started", "started_at": "2026-01-01T00:00:00Z", "kind": "stopwatch" })),
        ("polls", json!({ "message": "started", "id": "p", "topic": "?" })),
        ("core", json!({ "message": "storage_quota_changed", "quota": {} })),
        ("core", json!({ "message": "participant_connected" })),
        ("moderation", json!({ "message": "unmuted" })),
        ("chat", json!({ "message": "message_sent", "source": 4 })),
        ("error", json!({ "error": "slow_down" })),
        ("moon", json!([1, 2])),
        ("core", json!(null)),
        ("livekit", json!({ "message": "popout_stream_access_token", "token": "x" })),
    ] {
        assert!(stage.hear(namespace, &payload).is_empty(), "{namespace} {payload}");
        assert_eq!(stage.session.over(), None);
    }
}

#[test]
fn nothing_grows_without_end() {
    let mut stage = Stage::joined();
    for number in 0..700 {
        stage.hear(
            "core",
            &json!({ "message": "participant_connected", "participant_id": format!("p{number}"), "connection_id": "c",
            "peer_data": { "core": core(&"n".repeat(1000), "user", "guest") } }),
        );
    }
    assert_eq!(stage.session.people().iter().count(), 500);
    assert!(stage.session.people().iter().all(|(_, one)| one.name.reveal().len() <= 100));
    let mut many = join();
    many["participants"] = (0..2000).map(|n| json!({ "id": format!("p{n}"), "connections": [{ "connection_id": "c" }], "module_data": { "core": core("x", "user", "guest") } })).collect();
    let mut stage = Stage::new();
    stage.hear("core", &many);
    assert_eq!(stage.session.people().iter().count(), 500);
    stage.step(Event::Message(text(&" ".repeat(5 << 20))));
    assert_eq!(stage.session.over(), Some(End::Nonsense));
    let mut long = join();
    long["module_data"]["livekit"]["token"] = "x".repeat(9000).into();
    assert!(Stage::new().told("core", &long).contains(&Told::MediaMissing));
}

#[test]
fn p9_names_texts_and_tokens_are_withheld() {
    let mut stage = Stage::joined();
    stage.hear("chat", &json!({ "message": "message_sent", "source": OTHER, "content": "geheim", "scope": "global" }));
    stage.step(Event::Say(text("geheim")));
    let shown = format!("{:?} {:?} {:?}", stage.session, stage.out, Event::Message(text("geheim")));
    for secret in ["Rosa", "Saal", "geheim", "t1", "livekit.example"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
