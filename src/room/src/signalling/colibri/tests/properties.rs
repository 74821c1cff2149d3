//! Whatever comes, in whatever order.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::Value;
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;

use super::endpoint;
use super::table::events;
use crate::signalling::colibri::{Action, Channel, Event, FromBridge};
use crate::signalling::jingle::session::Way;
use crate::signalling::recording::{self, Direction};

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
