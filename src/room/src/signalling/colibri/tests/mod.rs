//! The channel to the bridge: single rules; the recordings, the table and the properties are beside.

mod properties;
mod recordings;
mod table;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;

use super::*;
use crate::signalling::jingle::session::Way;
use crate::signalling::jingle::source::{EndpointId, SourceName, VideoType};
use crate::signalling::recording;

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
    let (ours, _, _) = recordings::replay(&recording::read("11-first-constraints-equal-defaults/A"));
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
