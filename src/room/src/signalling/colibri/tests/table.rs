//! Every situation of the channel × everything that can happen: `table.txt`.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;

use super::{endpoint, shown, text};
use crate::signalling::colibri::{Action, Channel, Event};
use crate::signalling::jingle::session::Way;
use crate::signalling::jingle::source::EndpointId;

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

pub fn events() -> Vec<(&'static str, Duration, Event)> {
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
