//! Every recording of a real server, played to the session. What the server says to a client's own tracks, offers and lines is told in the
//! session's own names: they were made by another client.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::*;

#[derive(Deserialize)]
struct Line {
    who: Option<String>,
    conn: Option<u64>,
    dir: Option<String>,
    msg: Option<Value>,
    label: Option<String>,
}

/// One client in one recording: what the server said on each of its connections, one after the other.
struct Client {
    name: String,
    connections: BTreeMap<u64, Vec<SignalResponse>>,
}

fn clients() -> Vec<Client> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/livekit");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("recordings").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let mut clients: BTreeMap<String, Client> = BTreeMap::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a recording");
        for line in text.lines() {
            let line: Line = serde_json::from_str(line).expect("a line of a recording");
            let (Some(who), Some(connection), Some("s2c"), Some(message), None) =
                (line.who, line.conn, line.dir.as_deref(), line.msg, line.label)
            else {
                continue;
            };
            let message = serde_json::from_value(message).expect("a message of the server");
            let name = format!("{}/{who}", file.file_stem().expect("a name").to_string_lossy());
            let client = clients.entry(name.clone()).or_insert(Client { name, connections: BTreeMap::new() });
            client.connections.entry(connection).or_default().push(message);
        }
    }
    clients.into_values().collect()
}

/// What one client's recording came to.
#[derive(Default)]
struct Played {
    stage: Option<Stage>,
    slots: BTreeSet<String>,
    /// What the server said while the session went on.
    said: Vec<Said>,
    joined: usize,
    resumed: usize,
}

fn play(client: &Client) -> Played {
    play_on(Stage::new(), client)
}

fn play_on(mut stage: Stage, client: &Client) -> Played {
    stage.step(Event::MediaReady { h264: true });
    stage.step(Event::Sends(BOTH));
    let mut played = Played::default();
    for messages in client.connections.values() {
        if stage.session.over().is_some() {
            break;
        }
        stage.step(Event::Closed);
        stage.now = stage.session.deadline().expect("it begins, or begins again");
        stage.step(Event::Tick);
        stage.step(Event::Opened);
        for message in messages {
            let mut message = message.clone();
            translate(&stage, &mut message);
            stage.now += Duration::from_millis(20);
            stage.step(Event::Message(message.encode_to_vec()));
            played.said.extend(message.message);
            if let Some(link) = stage.session.sending() {
                stage.step(Event::Offered { link, sdp: Pii::new(OFFER.to_owned()) });
            }
            if let Some(link) = stage.session.receiving() {
                stage.step(Event::Answered { link, sdp: Pii::new(ANSWER.to_owned()) });
            }
            assert_ne!(stage.session.over(), Some(End::Nonsense), "{}", client.name);
            played.slots.extend(stage.session.slots().map(|(_, track)| track.to_owned()));
        }
    }
    let count = |wanted: &Told| told(&stage.out).iter().filter(|told| **told == wanted).count();
    (played.joined, played.resumed) = (count(&Told::Joined), count(&Told::Resumed));
    played.stage = Some(stage);
    played
}

fn translate(stage: &Stage, message: &mut SignalResponse) {
    match &mut message.message {
        Some(Said::TrackPublished(published)) => {
            let is_camera = published.track.as_ref().is_some_and(|track| track.source() == TrackSource::Camera);
            published.cid = if is_camera { "cid-video" } else { "cid-audio" }.to_owned();
        }
        Some(Said::Answer(answer)) => {
            answer.id = offers(&stage.out).last().copied().unwrap_or_default();
            let mut used = (0, 0);
            let named = std::mem::take(&mut answer.mid_to_track_id).into_iter().collect::<BTreeMap<_, _>>();
            for track in named.into_values() {
                let is_picture = track.starts_with("TR_V");
                let number = if is_picture { &mut used.0 } else { &mut used.1 };
                let mid = format!("slot-{number}-{}", if is_picture { "video" } else { "audio" });
                *number += 1;
                answer.mid_to_track_id.insert(mid, track);
            }
        }
        _ => {}
    }
}

#[test]
fn every_client_of_every_recording_gets_in_and_stays_as_long_as_the_server_lets_it() {
    let clients = clients();
    assert!(clients.len() > 40, "{}", clients.len());
    for client in &clients {
        let played = play(client);
        let stage = played.stage.expect("played");
        let joins = played.said.iter().filter(|said| matches!(said, Said::Join(_))).count();
        let is_end = |said: &Said| matches!(said, Said::Leave(leave) if leave.action() == LeaveAction::Disconnect);
        let leaves = played.said.iter().any(is_end);
        assert_eq!(played.joined, joins, "{}", client.name);
        assert_eq!(stage.session.over().is_some(), leaves, "{}: {:?}", client.name, stage.session.over());
        // What the server wanted of the client's own tracks never opened anything: it was told what is so.
        let opened =
            asked(&stage.out).iter().any(|ask| matches!(ask, Ask::Mute(MuteTrackRequest { muted: false, .. })));
        assert!(!opened, "{}", client.name);
    }
}

#[test]
fn on_one_connection_others_come_on_slots() {
    let clients = clients();
    for name in ["own-webrtcbin-v1/box", "v1-join-publish-mute-data-leave/bob", "v1-resume-after-ws-cut/bob"] {
        let client = clients.iter().find(|client| client.name == name).expect(name);
        let played = play(client);
        let kinds: BTreeSet<&str> = played.slots.iter().filter_map(|track| track.get(..4)).collect();
        assert_eq!(kinds, BTreeSet::from(["TR_A", "TR_V"]), "{name}");
        let stage = played.stage.expect("played");
        assert!(subscriptions(&stage.out).iter().any(|(subscribe, _)| *subscribe), "{name} hears somebody");
    }
    let cut = clients.iter().find(|client| client.name == "v1-resume-after-ws-cut/alice").expect("a cut");
    let played = play(cut);
    assert_eq!((played.joined, played.resumed), (1, 1), "resumed as who it was");
}

#[test]
fn on_two_connections_every_offer_is_answered_and_others_come_on_the_lines_that_it_names() {
    let clients = clients();
    let old = clients.iter().filter(|client| client.name.contains("v0-") && client.connections.len() == 1);
    let (mut offers, mut answers, mut heard) = (0, 0, 0);
    for client in old {
        let played = play_on(Stage::on_an_old_server(), client);
        let stage = played.stage.expect("played");
        offers += played.said.iter().filter(|said| matches!(said, Said::Offer(_))).count();
        answers += asked(&stage.out).iter().filter(|ask| matches!(ask, Ask::Answer(_))).count();
        heard += usize::from(played.slots.iter().any(|track| track.starts_with("TR_V")));
    }
    assert!(heard > 15 && offers > 80, "{heard} see somebody, {offers} offers");
    assert_eq!(answers, offers);
}

#[test]
fn of_a_meeting_with_end_to_end_encryption_nothing_is_asked() {
    let clients = clients();
    let encrypted: Vec<&Client> = clients.iter().filter(|client| client.name.contains("e2ee")).collect();
    assert!(!encrypted.is_empty());
    for client in encrypted {
        let stage = play(client).stage.expect("played");
        assert!(subscriptions(&stage.out).is_empty(), "{}", client.name);
    }
}

#[test]
fn a_remote_unmute_and_every_reason_to_go_are_in_recordings() {
    let ends: BTreeSet<String> = clients()
        .iter()
        .filter_map(|client| play(client).stage?.session.over())
        .map(|end| format!("{end:?}"))
        .collect();
    for end in ["Removed", "RoomDeleted", "Twice"] {
        assert!(ends.contains(end), "{ends:?}");
    }
}
