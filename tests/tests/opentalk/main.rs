//! The room's session with OpenTalk's own room server. With `SUBROSA_RECORD=1` the conversations become the recordings of
//! `tests/recordings/opentalk/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod room;
mod visitor;

use serde_json::json;
use subrosa_messages::Pii;
use subrosa_room::signalling::opentalk::{Blocked, End, Event, Role, Told, Wants};
use subrosa_tests::needs;
use subrosa_tests::opentalk::{Room, Server, Services, Who};
use subrosa_tests::stage::{Need, Stage};

use visitor::Visitor;

fn open(services: &Services) -> Room {
    Room { livekit: Some(services.livekit()), ..Room::open() }
}

#[test]
fn a_guest_joins_talks_raises_a_hand_and_leaves() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let (server, services) = (Server::start(), Services::listen());
    let room = open(&services);
    let mut rosa = server.join(&room, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &room, Who::Guest);
    visitor.until("in, with media", |told| matches!(told, Told::Media { .. }));
    let people: Vec<_> =
        visitor.session.people().iter().map(|(_, one)| (one.name.reveal().clone(), one.role)).collect();
    assert_eq!(people, [("Rosa".to_owned(), Role::Moderator)]);
    let identity = visitor.session.identity().expect("an identity");
    let own = identity.reveal().split_once(':').expect("two parts").0.to_owned();

    rosa.act("chat", &json!({ "action": "send_message", "scope": "global", "content": "Guten Tag" }));
    visitor.until("a line", |told| matches!(told, Told::Line { private: false, .. }));
    rosa.act("chat", &json!({ "action": "send_message", "scope": "private", "target": own, "content": "unter uns" }));
    visitor.until(
        "a private line",
        |told| matches!(told, Told::Line { private: true, name, .. } if name.reveal() == "Rosa"),
    );
    visitor.act("say", Event::Say(Pii::new("Hallo".to_owned())));
    while rosa.wait_for("chat", "message_sent")["content"] != "Hallo" {}

    visitor.act("raise", Event::Hand(true));
    visitor.until("the own hand", |told| *told == Told::Hand(true));
    rosa.act("raise_hands", &json!({ "action": "reset_raised_hands" }));
    visitor.until("the hand is reset", |told| *told == Told::Hand(false));
    rosa.act("raise_hands", &json!({ "action": "raise_hand" }));
    visitor.until("another hand", |told| *told == Told::People);
    assert!(visitor.session.people().iter().all(|(_, one)| one.hand));
    visitor.act("raise", Event::Hand(true));
    visitor.until("the own hand", |told| *told == Told::Hand(true));
    visitor.act("lower", Event::Hand(false));
    visitor.until("lowered", |told| *told == Told::Hand(false));

    let mut karl = server.join(&room, Who::Guest, "Karl");
    visitor.until("somebody comes", |told| *told == Told::People);
    assert!(visitor.session.people().iter().any(|(_, one)| one.role == Role::Guest && one.name.reveal() == "Karl"));
    karl.close();
    visitor.until("and goes", |told| *told == Told::People);
    assert_eq!(visitor.session.people().iter().count(), 1);

    visitor.act("renew", Event::Renew);
    visitor.until("another token", |told| matches!(told, Told::Media { .. }));
    visitor.act("leave", Event::Leave);
    assert_eq!(visitor.session.over(), Some(End::Left));
    rosa.wait_for("core", "participant_disconnected");
    visitor.transcript.keep("join-chat-hand-leave");
}

#[test]
fn a_guest_waits_is_let_in_sent_back_and_let_in_again() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let (server, services) = (Server::start(), Services::listen());
    let room = Room { waiting_room: "for_guests", ..open(&services) };
    let mut rosa = server.join(&room, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &room, Who::Guest);
    visitor.until("waits", |told| *told == Told::Waits);
    assert!(!visitor.session.is_in());
    let waiting = rosa.wait_for("core", "joined_waiting_room");
    let own = waiting["participant_id"].clone();
    rosa.act("moderation", &json!({ "action": "accept", "target": own }));
    visitor.until("in", |told| *told == Told::Joined);
    rosa.act("moderation", &json!({ "action": "send_to_waiting_room", "target": own }));
    visitor.until("waits again", |told| *told == Told::Waits);
    assert_eq!(visitor.session.people().iter().count(), 0);
    rosa.act("moderation", &json!({ "action": "accept", "target": own }));
    visitor.until("in again", |told| *told == Told::Joined);
    visitor.until("with media", |told| matches!(told, Told::Media { .. }));
    visitor.transcript.keep("waiting-room");
}

#[test]
fn a_guest_is_sent_away() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let (server, services) = (Server::start(), Services::listen());
    for (name, action, end) in [("kick", "kick", End::Kicked), ("debrief", "debrief", End::Ended)] {
        let room = open(&services);
        let mut rosa = server.join(&room, Who::Owner, "Rosa");
        rosa.wait_for("core", "join_success");
        let mut visitor = Visitor::join(&server, &room, Who::Guest);
        visitor.until("in", |told| *told == Told::Joined);
        let own = rosa.wait_for("core", "participant_connected")["participant_id"].clone();
        rosa.act("moderation", &json!({ "action": action, "target": own, "kick_scope": "guests" }));
        visitor.until("sent away", |told| *told == Told::Over(end));
        visitor.transcript.keep(name);
    }
    // Guests cannot be banned: they would come again as somebody else.
    let room = open(&services);
    let mut rosa = server.join(&room, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &room, Who::User);
    visitor.until("in", |told| *told == Told::Joined);
    let own = rosa.wait_for("core", "participant_connected")["participant_id"].clone();
    rosa.act("moderation", &json!({ "action": "ban", "target": own }));
    visitor.until("banned", |told| *told == Told::Over(End::Banned));
    visitor.transcript.keep("ban");
}

#[test]
fn p6_a_recording_asks_and_silence_is_no() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let (server, services) = (Server::start(), Services::listen());
    let room = Room { recorder: Some(services.recorder()), ..open(&services) };
    let mut rosa = server.join(&room, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &room, Who::Guest);
    visitor.until("in", |told| *told == Told::Joined);
    rosa.act("recording", &json!({ "action": "start_recording" }));
    let recording = Wants { recording: true, stream: false };
    visitor.until("it is asked", |told| *told == Told::Asks(Some(recording)));
    assert!(!visitor.session.records());
    let mut recorder = server.join(&room, Who::Recorder, "");
    recorder.wait_for("core", "join_success");
    let status =
        |status: &str| json!({ "action": "service", "command": { "kind": "recording_updated", "status": status } });
    recorder.act("recording", &status("active"));
    visitor.until("it runs", |told| *told == Told::Records(true));
    assert!(!visitor.said().contains("consent"), "silence is no");

    visitor.act("agree", Event::Consent(true));
    while rosa.wait_for("recording", "consent_updated")["consents"] != true {}
    let stream = json!({ "action": "start_stream", "target_ids": ["00000000-0000-4000-a000-000000000001"] });
    rosa.act("recording", &stream);
    let command = json!({ "action": "service", "command": { "kind": "stream_updated",
        "target_id": "00000000-0000-4000-a000-000000000001", "status": "active" } });
    recorder.act("recording", &command);
    // Who agreed to a recording has not agreed to a stream.
    visitor.until("asked anew", |told| *told == Told::Asks(Some(Wants { recording: true, stream: true })));
    while rosa.wait_for("recording", "consent_updated")["consents"] != false {}
    visitor.act("refuse", Event::Consent(false));
    recorder.act("recording", &status("inactive"));
    recorder.close();
    visitor.until("it is over", |told| *told == Told::Records(false));
    visitor.transcript.keep("recording-consent");

    // One who comes while it runs is asked too.
    let mut recorder = server.join(&room, Who::Recorder, "");
    recorder.wait_for("core", "join_success");
    rosa.act("recording", &json!({ "action": "start_recording" }));
    recorder.wait_for("recording", "service");
    recorder.act("recording", &status("active"));
    visitor.until("it runs again", |told| *told == Told::Records(true));
    let mut late = Visitor::join(&server, &room, Who::Guest);
    late.until("asked", |told| *told == Told::Asks(Some(recording)));
    late.until("told", |told| *told == Told::Records(true));
    assert!(late.session.people().iter().any(|(_, one)| one.role == Role::Recorder), "what records is no person");
    late.transcript.keep("recording-runs-already");
}

#[test]
fn p2_a_moderator_mutes_and_restricts() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let (server, services) = (Server::start(), Services::listen());
    let room = open(&services);
    let mut rosa = server.join(&room, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &room, Who::Guest);
    visitor.until("in", |told| *told == Told::Joined);
    let own = rosa.wait_for("core", "participant_connected")["participant_id"].clone();
    rosa.act("moderation", &json!({ "action": "mute", "participants": [own] }));
    visitor.until("muted", |told| *told == Told::Mute);
    assert!(services.asked().iter().any(|path| path.ends_with("/MutePublishedTrack")), "{:?}", services.asked());
    let restrict = |who: &serde_json::Value| json!({ "action": "enable_microphone_restrictions", "unrestricted_participants": who });
    rosa.act("moderation", &restrict(&json!([])));
    visitor.until("may not speak", |told| *told == Told::MayNotSpeak(true));
    rosa.act("moderation", &restrict(&json!([own])));
    visitor.until("may speak", |told| *told == Told::MayNotSpeak(false));
    rosa.act("moderation", &restrict(&json!([])));
    visitor.until("may not speak", |told| *told == Told::MayNotSpeak(true));
    rosa.act("moderation", &json!({ "action": "disable_microphone_restrictions" }));
    visitor.until("may speak", |told| *told == Told::MayNotSpeak(false));
    visitor.transcript.keep("mute");
}

#[test]
fn what_is_switched_off_is_refused() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let server = Server::start();
    let room = Room::open();
    let mut rosa = server.join(&room, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &room, Who::Guest);
    visitor.until("in", |told| *told == Told::Joined);
    visitor.act("raise", Event::Hand(true));
    visitor.until("raised", |told| *told == Told::Hand(true));
    rosa.act("raise_hands", &json!({ "action": "disable_raise_hands" }));
    visitor.until("lowered", |told| *told == Told::Hand(false));
    visitor.act("raise", Event::Hand(true));
    visitor.until("still lowered", |told| *told == Told::Hand(false));
    rosa.act("chat", &json!({ "action": "disable_chat" }));
    rosa.wait_for("chat", "chat_disabled");
    visitor.act("say", Event::Say(Pii::new("Hallo".to_owned())));
    visitor.until("not said", |told| *told == Told::NotSaid);
    visitor.transcript.keep("switched-off");
}

#[test]
fn a_room_can_be_full_encrypted_or_without_livekit() {
    needs!(Need::OpenTalk);
    let _stage = Stage::take();
    let server = Server::start();
    let full = Room { places: Some(1), ..Room::open() };
    let mut rosa = server.join(&full, Who::Owner, "Rosa");
    rosa.wait_for("core", "join_success");
    let mut visitor = Visitor::join(&server, &full, Who::Guest);
    visitor.until("full", |told| *told == Told::Over(End::Blocked(Blocked::Full)));
    visitor.transcript.keep("full");

    let encrypted = Room { encrypted: true, ..Room::open() };
    let mut visitor = Visitor::join(&server, &encrypted, Who::Guest);
    visitor.until("encrypted", |told| *told == Told::Over(End::EndToEnd));
    visitor.transcript.keep("end-to-end");

    let mut visitor = Visitor::join(&server, &Room::open(), Who::Guest);
    visitor.until("no media", |told| *told == Told::MediaMissing);
    assert!(visitor.session.is_in());
    server.stop();
    visitor.until("the server goes", |told| *told == Told::Over(End::ServerGone));
    visitor.transcript.keep("server-stops");
}
