//! Several guests of one media process.

use std::fs::File;
use std::os::unix::fs::FileExt;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_utils::StreamProducer;
use gstreamer_utils::streamproducer::ProducerSettings;
use subrosa_media::inbound::Inbound;
use subrosa_media::link::Feed;
use subrosa_messages::media::TrackId;

use super::*;

const SLOTS: usize = 2;

fn hall_lines() -> Vec<Line> {
    let line = |mid: String, codec, direction| Line::new(&mid, codec, direction);
    let mut all = lines();
    all.push(line("guest-screen".into(), Codec::Vp8, Direction::Receive));
    all.push(line("screen".into(), Codec::Vp8, Direction::Send));
    for slot in 0..SLOTS {
        all.push(line(format!("slot-{slot}-video"), Codec::Vp8, Direction::Send));
        all.push(line(format!("slot-{slot}-audio"), Codec::Opus, Direction::Send));
    }
    all
}

/// Something that a guest sends.
struct Sent {
    pipeline: gst::Pipeline,
    producer: StreamProducer,
}

impl Sent {
    fn of(timebase: &Timebase, text: &str) -> Self {
        let pipeline = gst::parse::launch(&format!("{text} ! appsink name=out")).unwrap();
        let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
        timebase.rule(&pipeline);
        let sink = pipeline.by_name("out").unwrap().downcast::<gstreamer_app::AppSink>().unwrap();
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        pipeline.set_state(gst::State::Playing).unwrap();
        Sent { pipeline, producer }
    }

    fn picture(timebase: &Timebase) -> Self {
        Sent::of(
            timebase,
            "videotestsrc is-live=true ! video/x-raw,width=160,height=90,framerate=15/1 ! vp8enc deadline=1 keyframe-max-dist=1000",
        )
    }

    fn sound(timebase: &Timebase) -> Self {
        Sent::of(timebase, "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! opusenc")
    }

    fn feed(&self) -> Feed {
        Feed { producer: self.producer.clone(), cut: None }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

struct Attendee {
    id: LinkId,
    _link: Link,
    events: Receiver<LinkEvent>,
    tracks: Vec<Inbound>,
}

impl Attendee {
    /// Comes, and sends picture and sound.
    fn comes(stage: &mut Stage, number: u64, sent: &[Sent; 2]) -> Self {
        let id = LinkId(number);
        let (link, events) = stage.guest_with(id, hall_lines(), vec![DataChannel::called("chat")]);
        for (mid, sent) in ["guest-video", "guest-audio"].into_iter().zip(sent) {
            link.send(Mid(mid.into()), Some(sent.feed()));
        }
        let said = |word: &MediaToRoom| matches!(word, MediaToRoom::Track { track, .. } if track.link == id && track.mid.0 == "guest-video");
        stage.room().wait(|word| said(word).then_some(()));
        Attendee { id, _link: link, events, tracks: Vec::new() }
    }

    fn sends(&self, mid: &str) -> TrackId {
        TrackId { link: self.id, mid: Mid(mid.into()) }
    }

    /// How many bytes have come on a line.
    fn bytes(&mut self, mid: &str) -> u64 {
        for event in self.events.try_iter() {
            if let LinkEvent::Track(inbound) = event {
                self.tracks.retain(|track| track.track.mid != inbound.track.mid);
                self.tracks.push(inbound);
            }
        }
        self.tracks.iter().find(|track| track.track.mid.0 == mid).map_or(0, |track| track.meter.bytes())
    }

    fn receives(&mut self, mid: &str) {
        let before = self.bytes(mid);
        let started = Instant::now();
        while self.bytes(mid) <= before + 1000 {
            assert!(started.elapsed() < PATIENCE, "nothing comes on {mid}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn receives_nothing_more(&mut self, mid: &str) {
        thread::sleep(Duration::from_millis(300));
        let before = self.bytes(mid);
        thread::sleep(Duration::from_millis(500));
        assert_eq!(self.bytes(mid), before, "{mid}");
    }
}

fn forward(stage: &mut Stage, from: &Attendee, to: LinkId, slot: usize) {
    for kind in ["video", "audio"] {
        let source = Source::Forward(from.sends(&format!("guest-{kind}")));
        let word = RoomToMedia::Send { link: to, mid: Mid(format!("slot-{slot}-{kind}")), source };
        stage.room().say(&word, &[]);
    }
}

#[test]
fn three_see_and_hear_each_other_and_who_leaves_is_nowhere() {
    let mut stage = Stage::set();
    let sent = [Sent::picture(&stage.timebase), Sent::sound(&stage.timebase)];
    let mut all: Vec<Attendee> = (1..=3).map(|number| Attendee::comes(&mut stage, number, &sent)).collect();
    for to in 0..3 {
        for (slot, from) in (0..3).filter(|from| *from != to).enumerate() {
            forward(&mut stage, &all[from], LinkId(to as u64 + 1), slot);
        }
    }
    for attendee in &mut all {
        for mid in ["room-video", "slot-0-video", "slot-0-audio", "slot-1-video", "slot-1-audio"] {
            attendee.receives(mid);
        }
    }
    // The second of three goes: the first saw them in slot 0, the third in slot 1.
    let gone = all.remove(1);
    stage.room().say(&RoomToMedia::CloseLink { link: gone.id }, &[]);
    stage.room().link(gone.id, LinkState::Closed);
    for (attendee, slot) in [(0, 0), (1, 1)] {
        for kind in ["video", "audio"] {
            all[attendee].receives_nothing_more(&format!("slot-{slot}-{kind}"));
            all[attendee].receives(&format!("slot-{}-{kind}", 1 - slot));
        }
    }
}

#[test]
fn joins_and_leaves_of_a_meeting_leave_nothing_behind() {
    let mut stage = Stage::set();
    let sent = [Sent::picture(&stage.timebase), Sent::sound(&stage.timebase)];
    let mut stays = Attendee::comes(&mut stage, 1, &sent);
    let (mut first, rounds) = (None, 30);
    let look = |stage: &mut Stage| {
        thread::sleep(Duration::from_millis(500));
        let folder = format!("/proc/{}/fd", stage.media.id());
        (stage.room().count().threads, fs::read_dir(folder).map_or(0, Iterator::count))
    };
    for round in 2..=rounds {
        let mut comes = Attendee::comes(&mut stage, round, &sent);
        forward(&mut stage, &comes, LinkId(1), 0);
        forward(&mut stage, &stays, comes.id, 1);
        comes.receives("slot-1-video");
        stays.receives("slot-0-video");
        stage.room().say(&RoomToMedia::CloseLink { link: comes.id }, &[]);
        stage.room().link(comes.id, LinkState::Closed);
        if round == 8 {
            first = Some(look(&mut stage));
        }
    }
    let (first, last) = (first.unwrap(), look(&mut stage));
    println!("threads and descriptors: {first:?} → {last:?}");
    assert!(last.0 <= first.0 + 6 && last.1 <= first.1 + 6, "{first:?} → {last:?}");
}

/// How often a text is in the writable memory of a process.
fn found(pid: u32, text: &str) -> usize {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut piece = vec![0; (to - from).min(1 << 28) as usize];
        let length = memory.read_at(&mut piece, from).unwrap_or(0);
        for at in (0..length.saturating_sub(text.len())).filter(|at| piece[*at..].starts_with(text.as_bytes())) {
            found += 1;
            let around = &piece[at.saturating_sub(60)..(at + 60).min(length)];
            println!("in {line}: {}", String::from_utf8_lossy(around).escape_debug());
        }
    }
    found
}

#[test]
fn p6_what_was_written_is_not_in_the_memory_of_media_when_it_is_over() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root reads the memory of another process");
        return;
    }
    let mut stage = Stage::set();
    let link = LinkId(1);
    let (guest, events) = stage.guest_with(link, hall_lines(), vec![DataChannel::called("chat")]);
    stage.room().wait(|word| {
        matches!(word, MediaToRoom::Channel { channel, open: true, .. } if channel == "chat").then_some(())
    });
    let until = Instant::now() + PATIENCE;
    while !matches!(events.recv_timeout(until - Instant::now()).unwrap(), LinkEvent::Channel(of, true) if of == "chat")
    {
    }
    // Short ones and long ones are kept by different parts of an allocator.
    let lines: Vec<String> = (0..40).map(|n| format!("rosebud-{n:02}-{}", "vertraulich ".repeat(n * n))).collect();
    for line in &lines {
        guest.data("chat".into(), line.as_bytes().to_vec());
        stage.room().wait(|word| matches!(word, MediaToRoom::Data { channel, .. } if channel == "chat").then_some(()));
        stage.room().say(&RoomToMedia::Data { link, channel: "chat".into() }, line.as_bytes());
    }
    let mut came = 0;
    while came < lines.len() {
        if let LinkEvent::Data(_, bytes) = events.recv_timeout(until - Instant::now()).unwrap() {
            assert!(String::from_utf8(bytes).unwrap().starts_with("rosebud-"));
            came += 1;
        }
    }
    let during = found(stage.media.id(), "rosebud-");
    stage.room().say(&RoomToMedia::CloseLink { link }, &[]);
    stage.room().link(link, LinkState::Closed);
    drop(guest);
    thread::sleep(Duration::from_secs(1));
    let after = found(stage.media.id(), "rosebud-");
    println!("found {during} times during the meeting and {after} times afterwards");
    assert_eq!(after, 0);
}
