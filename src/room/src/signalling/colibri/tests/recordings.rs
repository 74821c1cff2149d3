//! The bridge channels of every recording: all is read, and what we send is what a browser sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;

use super::{endpoint, source};
use crate::signalling::colibri::{Action, Channel, Event, FromBridge, Shown, ToBridge, Wish};
use crate::signalling::jingle::session::Way;
use crate::signalling::jingle::source::{SourceName, VideoType};
use crate::signalling::recording::{self, Direction, Recording};

#[test]
fn every_message_of_every_recording_is_read() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for recording in recording::all() {
        for frame in recording.of("colibri", Direction::In) {
            let message = FromBridge::read(&frame.data).unwrap_or_else(|error| panic!("{}: {error}", recording.name));
            let kind = match message {
                FromBridge::Hello => "hello",
                FromBridge::Forwarded(_) => "forwarded",
                FromBridge::DominantSpeaker { .. } => "speaker",
                FromBridge::SenderConstraint { .. } => "constraint",
                FromBridge::Estimate(_) => "estimate",
                FromBridge::Connectivity { .. } => "connectivity",
                FromBridge::Told { .. } => "told",
                FromBridge::Quality { percent: Some(_), .. } => "quality",
                FromBridge::Map(..) => "map",
                FromBridge::Quality { percent: None, .. } | FromBridge::Other => panic!("{}", frame.data),
            };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let counts = [
        ("connectivity", 12),
        ("constraint", 169),
        ("estimate", 90),
        ("forwarded", 210),
        ("hello", 56),
        ("map", 20),
        ("quality", 114),
        ("speaker", 194),
        ("told", 2),
    ];
    assert_eq!(kinds, BTreeMap::from(counts));
}

/// What a browser sent, as what we could have sent. `None` for what this room never sends:
/// - `EndpointStats`, of which others draw bars, and which tells them about this room's network;
/// - constraints without sources, and an assumed bandwidth: the room always names what it wants, so that recording 11
///   cannot happen to it;
/// - `lastN` other than −1, and a height for whatever is not named: what is not shown is not named, and not wanted.
fn ours(message: &str) -> Option<ToBridge> {
    let value: Value = serde_json::from_str(message).unwrap();
    let word = |key: &str| value.get(key).and_then(Value::as_str);
    match word("colibriClass").unwrap() {
        "ReceiverVideoConstraints" => {
            let named = value.get("constraints").and_then(Value::as_object)?;
            let nothing_else = value.pointer("/defaultConstraints/maxHeight") == Some(&json!(0));
            let all = value.get("lastN") == Some(&json!(-1));
            let whole = value.get("onStageSources").is_some() && nothing_else && all;
            let heights = named.iter().map(|(name, constraint)| {
                let height = constraint.get("maxHeight").and_then(Value::as_u64).unwrap();
                (source(name), u32::try_from(height).unwrap())
            });
            let stage = value.get("onStageSources").and_then(Value::as_array).into_iter().flatten();
            let on_stage = stage.map(|name| source(name.as_str().unwrap())).collect();
            whole.then(|| ToBridge::ReceiverConstraints { heights: heights.collect(), on_stage })
        }
        "SourceVideoTypeMessage" => Some(ToBridge::VideoType {
            source: source(word("sourceName").unwrap()),
            shows: match word("videoType").unwrap() {
                "camera" => Some(VideoType::Camera),
                "desktop" => Some(VideoType::Desktop),
                "none" => None,
                other => panic!("{other}"),
            },
        }),
        "EndpointMessage" => Some(ToBridge::Tell {
            to: endpoint(word("to").unwrap()),
            payload: value.get("msgPayload").cloned().unwrap(),
        }),
        "EndpointStats" => None,
        other => panic!("{other}"),
    }
}

#[test]
fn what_we_write_is_what_a_browser_writes() {
    let mut compared = 0;
    for recording in recording::all() {
        for frame in recording.of("colibri", Direction::Out) {
            if let Some(message) = ours(&frame.data) {
                let mut theirs: Value = serde_json::from_str(&frame.data).unwrap();
                // A browser selects what it has on stage besides; the bridge serves that first as it is.
                if let Some(selected) = theirs.get_mut("selectedSources") {
                    *selected = json!([]);
                }
                let ours: Value = serde_json::from_str(&message.write()).unwrap();
                assert_eq!(ours, theirs, "{}", recording.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

/// The pictures on the screen that make a browser send these constraints.
fn screen(heights: &BTreeMap<SourceName, u32>, on_stage: &[SourceName]) -> Vec<Shown> {
    let shown = heights.iter().map(|(name, height)| Shown {
        source: name.clone(),
        height: *height,
        shows: VideoType::Desktop,
        large: on_stage.contains(name),
    });
    shown.collect()
}

pub fn replay(recording: &Recording) -> (Vec<ToBridge>, Vec<ToBridge>, Vec<Action>) {
    let browser: Vec<(usize, ToBridge)> = recording
        .frames
        .iter()
        .enumerate()
        .filter(|(_, frame)| frame.channel == "colibri" && frame.dir == Direction::Out)
        .filter_map(|(index, frame)| Some((index, ours(&frame.data)?)))
        // What people tell each other, and a screen that the browser shares: this room has one picture.
        .filter(|(_, message)| match message {
            ToBridge::Tell { .. } => false,
            ToBridge::VideoType { source, .. } => source.as_str().ends_with("-v0"),
            ToBridge::ReceiverConstraints { .. } => true,
        })
        .collect();
    let own = browser.iter().find_map(|(_, message)| match message {
        ToBridge::VideoType { source, .. } => source.as_str().strip_suffix("-v0").map(str::to_owned),
        ToBridge::ReceiverConstraints { .. } | ToBridge::Tell { .. } => None,
    });
    let mut channel = Channel::new(endpoint(&own.unwrap_or_else(|| "00000000".into())));
    let start = Instant::now();
    let mut all = Vec::new();
    for (index, frame) in recording.frames.iter().enumerate().filter(|(_, frame)| frame.channel == "colibri") {
        let now = start + Duration::from_millis(frame.t_ms);
        let event = match frame.dir {
            Direction::In => Event::Text(Pii::new(frame.data.clone())),
            Direction::Out => match browser.iter().find(|(sent, _)| *sent == index) {
                Some((_, ToBridge::ReceiverConstraints { heights, on_stage })) => {
                    Event::Shows(screen(heights, on_stage))
                }
                Some((_, ToBridge::VideoType { shows, .. })) => Event::Camera(shows.is_some()),
                Some((_, ToBridge::Tell { .. })) | None => continue,
            },
            Direction::Ev if frame.data.starts_with("connect ") => {
                // Addresses that are not encrypted are taken of this machine only.
                let address = frame.data.trim_start_matches("connect ").replace("ws://", "wss://");
                all.extend(channel.step(now, Event::Reach(Way::WebSocket(vec![Pii::new(address)]))));
                continue;
            }
            Direction::Ev if frame.data.starts_with("datachannel label") => Event::Reach(Way::DataChannel(LinkId(1))),
            Direction::Ev if frame.data.starts_with("open") || frame.data.starts_with("datachannel open") => {
                Event::Opened
            }
            Direction::Ev => Event::Closed { goodbye: frame.data.contains("1001") },
        };
        all.extend(channel.step(now, event));
    }
    let sent = all.iter().filter_map(|action| match action {
        Action::Send(text) => ours(text.reveal()),
        _ => None,
    });
    (sent.collect(), browser.into_iter().map(|(_, message)| message).collect(), all)
}

#[test]
fn the_machine_sends_what_the_browser_sent() {
    let (mut replayed, mut unwatched) = (0, 0);
    for recording in recording::all() {
        // A native client sent its own short messages, which is what recording 13 to 15 are about.
        if recording.name.ends_with("/N") || recording.of("colibri", Direction::Out).next().is_none() {
            continue;
        }
        let (ours, theirs, actions) = replay(&recording);
        // Differences on purpose: the room says what it shows whenever the channel opens, also when that is nothing yet,
        // and never says the same constraints twice on one channel; the browser does the one and not the other.
        let constraints = |messages: &[ToBridge]| {
            let mut list: Vec<ToBridge> = messages
                .iter()
                .filter(
                    |message| matches!(message, ToBridge::ReceiverConstraints { heights, .. } if !heights.is_empty()),
                )
                .cloned()
                .collect();
            list.dedup();
            list
        };
        assert_eq!(constraints(&ours), constraints(&theirs), "{}", recording.name);
        let last = |messages: &[ToBridge]| {
            messages.iter().rfind(|message| matches!(message, ToBridge::VideoType { .. })).cloned()
        };
        assert_eq!(last(&ours), last(&theirs), "{}", recording.name);
        assert!(ours.len() <= theirs.len() + 4, "{}: {} and {}", recording.name, ours.len(), theirs.len());
        unwatched += usize::from(actions.contains(&Action::Picture(Wish::Nothing)));
        replayed += 1;
    }
    // The bridge's first word is nearly always that nobody watches.
    assert!(unwatched >= 40, "{unwatched}");
    assert!(replayed >= 40, "{replayed}");
}
