//! The bridge channels of every recording: all is read, and what we send is what a browser sent.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;

use super::*;
use crate::signalling::jingle::session::Way;
use crate::signalling::jingle::source::{EndpointId, SourceName, VideoType};
use crate::signalling::recording::{self, Direction, Recording};

fn endpoint(id: &str) -> EndpointId {
    EndpointId::read(id).unwrap()
}

fn source(name: &str) -> SourceName {
    SourceName::read(name).unwrap()
}

fn shown(name: &str, height: u32, large: bool) -> Shown {
    Shown { source: source(name), height, shows: VideoType::Camera, large }
}

fn text(value: &Value) -> Event {
    Event::Text(Pii::new(value.to_string()))
}

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

fn replay(recording: &Recording) -> (Vec<ToBridge>, Vec<ToBridge>, Vec<Action>) {
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

#[test]
fn the_first_constraints_are_never_the_bridges_defaults() {
    let mut channel = Channel::new(endpoint("aaaaaaaa"));
    let now = Instant::now();
    channel.step(now, Event::Reach(Way::DataChannel(LinkId(1))));
    let actions = channel.step(now, Event::Opened);
    let sent: Vec<Value> = actions
        .iter()
        .map(|action| match action {
            Action::Send(text) => serde_json::from_str(text.reveal()).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sent[1].pointer("/defaultConstraints/maxHeight"), Some(&json!(0)));
    assert!(sent[1].get("constraints").is_some_and(Value::is_object));
    // The browser of recording 11 saw no picture until it sent something else.
    let (ours, _, _) = replay(&recording::read("11-first-constraints-equal-defaults/A"));
    assert!(matches!(&ours[1], ToBridge::ReceiverConstraints { .. }));
}

#[test]
fn what_is_shown_is_asked_for_and_nothing_else() {
    let (mut channel, now) = (Channel::new(endpoint("aaaaaaaa")), Instant::now());
    assert_eq!(
        channel.step(now, Event::Shows(vec![shown("b-v0", 700, true)])),
        [Action::Missing(vec![source("b-v0")])]
    );
    channel.step(now, Event::Reach(Way::DataChannel(LinkId(1))));
    channel.step(now, Event::Opened);
    let ask = |actions: &[Action]| -> Option<Value> {
        actions.iter().find_map(|action| match action {
            Action::Send(text) => serde_json::from_str(text.reveal()).ok(),
            _ => None,
        })
    };
    let screen = vec![shown("b-v0", 1080, true), shown("c-v0", 200, false)];
    let sent = ask(&channel.step(now, Event::Shows(screen.clone()))).unwrap();
    assert_eq!(sent.get("constraints"), Some(&json!({ "b-v0": { "maxHeight": 1080 }, "c-v0": { "maxHeight": 180 } })));
    assert_eq!(sent.get("onStageSources"), Some(&json!(["b-v0"])));
    // The same again is not said again, not even with other pixels that come to the same.
    assert_eq!(ask(&channel.step(now, Event::Shows(screen))), None);
    let sent = channel.step(now, text(&json!({ "colibriClass": "ForwardedSources", "forwardedSources": ["c-v0"] })));
    assert_eq!(sent, [Action::Missing(vec![source("b-v0")])]);
    assert!(ask(&channel.step(now, Event::Shows(Vec::new()))).is_some());
}

#[test]
fn heights_go_in_steps_and_shared_screens_stay_readable() {
    let asked = |pixels, shows| height(&Shown { source: source("b-v0"), height: pixels, shows, large: false });
    let camera: Vec<u32> =
        [1, 180, 216, 217, 432, 433, 720, 864, 1080, 1297, 9999, u32::MAX].map(|h| asked(h, VideoType::Camera)).into();
    assert_eq!(camera, [180, 180, 180, 360, 360, 720, 720, 720, 1080, 2160, 2160, 2160]);
    let desktop: Vec<u32> = [180, 181, 720, 721, 1080, 1081].map(|h| asked(h, VideoType::Desktop)).into();
    assert_eq!(desktop, [180, 360, 720, 1080, 1080, 2160]);
}

#[test]
fn nobody_watches_is_a_wish_of_the_bridge_and_only_about_our_picture() {
    let (mut channel, now) = (Channel::new(endpoint("aaaaaaaa")), Instant::now());
    channel.step(now, Event::Reach(Way::DataChannel(LinkId(1))));
    channel.step(now, Event::Opened);
    let mut wish = |name: &str, height: Value| {
        channel.step(
            now,
            text(&json!({ "colibriClass": "SenderSourceConstraints", "sourceName": name, "maxHeight": height })),
        )
    };
    assert_eq!(wish("aaaaaaaa-v0", json!(0)), [Action::Picture(Wish::Nothing)]);
    assert_eq!(wish("aaaaaaaa-v0", json!(0)), []);
    assert_eq!(wish("aaaaaaaa-v0", json!("360")), [Action::Picture(Wish::Height(360))]);
    assert_eq!(wish("aaaaaaaa-v0", json!(-1)), [Action::Picture(Wish::Whole)]);
    assert_eq!(wish("bbbbbbbb-v0", json!(0)), []);
    assert_eq!(wish("aaaaaaaa-v0", json!(1.5)), []);
}

#[test]
fn p5_a_web_socket_is_encrypted_or_of_this_machine() {
    let reach = |addresses: &[&str]| {
        let addresses = addresses.iter().map(|address| Pii::new((*address).to_owned())).collect();
        Channel::new(endpoint("aaaaaaaa")).step(Instant::now(), Event::Reach(Way::WebSocket(addresses)))
    };
    let connect = |address: &str| vec![Action::Connect(Pii::new(address.to_owned()))];
    let good = "wss://bridge.example.org/colibri-ws/b/1/aaaaaaaa?pwd=x";
    assert_eq!(reach(&[good]), connect(good));
    assert_eq!(reach(&["ws://127.0.0.1:9090/x"]), connect("ws://127.0.0.1:9090/x"));
    assert_eq!(reach(&["ws://bridge.example.org/x", good]), connect(good));
    for bad in [
        "ws://bridge.example.org/x",
        "ws://127.0.0.1.example.org/",
        "wss://",
        "wss:///x",
        "wss://a@b/",
        "http://127.0.0.1/",
        "ws://127.0.0.1:1@b/",
        "",
    ] {
        assert_eq!(reach(&[bad]), [Action::NoChannel], "{bad}");
    }
    assert_eq!(reach(&[]), [Action::NoChannel]);
}

#[test]
fn a_ping_is_answered_to_whoever_the_bridge_says_it_is_from() {
    let (mut channel, now) = (Channel::new(endpoint("aaaaaaaa")), Instant::now());
    channel.step(now, Event::Reach(Way::DataChannel(LinkId(1))));
    channel.step(now, Event::Opened);
    let ping = |id: Value| json!({ "colibriClass": "EndpointMessage", "from": "b", "to": "aaaaaaaa", "msgPayload": { "type": "e2e-ping-request", "id": id } });
    let sent = channel.step(now, text(&ping(json!(7))));
    let [Action::Send(sent)] = sent.as_slice() else { panic!("{sent:?}") };
    let expected =
        json!({ "colibriClass": "EndpointMessage", "to": "b", "msgPayload": { "type": "e2e-ping-response", "id": 7 } });
    assert_eq!(serde_json::from_str::<Value>(sent.reveal()).unwrap(), expected);
    // An id that is none is handed on, as whatever else people send each other.
    assert!(matches!(channel.step(now, text(&ping(json!({})))).as_slice(), [Action::Told(..)]));
    assert!(matches!(channel.step(now, text(&ping(json!("x".repeat(65))))).as_slice(), [Action::Told(..)]));
}

fn situations(now: Instant) -> Vec<(&'static str, Channel)> {
    let web = || {
        Event::Reach(Way::WebSocket(vec![Pii::new("wss://a.example/1".into()), Pii::new("wss://b.example/2".into())]))
    };
    let data = || Event::Reach(Way::DataChannel(LinkId(1)));
    let play = |events: Vec<Event>| {
        let mut channel = Channel::new(endpoint("aaaaaaaa"));
        for event in events {
            channel.step(now, event);
        }
        channel
    };
    let closed = || Event::Closed { goodbye: false };
    vec![
        ("none", play(vec![])),
        ("data channel connecting", play(vec![data()])),
        ("data channel open", play(vec![data(), Event::Opened])),
        ("data channel gone", play(vec![data(), Event::Opened, closed()])),
        ("web socket connecting", play(vec![web()])),
        ("web socket open", play(vec![web(), Event::Opened])),
        ("waiting", play(vec![web(), closed()])),
        ("waiting for longer", play(vec![web(), closed(), web(), Event::Opened, closed()])),
        ("waiting after a goodbye", play(vec![web(), Event::Opened, Event::Closed { goodbye: true }])),
    ]
}

fn events() -> Vec<(&'static str, Duration, Event)> {
    let now = |name, event| (name, Duration::ZERO, event);
    let later = |name, seconds| (name, Duration::from_secs(seconds), Event::Tick);
    vec![
        now("data channel", Event::Reach(Way::DataChannel(LinkId(2)))),
        now("web socket", Event::Reach(Way::WebSocket(vec![Pii::new("wss://c.example/3".into())]))),
        now("no way", Event::Reach(Way::None)),
        now("opened", Event::Opened),
        now("closed", Event::Closed { goodbye: false }),
        now("goodbye", Event::Closed { goodbye: true }),
        now("forwarded", text(&json!({ "colibriClass": "ForwardedSources", "forwardedSources": ["b-v0"] }))),
        now(
            "speaker",
            text(&json!({ "colibriClass": "DominantSpeakerEndpointChangeEvent", "dominantSpeakerEndpoint": "b" })),
        ),
        now(
            "wish",
            text(&json!({ "colibriClass": "SenderSourceConstraints", "sourceName": "aaaaaaaa-v0", "maxHeight": 0 })),
        ),
        now("estimate", text(&json!({ "colibriClass": "ConnectionStats", "estimatedDownlinkBandwidth": 1 }))),
        now(
            "connection",
            text(
                &json!({ "colibriClass": "EndpointConnectivityStatusChangeEvent", "endpoint": "b", "active": "false" }),
            ),
        ),
        now("stats", text(&json!({ "colibriClass": "EndpointStats", "from": "b", "connectionQuality": 64.5 }))),
        now("unknown", text(&json!({ "colibriClass": "Novelty" }))),
        now("nonsense", Event::Text(Pii::new("{".into()))),
        now("shows", Event::Shows(vec![shown("b-v0", 360, false)])),
        now("camera", Event::Camera(true)),
        now("ended", Event::Ended),
        later("after 1 s", 1),
        later("after 2 s", 2),
        later("after 4 s", 4),
        later("after 60 s", 60),
    ]
}

fn word(action: &Action) -> String {
    match action {
        Action::Connect(address) => format!("connect {}", address.reveal().trim_start_matches("wss://")),
        Action::Disconnect => "disconnect".into(),
        Action::Send(text) => {
            let value: Value = serde_json::from_str(text.reveal()).unwrap();
            format!("send {}", value.get("colibriClass").and_then(Value::as_str).unwrap())
        }
        Action::Picture(wish) => format!("picture {wish:?}"),
        Action::Speaks(speaker) => format!("speaks {}", speaker.as_ref().map_or("nobody", EndpointId::as_str)),
        Action::Missing(missing) => format!("missing {}", missing.len()),
        Action::Connection(endpoint, active) => format!("{} {active}", endpoint.as_str()),
        Action::Mapped(kind, mapped) => format!("mapped {kind:?} {}", mapped.len()),
        Action::Estimate(bits) => format!("estimate {bits}"),
        Action::Told(..) => "told".into(),
        Action::Lost => "lost".into(),
        Action::NoChannel => "no channel".into(),
    }
}

#[test]
fn every_situation_answers_every_event_as_written() {
    let now = Instant::now();
    let mut found = String::new();
    for (situation, _) in situations(now) {
        writeln!(found, "{situation}").unwrap();
        for (name, wait, event) in events() {
            let (_, mut channel) = situations(now).into_iter().find(|(name, _)| *name == situation).unwrap();
            let actions: Vec<String> = channel.step(now + wait, event).iter().map(word).collect();
            if !actions.is_empty() {
                writeln!(found, "    {name:14}{}", actions.join(", ")).unwrap();
            }
        }
    }
    let written = include_str!("table.txt");
    let differs = found.lines().zip(written.lines()).position(|(found, written)| found != written);
    assert!(found == written, "table.txt differs from line {differs:?} on; the whole table is now\n{found}");
}

#[test]
fn a_web_socket_is_tried_again_later_and_later() {
    let start = Instant::now();
    let mut channel = Channel::new(endpoint("aaaaaaaa"));
    channel.step(start, Event::Reach(Way::WebSocket(vec![Pii::new("wss://a.example/1".into())])));
    let mut now = start;
    let mut delays = Vec::new();
    for _ in 0..9 {
        channel.step(now, Event::Closed { goodbye: false });
        let next = channel.deadline().unwrap();
        delays.push((next - now).as_secs());
        now = next;
        assert!(matches!(channel.step(now, Event::Tick).as_slice(), [Action::Connect(_)]));
    }
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    // One that held for a while begins anew.
    channel.step(now, Event::Opened);
    now += Duration::from_secs(10);
    channel.step(now, Event::Closed { goodbye: false });
    assert_eq!(channel.deadline().map(|next| (next - now).as_secs()), Some(1));
}

fn draws() -> impl Strategy<Value = usize> {
    0..events().len()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_comes_nothing_is_sent_while_closed_and_all_is_said_when_open(
        draws in prop::collection::vec((draws(), 0..5000u64), 1..60),
    ) {
        let mut now = Instant::now();
        let mut channel = Channel::new(endpoint("aaaaaaaa"));
        let mut asked: Option<Value> = None;
        for (index, wait) in draws {
            now += Duration::from_millis(wait);
            let (name, _, event) = events().remove(index);
            let was_open = channel.is_open();
            let actions = channel.step(now, event);
            if channel.is_open() && !was_open {
                asked = None;
            }
            for action in &actions {
                if let Action::Send(text) = action {
                    prop_assert!(channel.is_open(), "{} while closed", name);
                    let value: Value = serde_json::from_str(text.reveal()).unwrap();
                    if value.get("constraints").is_some() {
                        asked = value.get("constraints").cloned();
                    }
                }
            }
            if channel.is_open() {
                prop_assert!(asked.is_some(), "the channel is open and nothing was asked for");
            }
            if let Some(deadline) = channel.deadline().filter(|deadline| *deadline <= now) {
                channel.step(now, Event::Tick);
                prop_assert!(channel.deadline().is_none_or(|next| next > deadline), "the clock rings without end");
            }
        }
    }

    #[test]
    fn damaged_messages_are_read_or_passed_over(
        seed in 0..100_000usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        thread_local!(static SEEDS: Vec<String> = recording::all()
            .iter()
            .flat_map(|recording| recording.of("colibri", Direction::In).map(|frame| frame.data.clone()).collect::<Vec<_>>())
            .collect());
        let mut bytes = SEEDS.with(|seeds| seeds[seed % seeds.len()].clone()).into_bytes();
        for (place, byte) in damages {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let message = String::from_utf8_lossy(&bytes).into_owned();
        let _read_or_not = FromBridge::read(&message);
        let (mut channel, now) = (Channel::new(endpoint("aaaaaaaa")), Instant::now());
        channel.step(now, Event::Reach(Way::DataChannel(LinkId(1))));
        channel.step(now, Event::Opened);
        let actions = channel.step(now, Event::Text(Pii::new(message)));
        prop_assert!(actions.len() <= 2);
        prop_assert!(channel.is_open());
    }
}

#[test]
fn there_is_an_end_to_what_is_read() {
    assert_eq!(FromBridge::read(&" ".repeat(300_000)), Err(ColibriError::Long));
    let names = vec!["a"; 1001];
    let many = json!({ "colibriClass": "ForwardedSources", "forwardedSources": names });
    assert_eq!(FromBridge::read(&many.to_string()), Err(ColibriError::Long));
    assert!(FromBridge::read(&"[".repeat(200_000)).is_err());
    let printed = format!(
        "{:?}",
        FromBridge::read(r#"{"colibriClass":"EndpointMessage","from":"rosa","msgPayload":{"text":"secret"}}"#)
    );
    assert!(!printed.contains("rosa") && !printed.contains("secret"));
}
