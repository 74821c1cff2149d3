//! What leaves a device whose camera is a driver of the kernel: a peer decodes it.

use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_messages::media::{
    Background, Codec, DescriptionKind, Direction, Line, LinkId, Mid, RoomToMedia, Size, Source,
};
use subrosa_tests::devices::Actor;
use subrosa_tests::peer::recording::THUMB;
use subrosa_tests::peer::{Frame, Link, LinkPlan};
use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, inside};

use crate::units::Device;

/// An encoder and a decoder share one processor, which is slower than any board's.
pub const PICTURE: Duration = Duration::from_secs(90);

fn say(media: &Actor, message: RoomToMedia) {
    media.say(&serde_json::to_value(message).unwrap());
}

/// Seen by their brightness, the eight bars of the driver's test picture (white, yellow, cyan, green, magenta, red,
/// blue, black) go down from left to right. Its clock stands in the upper part.
pub fn is_the_drivers_picture(frame: &Frame) -> bool {
    let row = &frame.thumb[(THUMB.1 - 3) * THUMB.0..][..THUMB.0];
    // The middle of each bar: next to an edge a sample is of both.
    let bars: Vec<u8> = row.chunks_exact(THUMB.0 / 8).map(|bar| bar[1]).collect();
    bars.windows(2).all(|pair| pair[0] > pair[1].saturating_add(5))
}

/// A peer of the device, which is sent the room's picture as it is.
pub fn peer(device: &Device) -> Link {
    let media = &device.room.as_ref().unwrap().media;
    say(media, RoomToMedia::Hide { background: Background::AsItIs, size: Size { width: 0, height: 0 } });
    let (link, mid) = (LinkId(1), Mid("room-video".to_owned()));
    let line = Line::new(&mid.0, Codec::H264, Direction::Send);
    let mark = media.mark();
    say(
        media,
        RoomToMedia::OpenLink {
            link,
            side: DescriptionKind::Offer,
            lines: vec![line],
            data_channels: Vec::new(),
            relay: None,
        },
    );
    let offer =
        media.wait_from(mark, "an offer", |told| told["heard"]["description"]["sdp"].as_str().map(str::to_owned));
    let plan = LinkPlan { keeps: false, ..LinkPlan::default() };
    let (peer, answer) = Link::answer(&offer.1, &plan).unwrap();
    media.say(&json!({"description": {"link": link, "kind": "answer", "sdp": answer, "candidates": true}}));
    eventually("it connects", PICTURE, || peer.is_connected().then_some(()));
    say(media, RoomToMedia::Send { link, mid, source: Source::RoomVideo });
    peer
}

#[test]
fn p1_a_peer_decodes_the_cameras_picture_and_never_without_the_lamp() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::start();
    let peer = peer(&device);
    let recording = &peer.recording;
    let card = recording.wait_for_frame(0, PICTURE, |_| true).expect("the privacy card");
    assert!(!is_the_drivers_picture(&card), "nobody has pressed the button");

    let woken = Instant::now();
    device.wake();
    // From here on whatever the peer decodes is held against the lamp.
    let from = recording.counts().1;
    let seen = recording.wait_for_frame(from, PICTURE, is_the_drivers_picture).expect("the camera's picture");
    assert!(device.lit("camera"));
    println!("button → picture decoded: {:?}, {}x{}", seen.at - woken, seen.width, seen.height);
    let earlier = recording.frames_from(0);
    let early = earlier.iter().filter(|frame| frame.at < woken && is_the_drivers_picture(frame)).count();
    assert_eq!(early, 0, "a picture before the button");

    device.chip.pull("camera-shutter", false);
    subrosa_tests::stage::eventually("closed, dark", Duration::from_secs(5), || {
        (device.camera_files() == 0 && !device.lit("camera")).then_some(())
    });
    // What was under way has arrived: from then on there is the card, and it is no camera's picture.
    std::thread::sleep(Duration::from_secs(2));
    let from = recording.counts().1;
    recording.wait_for_frame(from, PICTURE, |_| true).expect("the privacy card");
    let late = recording.frames_from(from).iter().filter(|frame| is_the_drivers_picture(frame)).count();
    assert_eq!(late, 0, "a picture while the lamp is dark");
}
