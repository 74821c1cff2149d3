//! P4: blur fails closed.
//!
//! The guest keeps every packet and decodes all frames afterwards. The simulated camera sees a person in front of a rocket: raw, its
//! edges are steep in most rows, and hidden they are not. So each frame that was sent is one of three: raw, hidden, or the card.

use std::time::{Duration, Instant};

use subrosa_tests::call::{Call, camera_moves};
use subrosa_tests::mute::Dice;
use subrosa_tests::needs;
use subrosa_tests::peer::recording::Thumb;
use subrosa_tests::peer::{Guest, Look, difference, looks};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};

/// The oldest mask that is used (P4), one frame, and the way to the guest (as long as a mute may take, P3).
const CARD_AFTER: Duration = Duration::from_millis(150 + 34 + 50);
/// From the second press of *reveal*: one frame may be in the middle of it, and the way to the guest.
const HIDDEN_AFTER: Duration = Duration::from_millis(2 * 34 + 50);
/// What a hidden background has at most, and a raw one at least. Between them lies nothing: the test shows that too.
const HIDDEN: u8 = 25;

/// All frames that the guest got, in their order.
fn frames(call: &Call) -> Vec<(Instant, Look)> {
    let link = call.peer.link().unwrap();
    let (payload, encoding) =
        link.offer.line("room-video").codec().map(|(payload, name)| (payload, name.to_owned())).unwrap();
    let packets = link.recording.packets();
    let looks = looks(&packets, &encoding, payload);
    let mut frames: Vec<(Instant, Look)> = Vec::new();
    let mut last = None;
    for packet in packets.iter().filter(|packet| packet.payload_type == payload) {
        if last.replace(packet.timestamp) != Some(packet.timestamp)
            && let Some(look) = looks.get(&packet.timestamp)
        {
            frames.push((packet.at, look.clone()));
        }
    }
    frames
}

fn background(call: &Call, wanted: &str) {
    eventually(&format!("the status page says {wanted}"), Duration::from_secs(5), || {
        (call.room.status()["background"] == wanted).then_some(())
    });
}

#[test]
fn p4_a_segmenter_that_stops_in_mid_call_is_the_card_within_150_ms_and_not_one_raw_frame_is_sent() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let link = call.peer.link().unwrap();
    background(&call, "hidden");
    let mut dice = Dice::new(40);
    let mut stops = Vec::new();
    for _ in 0..4 {
        std::thread::sleep(dice.between(Duration::from_millis(300), Duration::from_millis(900)));
        let stopped = Instant::now();
        call.room.sim.edge(Line::Segmenter, false);
        background(&call, "late");
        std::thread::sleep(Duration::from_millis(700));
        let goes_on = Instant::now();
        call.room.sim.edge(Line::Segmenter, true);
        background(&call, "hidden");
        assert!(camera_moves(&link, Duration::from_secs(5)), "it recovers by itself");
        stops.push((stopped, goes_on));
    }
    let revealed = Instant::now();
    call.room.sim.edge(Line::Reveal, true);
    background(&call, "revealed");
    std::thread::sleep(Duration::from_millis(800));

    let frames = frames(&call);
    let raw: Vec<u8> = frames
        .iter()
        .filter(|(at, _)| *at > revealed + Duration::from_millis(400))
        .map(|(_, look)| look.detail)
        .collect();
    let before: Vec<&(Instant, Look)> = frames.iter().filter(|(at, _)| *at < revealed).collect();
    let most = before.iter().map(|(_, look)| look.detail).max().unwrap();
    let least = raw.iter().copied().min().unwrap();
    println!("{} frames before, steepest {most}; {} raw ones, least steep {least}", before.len(), raw.len());
    assert!(before.len() > 100 && raw.len() > 10, "{} and {} frames", before.len(), raw.len());
    assert!(least > HIDDEN + 10, "a raw frame is told from a hidden one: {least}");
    assert!(most < HIDDEN, "from the first frame of the call on not one raw frame was sent: {most}");

    for (stopped, goes_on) in stops {
        let card: Thumb =
            before.iter().rev().find(|(at, _)| *at < goes_on).map(|(_, look)| look.thumb.clone()).unwrap();
        let from_card = |look: &Look| difference(&look.thumb, &card);
        let usual = before
            .iter()
            .filter(|(at, _)| *at < stopped && *at + Duration::from_millis(200) > stopped)
            .map(|(_, look)| from_card(look))
            .fold(f64::MAX, f64::min);
        assert!(usual > 4.0, "card and camera differ: {usual}");
        let last = before
            .iter()
            .filter(|(at, look)| *at > stopped && *at < goes_on && from_card(look) > usual / 2.0)
            .map(|(at, _)| at.duration_since(stopped))
            .max()
            .unwrap_or_default();
        let first = before.iter().find(|(at, look)| *at > stopped && from_card(look) <= usual / 2.0).unwrap().0;
        let first = first.duration_since(stopped);
        println!("the last frame of the camera {last:?}, the first card {first:?} after the segmenter stopped");
        assert!(first <= CARD_AFTER, "the card came only {first:?} after the segmenter stopped");
        assert!(last <= CARD_AFTER, "the camera was still seen {last:?} after the segmenter stopped");
    }
}

#[test]
fn p4_what_a_hand_has_uncovered_is_hidden_at_once_by_the_next_press_and_by_the_shutter() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let link = call.peer.link().unwrap();
    let mut ends = Vec::new();
    for by_shutter in [false, false, true] {
        background(&call, "hidden");
        let start = Instant::now();
        call.room.sim.edge(Line::Reveal, true);
        background(&call, "revealed");
        std::thread::sleep(Duration::from_millis(500));
        call.room.sim.edge(Line::Reveal, false);
        std::thread::sleep(Duration::from_millis(100));
        let end = Instant::now();
        if by_shutter {
            call.room.sim.edge(Line::CameraShutter, false);
            std::thread::sleep(Duration::from_millis(600));
            call.room.sim.edge(Line::CameraShutter, true);
        } else {
            call.room.sim.edge(Line::Reveal, true);
        }
        background(&call, "hidden");
        call.room.sim.edge(Line::Reveal, false);
        assert!(camera_moves(&link, Duration::from_secs(5)));
        ends.push((start, end, Instant::now()));
    }
    let frames = frames(&call);
    for (start, end, until) in ends {
        let raw = |from: Instant, to: Instant| {
            frames.iter().filter(move |(at, look)| *at > from && *at < to && look.detail >= HIDDEN)
        };
        assert!(raw(start, end).count() > 5, "everything is seen while it is uncovered");
        let last = raw(end, until).map(|(at, _)| at.duration_since(end)).max().unwrap_or_default();
        println!("the last raw frame {last:?} after the end");
        assert!(last <= HIDDEN_AFTER, "a raw frame {last:?} after the end");
    }
}

#[test]
fn p4_media_that_starts_again_in_mid_call_sends_no_raw_frame_and_has_forgotten_a_reveal() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    call.room.sim.reveal();
    background(&call, "revealed");
    let old = call.peer.link();
    call.room.kill("media");
    let (link, _) = call.peer.picture_of_new_link(old.as_ref(), Duration::from_secs(8));
    assert!(camera_moves(&link, Duration::from_secs(5)));
    background(&call, "hidden");
    let most = frames(&call).iter().map(|(_, look)| look.detail).max().unwrap();
    assert!(most < HIDDEN, "{most}");
}
