//! Microphone and speaker with a simulated room around them.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::streamproducer::ProducerSettings;
use gstreamer_utils::{ConsumptionLink, StreamProducer};
use subrosa_messages::Capture;
use subrosa_messages::frame as framing;
use subrosa_messages::guard::{MediaToGuard, PermitId};
use subrosa_messages::media::{CaptureHealth, Codec, LinkId, MediaToRoom, Mid, TrackId};
use subrosa_messages::outputs::Output;

use super::frame::{SAMPLES, samples, to_bytes};
use super::synthetic::{power_db, speech};
use super::*;
use crate::inbound::Meter;
use crate::permit::TellGuard;

/// A room in a temporary folder: microphone node, speaker socket, everything that was said.
struct Room {
    folder: tempfile::TempDir,
    sound: Sound,
    cut: Cut,
    timebase: Timebase,
    said: Receiver<MediaToRoom>,
    guard: Receiver<MediaToGuard>,
    tell: TellGuard,
}

impl Room {
    fn new() -> Self {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path());
        fs::create_dir_all(run.sim_nodes()).unwrap();
        let node = run.sim_nodes().join("microphone");
        let voice: Vec<u8> =
            speech(3.0, 180.0, 7).chunks_exact(SAMPLES).flat_map(|f| to_bytes(&echo_figures::to_frame(f))).collect();
        fs::write(&node, voice).unwrap();
        let board = Board::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml")).unwrap();
        let timebase = Timebase::start();
        let cut = Cut::microphone(&timebase);
        let (notify, said) = mpsc::channel();
        let (tell, guard) = mpsc::channel();
        let sound = Sound::new(
            &board,
            &run,
            &timebase,
            cut.clone(),
            Arc::new(move |word| {
                let _ended = notify.send(word);
            }),
        )
        .unwrap();
        let tell: TellGuard = Arc::new(move |word| {
            // The guard looks for its proof at once.
            if matches!(word, MediaToGuard::Closed { .. }) && node.exists() {
                assert!(is_closed(&node), "the guard was told of a close before there was one");
            }
            let _ended = tell.send(word);
        });
        Room { folder, sound, cut, timebase, said, guard, tell }
    }

    fn run(&self) -> RunDir {
        RunDir::new(self.folder.path())
    }

    fn node(&self) -> PathBuf {
        self.run().sim_nodes().join("microphone")
    }

    fn permit(&self) -> Permit {
        Permit::granted(PermitId(1), Capture::Microphone, vec![self.node()], self.tell.clone())
    }

    fn open(&self) {
        self.sound.open_microphone(self.permit());
        assert_eq!(self.next_health(), CaptureHealth::Running);
    }

    fn next_health(&self) -> CaptureHealth {
        loop {
            if let MediaToRoom::Capture { capture: Capture::Microphone, state } =
                self.said.recv_timeout(Duration::from_secs(5)).unwrap()
            {
                return state;
            }
        }
    }

    fn is_closed(&self) -> bool {
        is_closed(&self.node())
    }

    /// Opus packets as a link gets them: running time and time of arrival.
    fn packets(&self) -> (Consumer, Receiver<(gst::ClockTime, Instant)>) {
        let (sender, packets) = mpsc::channel();
        let consumer = Consumer::new(&self.sound.microphone(), &self.timebase, move |sample| {
            let pts = sample.buffer().and_then(gst::BufferRef::pts).unwrap();
            let _ended = sender.send((pts, Instant::now()));
        });
        (consumer, packets)
    }

    /// What the speaker plays, as frames.
    fn speaker(&self) -> Receiver<Vec<i16>> {
        let _gone = fs::remove_file(self.run().sim_outputs());
        let listener = UnixListener::bind(self.run().sim_outputs()).unwrap();
        let (sender, frames) = mpsc::channel();
        thread::spawn(move || {
            let Ok((mut socket, _)) = listener.accept() else { return };
            let mut decoder = framing::Decoder::<Output>::default();
            while let Ok(Some(frame)) = framing::read(&mut socket, &mut decoder) {
                assert_eq!(frame.message, Output::Sound);
                if sender.send(samples(&frame.body).collect()).is_err() {
                    return;
                }
            }
        });
        frames
    }
}

/// The guard's proof: a write lease is given only when nobody else has the node open. Asked for 100 ms: a child of another test has everything open that this
/// process has, until it executes its program.
fn is_closed(node: &Path) -> bool {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let node = File::open(node).unwrap();
    // SAFETY: fcntl on a descriptor that this function owns.
    let lease = |kind: libc::c_int| unsafe { libc::fcntl(node.as_raw_fd(), libc::F_SETLEASE, kind) };
    let asked = Instant::now();
    let mut closed = lease(libc::F_WRLCK) == 0;
    while !closed && asked.elapsed() < Duration::from_millis(100) {
        thread::sleep(Duration::from_millis(1));
        closed = lease(libc::F_WRLCK) == 0;
    }
    lease(libc::F_UNLCK);
    closed
}

/// Whatever a producer gives, as a link would take it.
struct Consumer {
    pipeline: gst::Pipeline,
    _link: ConsumptionLink,
}

impl Consumer {
    fn new(
        producer: &StreamProducer,
        timebase: &Timebase,
        take: impl Fn(&gst::Sample) + Send + Sync + 'static,
    ) -> Self {
        let source = gst_app::AppSrc::builder().format(gst::Format::Time).is_live(true).build();
        StreamProducer::configure_consumer(&source);
        let sink = gst_app::AppSink::builder()
            .sync(false)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        take(&sink.pull_sample().map_err(|_| gst::FlowError::Eos)?);
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            )
            .build();
        let pipeline = gst::Pipeline::new();
        timebase.rule(&pipeline);
        pipeline.add_many([source.upcast_ref::<gst::Element>(), sink.upcast_ref()]).unwrap();
        source.link(&sink).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let link = producer.add_consumer(&source).unwrap();
        Consumer { pipeline, _link: link }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// A guest who sends a tone.
struct Guest {
    pipeline: gst::Pipeline,
    inbound: Inbound,
}

impl Guest {
    fn new(link: u64, frequency: f64, timebase: &Timebase) -> Self {
        let pipeline = gst::parse::launch(&format!(
            "audiotestsrc is-live=true freq={frequency} volume=0.25 samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2 ! \
             opusenc ! appsink name=sink"
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        timebase.rule(&pipeline);
        let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        pipeline.set_state(gst::State::Playing).unwrap();
        let track = TrackId { link: LinkId(link), mid: Mid("guest-audio".to_owned()) };
        Guest { pipeline, inbound: Inbound { track, codec: Codec::Opus, producer, meter: Meter::default() } }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// How strong a tone is, in dB below a full sine (Goertzel).
fn tone_db(sound: &[i16], frequency: f64) -> f64 {
    let step = frequency * std::f64::consts::TAU / 48_000.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in sound.iter().enumerate() {
        let (sin, cos) = (step * n as f64).sin_cos();
        re += f64::from(*sample) * cos;
        im += f64::from(*sample) * sin;
    }
    20.0 * ((re * re + im * im).sqrt() * 2.0 / sound.len() as f64 / 32768.0).max(1e-9).log10()
}

fn take(frames: &Receiver<Vec<i16>>, count: usize) -> Vec<i16> {
    (0..count).flat_map(|_| frames.recv_timeout(Duration::from_secs(2)).unwrap()).collect()
}

#[test]
fn p3_after_a_mute_no_packet_comes_and_the_device_is_closed() {
    let room = Room::new();
    let (_consumer, packets) = room.packets();
    let (mut closes, mut closed) = (Vec::new(), Vec::new());
    for round in 0..10 {
        let asked = Instant::now();
        room.open();
        let (_, first) = packets.recv_timeout(Duration::from_secs(1)).unwrap();
        assert!(first - asked < Duration::from_millis(300), "round {round}: first packet after {:?}", first - asked);
        thread::sleep(Duration::from_millis(83 + 7 * round));

        let edge = Instant::now();
        room.cut.close();
        room.sound.close_microphone();
        let returned = Instant::now();
        closes.push(returned - edge);
        while !room.is_closed() {
            assert!(edge.elapsed() < Duration::from_secs(1), "the device is still open");
            thread::sleep(Duration::from_millis(1));
        }
        closed.push(edge.elapsed());
        assert_eq!(room.next_health(), CaptureHealth::Closed);
        thread::sleep(Duration::from_millis(60));
        for (pts, at) in packets.try_iter() {
            assert!(at <= returned, "a packet {:?} after the close", at - returned);
            assert!(pts < room.cut.at());
        }
        let permit = PermitId(1);
        let words: Vec<MediaToGuard> = room.guard.try_iter().collect();
        assert_eq!(words, [MediaToGuard::AllOpen { permit }, MediaToGuard::Closed { permit }]);
    }
    // No packet is late, ever. What it took is the processor's as well, and one of ten may have met a busy one.
    closes.sort();
    closed.sort();
    assert!(closes[8] < Duration::from_millis(50), "closing took {closes:?}");
    assert!(closed[8] < Duration::from_millis(100), "the device was closed after {closed:?}");
}

#[test]
fn packets_are_stamped_with_when_they_were_taken() {
    let room = Room::new();
    let (_consumer, packets) = room.packets();
    let start = (room.timebase.now(), Instant::now());
    room.open();
    let mut last = None;
    for _ in 0..50 {
        let (pts, at) = packets.recv_timeout(Duration::from_secs(1)).unwrap();
        let now = start.0 + gst::ClockTime::try_from(at - start.1).unwrap();
        assert!(pts < now, "stamped in the future");
        // On an idle machine 40 ms.
        assert!(now - pts < gst::ClockTime::from_mseconds(300), "{} old", now - pts);
        assert!(last.is_none_or(|last| pts > last));
        last = Some(pts);
    }
}

#[test]
fn p3_the_closed_gate_alone_ends_everything() {
    let room = Room::new();
    let (_consumer, packets) = room.packets();
    room.open();
    packets.recv_timeout(Duration::from_secs(1)).unwrap();
    room.cut.close();
    assert_eq!(room.next_health(), CaptureHealth::Closed);
    assert!(room.is_closed());
    let last = packets.try_iter().last();
    assert!(last.is_none_or(|(pts, _)| pts < room.cut.at()));
    assert!(packets.recv_timeout(Duration::from_millis(200)).is_err());
}

#[test]
fn what_the_microphone_takes_is_what_a_guest_hears() {
    let room = Room::new();
    let (heard, sound) = mpsc::channel();
    let link = TrackId { link: LinkId(1), mid: Mid("room-audio".to_owned()) };
    // The room's own packets, decoded and played by a second room.
    let there = Room::new();
    let frames = there.speaker();
    there.sound.play(vec![Inbound {
        track: link,
        codec: Codec::Opus,
        producer: room.sound.microphone(),
        meter: Meter::default(),
    }]);
    room.open();
    let played = take(&frames, 250);
    heard.send(played.clone()).unwrap();
    let played: Vec<f32> = sound.recv().unwrap().iter().skip(48_000).map(|x| f32::from(*x) / 32768.0).collect();
    assert!(power_db(&played) > -40.0, "{} dB", power_db(&played));
}

#[test]
fn a_microphone_that_is_not_there_is_missing_and_its_permit_goes_back() {
    let room = Room::new();
    fs::remove_file(room.node()).unwrap();
    room.sound.open_microphone(room.permit());
    assert_eq!(room.next_health(), CaptureHealth::Missing);
    assert_eq!(room.guard.recv().unwrap(), MediaToGuard::DidNotOpen { permit: PermitId(1) });
    assert!(!room.cut.is_open());
}

#[test]
fn p10_an_unplugged_microphone_closes_and_can_be_opened_again() {
    let room = Room::new();
    let (_consumer, packets) = room.packets();
    room.open();
    let spare = room.folder.path().join("spare");
    fs::rename(room.node(), &spare).unwrap();
    assert_eq!(room.next_health(), CaptureHealth::Missing);
    assert!(!room.cut.is_open());
    fs::rename(&spare, room.node()).unwrap();
    assert!(room.is_closed());
    let permit = PermitId(1);
    let words: Vec<MediaToGuard> = room.guard.try_iter().collect();
    assert_eq!(words, [MediaToGuard::AllOpen { permit }, MediaToGuard::Closed { permit }]);
    packets.try_iter().for_each(drop);
    room.open();
    packets.recv_timeout(Duration::from_secs(1)).unwrap();
}

#[test]
fn p2_a_permit_that_was_taken_back_opens_no_gate() {
    let room = Room::new();
    let (_consumer, packets) = room.packets();
    let permit = room.permit();
    permit.revocation().revoke();
    room.sound.open_microphone(permit);
    assert_eq!(room.next_health(), CaptureHealth::Closed);
    assert!(room.is_closed());
    assert!(packets.recv_timeout(Duration::from_millis(100)).is_err());
}

#[test]
fn opening_and_closing_faster_than_the_device_leaves_it_closed() {
    let room = Room::new();
    for round in 0..40_u64 {
        room.sound.open_microphone(room.permit());
        thread::sleep(Duration::from_micros(round * 700));
        room.cut.close();
        room.sound.close_microphone();
    }
    let start = Instant::now();
    while room.guard.try_iter().filter(|word| !matches!(word, MediaToGuard::AllOpen { .. })).count() > 0
        || start.elapsed() < Duration::from_millis(300)
    {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(room.is_closed());
    assert!(!room.cut.is_open());
    room.said.try_iter().for_each(drop);
    room.open();
}

#[test]
fn tracks_are_mixed_and_come_and_go() {
    let room = Room::new();
    let frames = room.speaker();
    let (low, high) = (Guest::new(1, 500.0, &room.timebase), Guest::new(2, 1250.0, &room.timebase));
    let strong = |sound: &[i16], frequency| tone_db(sound, frequency) > -20.0;

    room.sound.play(vec![low.inbound.clone()]);
    take(&frames, 60);
    let one = take(&frames, 20);
    assert!(strong(&one, 500.0) && !strong(&one, 1250.0));

    room.sound.play(vec![low.inbound.clone(), high.inbound.clone()]);
    take(&frames, 60);
    let both = take(&frames, 20);
    assert!(strong(&both, 500.0) && strong(&both, 1250.0));

    let levels: Vec<(TrackId, u8)> = room
        .said
        .try_iter()
        .filter_map(|word| match word {
            MediaToRoom::Loudness { track, level } => Some((track, level)),
            _ => None,
        })
        .collect();
    for guest in [&low, &high] {
        // A sine of a quarter of full scale: 12 dB for the amplitude, 3 dB for its shape.
        assert!(
            levels.iter().any(|(track, level)| *track == guest.inbound.track && (13..=17).contains(level)),
            "{levels:?}"
        );
    }

    // The first vanishes without a word, the second is still heard.
    drop(low);
    take(&frames, 60);
    let rest = take(&frames, 20);
    assert!(!strong(&rest, 500.0) && strong(&rest, 1250.0));

    // With nothing to play the speaker is closed.
    room.sound.play(Vec::new());
    let closed = Instant::now();
    while frames.recv_timeout(Duration::from_secs(1)) != Err(mpsc::RecvTimeoutError::Disconnected) {
        assert!(closed.elapsed() < Duration::from_secs(2), "sound is sent though nothing is played");
    }
}

/// Needs the kernel's loopback card (`modprobe snd-aloop pcm_substreams=1`): what is played on its first device is
/// taken from its second one.
#[test]
fn an_alsa_card_plays_and_takes_at_its_own_pace() {
    gst::init().unwrap();
    let cards = fs::read_to_string("/proc/asound/cards").unwrap_or_default();
    let Some(card) = cards.lines().find(|line| line.contains("[Loopback")).and_then(|line| line.split('[').next())
    else {
        println!("there is no loopback card: not tried");
        return;
    };
    let card = card.trim();
    let status = || fs::read_to_string(format!("/proc/asound/card{card}/pcm1c/sub0/status")).unwrap();
    let node = PathBuf::from(format!("/dev/snd/pcmC{card}D1c"));
    let board = subrosa_board::Speaker::Alsa { device: format!("hw:{card},0") };
    let playing = Arc::new(Stop::default());
    let stop = playing.clone();
    let player = thread::spawn(move || {
        let mut outlet = Outlet::new(&board, &RunDir::new("/nowhere"));
        let mut tone = 0..;
        let start = Instant::now();
        let mut frames = 0_u32;
        while !stop.is_raised() {
            let wave = tone.by_ref().take(SAMPLES).map(|n: u32| (f64::from(n) * 0.065_45).sin() * 8000.0);
            let mut frame = frame::SILENCE;
            frame.iter_mut().zip(wave).for_each(|(to, from)| *to = from as i16);
            outlet.play(&frame);
            frames += 1;
        }
        (frames, start.elapsed())
    });
    thread::sleep(Duration::from_millis(500));
    for round in 0..3 {
        assert_eq!(status().trim(), "closed");
        let asked = Instant::now();
        let mut device = microphone::open(subrosa_board::CaptureSource::Alsa, std::slice::from_ref(&node)).unwrap();
        let opened = asked.elapsed();
        let mut heard = Vec::new();
        let mut first = None;
        for _ in 0..100 {
            let mut frame = frame::SILENCE;
            device.read(&mut frame, &Stop::default()).unwrap();
            first.get_or_insert_with(|| asked.elapsed());
            heard.extend(frame);
        }
        let took = asked.elapsed();
        assert!(took > Duration::from_millis(900) && took < Duration::from_millis(1600), "100 frames took {took:?}");
        assert!(tone_db(&heard[9600..], 500.0) > -20.0, "{} dB", tone_db(&heard[9600..], 500.0));
        assert!(status().contains("RUNNING"), "{}", status());
        let edge = Instant::now();
        drop(device);
        let closed = edge.elapsed();
        assert_eq!(status().trim(), "closed");
        println!("round {round}: open {opened:?}, first frame {:?}, close {closed:?}", first.unwrap());
    }
    playing.raise();
    let (frames, took) = player.join().unwrap();
    let pace = f64::from(frames) * 0.01 / took.as_secs_f64();
    println!("{frames} frames played in {took:?}");
    assert!((0.9..1.1).contains(&pace), "{pace} of real time");
}

#[test]
fn lost_packets_are_concealed() {
    let room = Room::new();
    let frames = room.speaker();
    let guest = Guest::new(1, 500.0, &room.timebase);
    let count = std::sync::atomic::AtomicU64::new(0);
    let sink = guest.pipeline.by_name("sink").unwrap();
    // One packet of eight becomes a gap, as a depayloader says it.
    sink.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        if count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 8 != 5 {
            return gst::PadProbeReturn::Ok;
        }
        let buffer = info.buffer().unwrap();
        let gap = gst::event::Gap::builder(buffer.pts().unwrap()).duration(buffer.duration()).build();
        pad.send_event(gap);
        gst::PadProbeReturn::Handled
    });
    room.sound.play(vec![guest.inbound.clone()]);
    take(&frames, 60);
    // A player that was not woken in time plays silence, too: that is the machine's and not the same in each part. What is
    // not concealed is missing in all of them, 25 frames of 200.
    let weak = [(); 3].map(|()| {
        let heard = take(&frames, 200);
        heard.chunks(SAMPLES).filter(|frame| tone_db(frame, 500.0) < -20.0).count()
    });
    assert!(weak.iter().any(|weak| *weak <= 4), "of each 200 frames {weak:?} are not heard");
}

#[test]
fn p10_the_speaker_comes_back() {
    let room = Room::new();
    let guest = Guest::new(1, 500.0, &room.timebase);
    let frames = room.speaker();
    room.sound.play(vec![guest.inbound.clone()]);
    take(&frames, 20);
    drop(frames);
    thread::sleep(Duration::from_millis(100));
    let frames = room.speaker();
    let back = take(&frames, 150);
    assert!(tone_db(&back[back.len() - 9600..], 500.0) > -20.0);
}

/// In a process of its own: the threads of other tests have the same names.
#[test]
fn nothing_wakes_up_while_nothing_is_heard_and_nothing_listens() {
    let alone = format!("{}::wake_ups_of_a_silent_room", module_path!().split_once("::").unwrap().1);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &alone, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "run by the test above"]
fn wake_ups_of_a_silent_room() {
    let room = Room::new();
    let guest = Guest::new(1, 500.0, &room.timebase);
    let frames = room.speaker();
    room.open();
    room.sound.play(vec![guest.inbound.clone()]);
    take(&frames, 20);
    room.sound.play(Vec::new());
    room.cut.close();
    room.sound.close_microphone();
    drop(guest);
    assert_eq!(room.next_health(), CaptureHealth::Closed);
    thread::sleep(Duration::from_millis(300));
    let before = wake_ups();
    thread::sleep(Duration::from_secs(2));
    let after = wake_ups();
    let grown: u64 = after.iter().map(|(thread, sleeps)| sleeps - before.get(thread).unwrap_or(&0)).sum();
    // GLib's pool lets a thread go.
    assert!(grown <= 1, "{before:?} {after:?}");
}

/// How often each thread of this process, but the one that asks, has slept so far.
fn wake_ups() -> std::collections::BTreeMap<String, u64> {
    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap);
    tasks
        .filter(|task| *task.file_name() != *me)
        .filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let name = format!("{} {}", field("Pid:")?, field("Name:")?);
            Some((name, field("voluntary_ctxt_switches:")?.parse().ok()?))
        })
        .collect()
}
