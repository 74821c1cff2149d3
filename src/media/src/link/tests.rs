//! Two links of ours against each other on loopback: the room, which offers, and a guest, which answers.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::ConsumptionLink;
use gstreamer_utils::streamproducer::ProducerSettings;
use subrosa_messages::media::{Codec, DataChannel, Direction, Kind, Size, TrackId};

use super::*;
use crate::cut::Cuts;
use crate::encode::encoding::{Encoding, Plan as EncodingPlan};
use crate::encode::rate::Target;
use crate::encode::rows;
use crate::inbound::Meter;
use crate::permit::tests::permit;
use crate::picture::Picture;

mod bridge;
mod forward;
mod slots;
mod strangers;

const SIZE: Size = Size { width: 640, height: 360 };
const PATIENCE: Duration = Duration::from_secs(20);

/// One end: a link, and what it has said.
struct End {
    link: Option<Link>,
    events: mpsc::Receiver<LinkEvent>,
    seen: Vec<LinkEvent>,
}

impl End {
    fn open(plan: Plan) -> Self {
        let (sender, events) = mpsc::channel();
        let link = Link::open(plan, Arc::new(move |_, event| drop(sender.send(event)))).unwrap();
        End { link: Some(link), events, seen: Vec::new() }
    }

    fn link(&self) -> &Link {
        self.link.as_ref().unwrap()
    }

    /// Waits for the first event that `wanted` finds something in.
    fn wait<T>(&mut self, wanted: impl Fn(&LinkEvent) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        if let Some(found) = self.seen.iter().find_map(&wanted) {
            return found;
        }
        loop {
            let event = self.events.recv_timeout(until.saturating_duration_since(Instant::now()));
            let event = event.unwrap_or_else(|_| panic!("not said; seen: {:?}", self.states()));
            let found = wanted(&event);
            self.seen.push(event);
            if let Some(found) = found {
                return found;
            }
        }
    }

    fn states(&self) -> Vec<LinkState> {
        self.seen
            .iter()
            .filter_map(|event| if let LinkEvent::State(state) = event { Some(*state) } else { None })
            .collect()
    }

    fn description(&mut self) -> String {
        self.wait(|event| if let LinkEvent::Description(_, sdp) = event { Some(sdp.clone()) } else { None })
    }

    fn state(&mut self, wanted: LinkState) {
        self.wait(|event| matches!(event, LinkEvent::State(state) if *state == wanted).then_some(()));
    }

    fn track(&mut self, mid: &str) -> Inbound {
        self.wait(|event| match event {
            LinkEvent::Track(inbound) if inbound.track.mid.0 == mid => Some(inbound.clone()),
            _ => None,
        })
    }
}

/// Both ends, and what the room sends.
struct Call {
    room: End,
    guest: End,
    cuts: Cuts,
    picture: Picture,
    encoding: Encoding,
    timebase: Timebase,
    _tone: Tone,
}

fn network() -> LinkNetwork {
    LinkNetwork { addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], udp_ports: None, turn: None }
}

fn line(mid: &str, codec: Codec, direction: Direction) -> Line {
    Line::new(mid, codec, direction)
}

fn lines(codec: Codec) -> Vec<Line> {
    vec![
        line("room-video", codec, Direction::Send),
        line("room-audio", Codec::Opus, Direction::Send),
        line("guest-video", Codec::Vp8, Direction::Receive),
        line("guest-audio", Codec::Opus, Direction::Receive),
    ]
}

fn plan(side: DescriptionKind, lines: Vec<Line>, timebase: &Timebase) -> Plan {
    let link = LinkId(if side == DescriptionKind::Offer { 1 } else { 2 });
    let timebase = timebase.clone();
    Plan {
        link,
        side,
        lines,
        data_channels: vec![DataChannel::called("room")],
        network: network(),
        timebase,
        first_estimate: 1_500_000,
        max_estimate: 5_000_000,
    }
}

/// A tone as Opus.
struct Tone {
    pipeline: gst::Pipeline,
    producer: StreamProducer,
}

impl Tone {
    fn start(timebase: &Timebase) -> Self {
        let text = "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! opusenc ! appsink name=out";
        let pipeline = gst::parse::launch(text).unwrap().downcast::<gst::Pipeline>().unwrap();
        timebase.rule(&pipeline);
        let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        crate::pads::plain_time(&sink.static_pad("sink").unwrap());
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        pipeline.set_state(gst::State::Playing).unwrap();
        Tone { pipeline, producer }
    }
}

impl Drop for Tone {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

fn encoding(row: &str, picture: &Picture, timebase: &Timebase) -> Encoding {
    Encoding::start(EncodingPlan {
        row: rows::find(row).unwrap(),
        picture,
        target: Target { bitrate: 500_000, size: SIZE },
        timebase,
        failed: Box::new(|| {}),
    })
    .unwrap()
}

impl Call {
    /// Descriptions are exchanged; `forge` sees the answer before the room does.
    fn connect(codec: Codec, forge: impl Fn(String) -> String) -> Self {
        crate::plugins::start().unwrap();
        let timebase = Timebase::start();
        let cuts = Cuts::new(&timebase);
        let picture = Picture::new(SIZE, 30, &timebase, &cuts.camera).unwrap();
        let encoding = encoding(if codec == Codec::H264 { "x264enc" } else { "vp8enc" }, &picture, &timebase);
        let tone = Tone::start(&timebase);
        let mut room = End::open(plan(DescriptionKind::Offer, lines(codec), &timebase));
        let mut guest = End::open(plan(DescriptionKind::Answer, Vec::new(), &timebase));
        let video = Feed { producer: encoding.producer().clone(), cut: Some(cuts.camera.clone()) };
        room.link().send(Mid("room-video".into()), Some(video));
        let audio = Feed { producer: tone.producer.clone(), cut: Some(cuts.microphone.clone()) };
        room.link().send(Mid("room-audio".into()), Some(audio));
        let offer = room.description();
        guest.link().describe(DescriptionKind::Offer, offer, true);
        let answer = guest.description();
        room.link().describe(DescriptionKind::Answer, forge(answer), false);
        Call { room, guest, cuts, picture, encoding, timebase, _tone: tone }
    }

    fn connected(codec: Codec) -> Self {
        let mut call = Call::connect(codec, |answer| answer);
        call.room.state(LinkState::Verified);
        call.guest.state(LinkState::Verified);
        call
    }

    fn camera_frame(&self, luma: u8) -> bool {
        let info = self.picture.info();
        let mut bytes = vec![luma; info.size()];
        let chroma = (info.width() * info.height()) as usize;
        bytes[chroma..].fill(128);
        let mut buffer = gst::Buffer::from_mut_slice(bytes);
        buffer.get_mut().unwrap().set_pts(self.timebase.now());
        self.picture.camera_frame(buffer, SIZE)
    }
}

/// Counts what a track delivers.
struct Counter {
    pipeline: gst::Pipeline,
    _link: ConsumptionLink,
    frames: Arc<AtomicU64>,
}

impl Counter {
    fn of(inbound: &Inbound, timebase: &Timebase) -> Self {
        let frames = Arc::new(AtomicU64::new(0));
        let pipeline = gst::Pipeline::new();
        timebase.rule(&pipeline);
        let source = gst_app::AppSrc::builder().build();
        StreamProducer::configure_consumer(&source);
        let sink = gst_app::AppSink::builder().sync(false).build();
        let count = frames.clone();
        sink.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    count.fetch_add(1, Ordering::SeqCst);
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        pipeline.add_many([source.upcast_ref::<gst::Element>(), sink.upcast_ref()]).unwrap();
        source.link(&sink).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let link = inbound.producer.add_consumer(&source).unwrap();
        if inbound.codec.kind() == Kind::Audio {
            link.set_wait_for_keyframe(false);
        }
        Counter { pipeline, _link: link, frames }
    }

    fn count(&self) -> u64 {
        self.frames.load(Ordering::SeqCst)
    }

    fn wait_for(&self, count: u64) {
        let started = Instant::now();
        while self.count() < count {
            assert!(started.elapsed() < PATIENCE, "{} of {count}", self.count());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn media_flows_both_ways_once_both_ends_are_verified() {
    let mut call = Call::connected(Codec::H264);
    let picture = call.guest.track("room-video");
    assert_eq!(picture.codec, Codec::H264);
    let sound = call.guest.track("room-audio");
    let (picture, sound) = (Counter::of(&picture, &call.timebase), Counter::of(&sound, &call.timebase));
    picture.wait_for(5);
    sound.wait_for(20);

    let cut = crate::cut::Cut::camera(&call.timebase);
    let guests = Picture::new(SIZE, 30, &call.timebase, &cut).unwrap();
    let vp8 = encoding("vp8enc", &guests, &call.timebase);
    call.guest.link().send(Mid("guest-video".into()), Some(Feed { producer: vp8.producer().clone(), cut: None }));
    let arrived = call.room.track("guest-video");
    assert_eq!(arrived.codec, Codec::Vp8);
    Counter::of(&arrived, &call.timebase).wait_for(5);
    assert!(call.room.link().figures().heard() > 0);
    assert!(call.room.link().figures().estimate().is_some());
}

#[test]
fn a_peer_without_h264_gets_vp8() {
    let mut call = Call::connected(Codec::Vp8);
    let picture = call.guest.track("room-video");
    assert_eq!(picture.codec, Codec::Vp8);
    Counter::of(&picture, &call.timebase).wait_for(5);
}

#[test]
fn an_offer_says_all_that_browsers_need() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let mut room = End::open(plan(DescriptionKind::Offer, lines(Codec::H264), &timebase));
    let offer = room.description();
    let has = |text: &str| assert!(offer.contains(text), "{text} is missing in\n{offer}");
    for mid in ["room-video", "room-audio", "guest-video", "guest-audio"] {
        has(&format!("a=mid:{mid}\r\n"));
    }
    has("profile-level-id=42e01f");
    has("packetization-mode=1");
    has("OPUS/48000/2");
    has("useinbandfec=1");
    has("a=group:BUNDLE room-video room-audio guest-video guest-audio");
    has(" UDP/DTLS/SCTP webrtc-datachannel");
    has("apt=96");
    assert_eq!(offer.matches(&format!("a=extmap:1 {}", caps::TWCC)).count(), 4, "{offer}");
    assert_eq!(offer.matches("a=sendonly").count(), 2);
    assert_eq!(offer.matches("a=recvonly").count(), 2);
    assert_eq!(offer.matches("a=mid:").count(), 5);
    let ssrcs = sdp::ssrcs(&offer);
    assert_eq!(ssrcs[0].1.len(), 2, "stream and retransmission");
    assert_eq!(ssrcs[1].1.len(), 1);
}

#[test]
fn p3_after_the_edge_nothing_captured_arrives_and_the_card_is_next() {
    let mut call = Call::connected(Codec::H264);
    let track = call.guest.track("room-video");
    assert!(call.cuts.camera.open(&permit().0));
    let decoded = Decoded::of(&track, &call.timebase);
    let mut sent = 0;
    while decoded.lumas().iter().filter(|luma| **luma > 180).count() < 5 {
        call.camera_frame(235);
        sent += 1;
        assert!(sent < 300, "{:?}", decoded.lumas());
        thread::sleep(Duration::from_millis(33));
    }
    for _ in 0..3 {
        call.camera_frame(235);
    }
    let edge = Instant::now();
    call.cuts.camera.close();
    assert!(!call.camera_frame(235));
    thread::sleep(Duration::from_secs(1));
    let late = decoded.since(edge + Duration::from_millis(50));
    assert!(!late.is_empty(), "the card arrives");
    assert!(late.iter().all(|luma| *luma < 100), "{late:?}");
    assert!(call.encoding.frames() > 0);
}

#[test]
fn the_data_channel_carries_text_both_ways() {
    let mut call = Call::connected(Codec::H264);
    let data = |event: &LinkEvent| if let LinkEvent::Data(_, bytes) = event { Some(bytes.clone()) } else { None };
    // The channel opens a moment after the link is verified.
    let mut seen = Vec::new();
    for _ in 0..100 {
        call.room.link().data("room".into(), "{\"event\":\"room\"}".into());
        thread::sleep(Duration::from_millis(50));
        seen.extend(call.guest.events.try_iter().filter_map(|event| data(&event)));
        if !seen.is_empty() {
            break;
        }
    }
    assert_eq!(seen.first().unwrap(), b"{\"event\":\"room\"}");
    call.guest.link().data("room".into(), b"back".to_vec());
    assert_eq!(call.room.wait(data), b"back");
}

#[test]
fn a_link_that_is_closed_goes_and_takes_its_threads_along() {
    let mut call = Call::connected(Codec::H264);
    call.guest.track("room-video");
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    drop(call.room.link.take());
    call.room.state(LinkState::Closed);
    drop(call.guest.link.take());
    call.guest.state(LinkState::Closed);
    thread::sleep(Duration::from_millis(300));
    // Other tests of this binary run beside this one.
    assert!(threads() < before + 40);
}

#[test]
fn p10_a_peer_that_goes_without_a_word_falls_silent() {
    let mut call = Call::connected(Codec::H264);
    call.guest.track("room-video");
    let heard = call.room.link().figures().heard();
    let started = Instant::now();
    while call.room.link().figures().heard() == heard {
        assert!(started.elapsed() < Duration::from_secs(8), "a living peer is heard");
        thread::sleep(Duration::from_millis(20));
    }
    drop(call.guest.link.take());
    call.guest.state(LinkState::Closed);
    thread::sleep(Duration::from_secs(1));
    let heard = call.room.link().figures().heard();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(call.room.link().figures().heard(), heard);
}

#[test]
fn a_description_that_does_not_fit_fails_the_link_and_nothing_else() {
    for broken in ["", "v=0\r\n", "no description"] {
        let mut call = Call::connect(Codec::H264, |_| broken.to_owned());
        call.room.state(LinkState::Failed(LinkFault::Description));
    }
    let mut call = Call::connect(Codec::H264, |answer| answer.replace("a=mid:room-audio", "a=mid:other"));
    call.room.state(LinkState::Failed(LinkFault::Description));
}

#[test]
fn what_a_guest_sends_can_be_forwarded_to_another() {
    let mut call = Call::connected(Codec::Vp8);
    let cut = crate::cut::Cut::camera(&call.timebase);
    let guests = Picture::new(SIZE, 30, &call.timebase, &cut).unwrap();
    let vp8 = encoding("vp8enc", &guests, &call.timebase);
    call.guest.link().send(Mid("guest-video".into()), Some(Feed { producer: vp8.producer().clone(), cut: None }));
    let arrived = call.room.track("guest-video");
    let back = Feed { producer: arrived.producer.clone(), cut: None };
    let track = call.guest.track("room-video");
    let counter = Counter::of(&track, &call.timebase);
    call.room.link().send(Mid("room-video".into()), Some(back));
    thread::sleep(Duration::from_millis(300));
    let before = counter.count();
    counter.wait_for(before + 5);
}

/// Mean luma of every decoded frame, with the moment it came out.
struct Decoded {
    pipeline: gst::Pipeline,
    _link: ConsumptionLink,
    frames: Arc<Mutex<Vec<(Instant, u8)>>>,
}

impl Decoded {
    fn of(inbound: &Inbound, timebase: &Timebase) -> Self {
        let decoder = if inbound.codec == Codec::H264 { "h264parse ! avdec_h264" } else { "vp8dec" };
        let text = format!(
            "appsrc name=in ! {decoder} ! videoconvert ! video/x-raw,format=I420 ! appsink name=out sync=false"
        );
        let pipeline = gst::parse::launch(&text).unwrap().downcast::<gst::Pipeline>().unwrap();
        timebase.rule(&pipeline);
        let source = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        StreamProducer::configure_consumer(&source);
        let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let frames = Arc::new(Mutex::new(Vec::new()));
        let log = frames.clone();
        sink.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    let map = sample.buffer().unwrap().map_readable().unwrap();
                    let luma = map[..map.len() / 3 * 2].iter().step_by(97).map(|l| u64::from(*l));
                    let count = luma.len() as u64;
                    log.lock().unwrap().push((Instant::now(), (luma.sum::<u64>() / count) as u8));
                    Ok(gst::FlowSuccess::Ok)
                })
                .build(),
        );
        pipeline.set_state(gst::State::Playing).unwrap();
        let link = inbound.producer.add_consumer(&source).unwrap();
        Decoded { pipeline, _link: link, frames }
    }

    fn lumas(&self) -> Vec<u8> {
        self.frames.lock().unwrap().iter().map(|(_, luma)| *luma).collect()
    }

    fn since(&self, moment: Instant) -> Vec<u8> {
        self.frames.lock().unwrap().iter().filter(|(when, _)| *when >= moment).map(|(_, luma)| *luma).collect()
    }
}

impl Drop for Decoded {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

#[test]
fn the_path_is_measured_both_ways() {
    let mut call = Call::connected(Codec::H264);
    let cut = crate::cut::Cut::camera(&call.timebase);
    let guests = Picture::new(SIZE, 30, &call.timebase, &cut).unwrap();
    let vp8 = encoding("vp8enc", &guests, &call.timebase);
    call.guest.link().send(Mid("guest-video".into()), Some(Feed { producer: vp8.producer().clone(), cut: None }));
    call.room.track("guest-video");
    for end in [&call.room, &call.guest] {
        let first = end.link().figures().estimate();
        let started = Instant::now();
        while end.link().figures().estimate() == first {
            assert!(started.elapsed() < PATIENCE, "no feedback came: {first:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn who_does_not_say_what_arrives_is_not_taken_for_a_narrow_path() {
    let silent = |answer: String| {
        answer
            .lines()
            .filter(|line| !line.starts_with("a=extmap:"))
            .fold(String::new(), |sdp, line| sdp + line + "\r\n")
    };
    let mut call = Call::connect(Codec::H264, silent);
    call.room.state(LinkState::Verified);
    assert_eq!(call.room.link().figures().estimate(), None);
}

#[test]
fn p3_a_retransmission_bears_the_time_of_its_original() {
    crate::plugins::start().unwrap();
    let text = "appsrc name=in format=time caps=application/x-rtp,media=video,payload=96,clock-rate=90000,ssrc=(uint)7 \
                ! rtprtxsend name=rtx ! appsink name=out sync=false";
    let pipeline = gst::parse::launch(text).unwrap().downcast::<gst::Pipeline>().unwrap();
    let rtx = pipeline.by_name("rtx").unwrap();
    rtx.set_property(
        "payload-type-map",
        gst::Structure::builder("application/x-rtp-pt-map").field("96", 97_u32).build(),
    );
    let source = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut packet = gst::Buffer::from_slice([0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4]);
    packet.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(1234));
    source.push_buffer(packet).unwrap();
    let pull = || sink.try_pull_sample(gst::ClockTime::from_seconds(5)).unwrap().buffer_owned().unwrap();
    pull();
    let wanted = gst::Structure::builder("GstRTPRetransmissionRequest").field("seqnum", 1_u32).field("ssrc", 7_u32);
    let request = gst::event::CustomUpstream::new(wanted.build());
    assert!(rtx.static_pad("src").unwrap().send_event(request));
    let again = pull();
    assert_eq!(again.map_readable().unwrap()[1] & 0x7f, 97);
    assert_eq!(again.pts(), Some(gst::ClockTime::from_mseconds(1234)), "the gate could not tell it is old");
    pipeline.set_state(gst::State::Null).unwrap();
}
