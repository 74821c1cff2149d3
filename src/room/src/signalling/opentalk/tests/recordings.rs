//! Every recording of the real room server (`tests/recordings/opentalk/`), played to the session: it says what it said then, and comes
//! to the same end.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::*;

/// One line: a frame that came or was sent, or an act of a person in the room.
#[derive(Deserialize)]
#[serde(tag = "dir", rename_all = "lowercase")]
enum Line {
    In { frame: Value },
    Out { frame: Value },
    Act { act: String },
}

fn recordings() -> BTreeMap<String, Vec<Line>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/opentalk");
    let files = fs::read_dir(folder).expect("recordings").map(|file| file.expect("a file").path());
    let read = |file: &Path| {
        let text = fs::read_to_string(file).expect("a recording");
        text.lines().map(|line| serde_json::from_str(line).expect("a line of a recording")).collect()
    };
    files.map(|file| (file.file_stem().expect("a name").to_string_lossy().into_owned(), read(&file))).collect()
}

fn act(name: &str) -> Event {
    match name {
        "say" => Event::Say(text("Hallo")),
        "raise" => Event::Hand(true),
        "lower" => Event::Hand(false),
        "renew" => Event::Renew,
        "agree" => Event::Consent(true),
        "refuse" => Event::Consent(false),
        "leave" => Event::Leave,
        _ => panic!("an act: {name}"),
    }
}

/// What was told, without what names somebody.
fn play(name: &str, lines: Vec<Line>) -> (Stage, Vec<Told>) {
    let mut stage = Stage::new();
    let mut says = VecDeque::new();
    for line in lines {
        let event = match line {
            Line::In { frame } => Event::Message(Pii::new(frame.to_string())),
            Line::Act { act: name } => act(&name),
            Line::Out { frame } => {
                assert_eq!(says.pop_front().as_ref(), Some(&frame), "{name}");
                continue;
            }
        };
        for action in stage.step(event) {
            if let Action::Send(frame) = action {
                says.push_back(serde_json::from_str(frame.reveal()).expect("JSON"));
            }
        }
    }
    assert!(says.is_empty(), "{name}: {says:?}");
    let told =
        stage.out.iter().filter_map(|action| if let Action::Tell(told) = action { Some(told.clone()) } else { None });
    let told = told.collect();
    (stage, told)
}

#[test]
fn every_recording_comes_to_the_same_end() {
    let recordings = recordings();
    let ends: BTreeMap<String, Option<End>> =
        recordings.into_iter().map(|(name, lines)| (name.clone(), play(&name, lines).0.session.over())).collect();
    let expected = [
        ("ban", Some(End::Banned)),
        ("debrief", Some(End::Ended)),
        ("end-to-end", Some(End::EndToEnd)),
        ("full", Some(End::Blocked(Blocked::Full))),
        ("join-chat-hand-leave", Some(End::Left)),
        ("kick", Some(End::Kicked)),
        ("mute", None),
        ("recording-consent", None),
        ("recording-runs-already", None),
        ("server-stops", Some(End::ServerGone)),
        ("switched-off", None),
        ("waiting-room", None),
    ];
    assert_eq!(ends, expected.map(|(name, end)| (name.to_owned(), end)).into());
}

#[test]
fn what_is_told_of_a_recording_is_what_happened() {
    let recording = Wants { recording: true, stream: false };
    let both = Wants { recording: true, stream: true };
    let mut recordings = recordings();
    for (name, expected) in [
        (
            "mute",
            vec![
                Told::Mute,
                Told::MayNotSpeak(true),
                Told::MayNotSpeak(false),
                Told::MayNotSpeak(true),
                Told::MayNotSpeak(false),
            ],
        ),
        ("waiting-room", vec![Told::Waits, Told::Joined, Told::Waits, Told::Joined]),
        ("recording-runs-already", vec![Told::Joined, Told::Asks(Some(recording)), Told::Records(true)]),
        (
            "recording-consent",
            vec![Told::Asks(Some(recording)), Told::Records(true), Told::Asks(Some(both)), Told::Records(false)],
        ),
        ("join-chat-hand-leave", vec![Told::Hand(true), Told::Hand(false), Told::Hand(true), Told::Hand(false)]),
        ("server-stops", vec![Told::Joined, Told::MediaMissing]),
    ] {
        let (_, told) = play(name, recordings.remove(name).expect(name));
        let kept: Vec<Told> = told.into_iter().filter(|told| expected.contains(told)).collect();
        assert_eq!(kept, expected, "{name}");
    }
}

#[test]
fn the_recorder_is_seen_and_is_no_person() {
    let (stage, _) = play("recording-runs-already", recordings().remove("recording-runs-already").expect("it"));
    let roles: Vec<Role> = stage.session.people().iter().map(|(_, one)| one.role).collect();
    assert!(roles.contains(&Role::Recorder) && roles.contains(&Role::Moderator), "{roles:?}");
}

#[test]
fn every_token_is_for_the_rooms_own_identity() {
    let mut tokens = 0;
    for (name, lines) in recordings() {
        let mut stage = Stage::new();
        for line in lines {
            let Line::In { frame } = line else { continue };
            for action in stage.step(Event::Message(Pii::new(frame.to_string()))) {
                let Action::Tell(Told::Media { token, .. }) = action else { continue };
                let claims = token.reveal().split('.').nth(1).expect("claims");
                let claims: Value =
                    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("JSON");
                assert_eq!(
                    claims["sub"].as_str(),
                    stage.session.identity().as_ref().map(|own| own.reveal().as_str()),
                    "{name}"
                );
                assert_eq!(
                    (&claims["video"]["roomJoin"], &claims["video"]["canPublishData"]),
                    (&json!(true), &json!(false))
                );
                tokens += 1;
            }
        }
    }
    assert!(tokens > 8, "{tokens}");
}
