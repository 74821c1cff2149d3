//! Several guests of one room: what one sends reaches the slots of the others.

use super::*;
use crate::card;
use crate::link::request;

const SLOTS: usize = 8;

/// The lines of a meeting of several.
fn hall_lines(slots: usize) -> Vec<Line> {
    let mut lines = lines(Codec::Vp8);
    lines.push(line("guest-screen", Codec::Vp8, Direction::Receive));
    lines.push(line("screen", Codec::Vp8, Direction::Send));
    for slot in 0..slots {
        lines.push(line(&format!("slot-{slot}-video"), Codec::Vp8, Direction::Send));
        lines.push(line(&format!("slot-{slot}-audio"), Codec::Opus, Direction::Send));
    }
    lines
}

fn channels(slots: usize) -> Vec<DataChannel> {
    let t140 = |label: String| DataChannel { label, protocol: "t140".into() };
    let of_slots = (0..slots).map(|slot| t140(format!("text-{slot}")));
    [DataChannel::called("chat"), t140("text".into())].into_iter().chain(of_slots).collect()
}

/// The room's end of a link and the guest's.
struct Seat {
    room: End,
    guest: End,
}

impl Seat {
    fn take(number: u64, slots: usize, timebase: &Timebase) -> Self {
        let link = LinkId(number);
        let of_room =
            Plan { link, data_channels: channels(slots), ..plan(DescriptionKind::Offer, hall_lines(slots), timebase) };
        let of_guest = Plan { link, data_channels: Vec::new(), ..plan(DescriptionKind::Answer, Vec::new(), timebase) };
        let mut seat = Seat { room: End::open(of_room), guest: End::open(of_guest) };
        let offer = seat.room.description();
        seat.guest.link().describe(DescriptionKind::Offer, offer, true);
        let answer = seat.guest.description();
        seat.room.link().describe(DescriptionKind::Answer, answer, false);
        seat.room.state(LinkState::Verified);
        seat.guest.state(LinkState::Verified);
        seat
    }

    fn forward(&self, mid: &str, inbound: Option<&Inbound>) {
        let feed = inbound.map(|inbound| Feed { producer: inbound.producer.clone(), cut: None });
        self.room.link().send(Mid(mid.into()), feed);
    }
}

/// A camera that sees one brightness, as VP8.
struct Grey {
    encoding: Encoding,
    _picture: Picture,
    asked: Arc<AtomicUsize>,
}

impl Grey {
    fn of(luma: u8, timebase: &Timebase) -> Self {
        let cut = crate::cut::Cut::camera(timebase);
        let picture = Picture::new(SIZE, 15, timebase, &cut).unwrap();
        let pixels = [luma, luma, luma, 255].repeat((SIZE.width * SIZE.height) as usize);
        picture.set_card(card::from_rgba(SIZE, pixels, picture.info()).unwrap());
        let encoding = encoding("vp8enc", &picture, timebase);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let pad = encoding.producer().appsink().static_pad("sink").unwrap();
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            if info.event().is_some_and(|event| gstreamer_video::UpstreamForceKeyUnitEvent::parse(event).is_ok()) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        });
        Grey { encoding, _picture: picture, asked }
    }

    fn feed(&self) -> Feed {
        Feed { producer: self.encoding.producer().clone(), cut: None }
    }
}

fn near(luma: u8, wanted: u8) -> bool {
    luma.abs_diff(wanted) < 20
}

#[test]
fn a_slot_can_be_switched_over_and_over_and_its_decoder_never_sees_anything_else() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let (dark, bright) = (Grey::of(60, &timebase), Grey::of(190, &timebase));
    let [mut one, mut two, mut viewer] = [1, 2, 3].map(|number| Seat::take(number, 2, &timebase));
    one.guest.link().send(Mid("guest-video".into()), Some(dark.feed()));
    two.guest.link().send(Mid("guest-video".into()), Some(bright.feed()));
    let tracks = [one.room.track("guest-video"), two.room.track("guest-video")];
    // A screen of the same codec is another line, whatever comes first.
    two.guest.link().send(Mid("guest-screen".into()), Some(dark.feed()));
    let screen = two.room.track("guest-screen");
    assert_ne!(screen.producer, tracks[1].producer);
    viewer.forward("slot-0-video", Some(&tracks[0]));
    let seen = Decoded::of(&viewer.guest.track("slot-0-video"), &timebase);
    let shown = |luma: u8| {
        let started = Instant::now();
        let from = seen.lumas().len();
        while !seen.lumas()[from..].iter().any(|seen| near(*seen, luma)) {
            assert!(started.elapsed() < PATIENCE, "{luma} is not shown: {:?}", &seen.lumas()[from..]);
            thread::sleep(Duration::from_millis(10));
        }
        started.elapsed()
    };
    // What the coder makes of them.
    let (of_dark, of_bright) = (67, 179);
    shown(of_dark);
    let mut took = Vec::new();
    for round in 0..12 {
        let to_bright = round % 2 == 0;
        viewer.forward("slot-0-video", Some(&tracks[usize::from(to_bright)]));
        took.push(shown(if to_bright { of_bright } else { of_dark }));
        if round % 3 == 0 {
            // Empty for a while: its thread ends and begins again.
            viewer.forward("slot-0-video", None);
            thread::sleep(Duration::from_millis(300));
        }
    }
    println!("switched: {took:?}");
    let lumas = seen.lumas();
    assert!(lumas.iter().all(|luma| near(*luma, of_dark) || near(*luma, of_bright)), "{lumas:?}");
}

#[test]
fn many_viewers_ask_for_one_key_frame_at_a_time_and_only_the_one_they_see() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let (shown, other) = (Grey::of(60, &timebase), Grey::of(190, &timebase));
    let mut seats: Vec<Seat> = (1..=5).map(|number| Seat::take(number, 3, &timebase)).collect();
    seats[0].guest.link().send(Mid("guest-video".into()), Some(shown.feed()));
    seats[1].guest.link().send(Mid("guest-video".into()), Some(other.feed()));
    let (track, of_other) = (seats[0].room.track("guest-video"), seats[1].room.track("guest-video"));
    let mut viewers = Vec::new();
    for seat in &mut seats[2..] {
        seat.forward("slot-0-video", Some(&track));
        seat.forward("slot-1-video", Some(&of_other));
        let slot = seat.guest.track("slot-0-video");
        seat.guest.track("slot-1-video");
        Counter::of(&slot, &timebase).wait_for(2);
        viewers.push(slot);
    }
    thread::sleep(Duration::from_millis(1200));
    let before = [shown.asked.load(Ordering::SeqCst), other.asked.load(Ordering::SeqCst)];
    let started = Instant::now();
    let mut asked = 0;
    while started.elapsed() < Duration::from_secs(3) {
        for viewer in &viewers {
            request::ask(&viewer.producer);
            asked += 1;
        }
        thread::sleep(Duration::from_millis(30));
    }
    let heard = shown.asked.load(Ordering::SeqCst) - before[0];
    assert!((3..=9).contains(&heard), "{asked} were asked for, {heard} came through");
    assert_eq!(other.asked.load(Ordering::SeqCst), before[1], "somebody else's picture");
}

#[test]
fn what_is_no_longer_forwarded_stops_at_once() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let grey = Grey::of(60, &timebase);
    let (tone, [mut one, mut viewer]) = (Tone::start(&timebase), [1, 2].map(|n| Seat::take(n, 2, &timebase)));
    one.guest.link().send(Mid("guest-video".into()), Some(grey.feed()));
    one.guest.link().send(Mid("guest-audio".into()), Some(Feed { producer: tone.producer.clone(), cut: None }));
    for (slot, track) in [("slot-1-video", "guest-video"), ("slot-1-audio", "guest-audio")] {
        let track = one.room.track(track);
        viewer.forward(slot, Some(&track));
    }
    let counters = ["slot-1-video", "slot-1-audio"].map(|slot| Counter::of(&viewer.guest.track(slot), &timebase));
    counters.iter().for_each(|counter| counter.wait_for(10));
    for slot in ["slot-1-video", "slot-1-audio"] {
        viewer.forward(slot, None);
    }
    // What is in the viewer's own jitter buffer has left us before.
    thread::sleep(Duration::from_millis(250));
    let before = counters.each_ref().map(Counter::count);
    thread::sleep(Duration::from_millis(700));
    assert_eq!(counters.each_ref().map(Counter::count), before);
}

#[test]
fn each_channel_carries_its_own_words_and_one_that_was_not_agreed_is_closed() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let wanted = channels(3);
    let offer = Plan { data_channels: wanted.clone(), ..plan(DescriptionKind::Offer, hall_lines(3), &timebase) };
    let mut expected: Vec<DataChannel> = wanted.clone();
    expected.retain(|channel| channel.label != "text-2");
    let answer = Plan { data_channels: expected, ..plan(DescriptionKind::Answer, Vec::new(), &timebase) };
    let (mut room, mut guest) = (End::open(offer), End::open(answer));
    guest.link().describe(DescriptionKind::Offer, room.description(), true);
    room.link().describe(DescriptionKind::Answer, guest.description(), false);
    for label in ["chat", "text", "text-0", "text-1"] {
        let open = |event: &LinkEvent| matches!(event, LinkEvent::Channel(of, true) if of == label).then_some(());
        room.wait(open);
        guest.wait(open);
        room.link().data(label.into(), format!("to {label}").into_bytes());
        guest.link().data(label.into(), format!("from {label}").into_bytes());
        for (end, words) in [(&mut guest, format!("to {label}")), (&mut room, format!("from {label}"))] {
            end.wait(|event| match event {
                LinkEvent::Data(of, bytes) if of == label => {
                    assert_eq!(*bytes, words.as_bytes());
                    Some(())
                }
                _ => None,
            });
        }
    }
    let strange = |event: &LinkEvent| matches!(event, LinkEvent::Channel(of, _) if of == "text-2");
    guest.seen.extend(guest.events.try_iter());
    assert!(!guest.seen.iter().any(strange));
}

#[test]
fn a_hall_of_empty_slots_costs_little() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let tasks = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = tasks();
    let mut offers = Vec::new();
    let rooms: Vec<End> = (1..=8)
        .map(|number| {
            let of_room = Plan {
                link: LinkId(number),
                data_channels: channels(SLOTS - 1),
                ..plan(DescriptionKind::Offer, hall_lines(SLOTS - 1), &timebase)
            };
            let started = Instant::now();
            let mut room = End::open(of_room);
            assert!(room.description().matches("m=").count() == 21);
            offers.push(started.elapsed());
            room
        })
        .collect();
    thread::sleep(Duration::from_millis(300));
    let each = (tasks().saturating_sub(before)) / rooms.len();
    println!("offers after {offers:?}; {each} threads a link");
    // Other tests of this binary run beside this one.
    assert!(each < 32, "{each} threads a link");
}
