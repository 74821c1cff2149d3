//! The media process as a whole: a guard and a room made of sockets, and a guest made of a link.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // this is a test

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_media::link::{Link, LinkEvent, Plan};
use subrosa_media::timebase::Timebase;
use subrosa_messages::frame::{self, Decoder};
use subrosa_messages::guard::{GuardToMedia, MediaToGuard, PermitId, Refusal};
use subrosa_messages::media::{
    Background, BackgroundState, CaptureHealth, Codec, Counters, Cover, DataChannel, DescriptionKind, Direction, Kind,
    Line, LinkId, LinkNetwork, LinkState, MediaConfiguration, MediaToRoom, Mid, RoomToMedia, Size, Source,
};
use subrosa_messages::{Capture, Pii};
use subrosa_process::peer;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::User;

#[path = "process/governor.rs"]
mod governor;
#[path = "process/hall.rs"]
mod hall;

const PATIENCE: Duration = Duration::from_secs(20);
const CARD: Size = Size { width: 640, height: 360 };

struct Stage {
    folder: tempfile::TempDir,
    media: Child,
    listener: UnixListener,
    guard: Guard,
    room: Option<Room>,
    /// Of all guests.
    timebase: Timebase,
}

struct Guard {
    socket: UnixStream,
    words: Receiver<MediaToGuard>,
    permits: u64,
}

struct Room {
    socket: UnixStream,
    words: Receiver<(MediaToRoom, Vec<u8>)>,
}

fn hear<M: serde::de::DeserializeOwned + Send + 'static>(socket: &UnixStream) -> Receiver<(M, Vec<u8>)> {
    let (sender, words) = mpsc::channel();
    let mut socket = socket.try_clone().unwrap();
    thread::spawn(move || {
        let mut decoder = Decoder::default();
        while let Ok(Some(frame)) = frame::read::<M>(&mut socket, &mut decoder) {
            if sender.send((frame.message, frame.body)).is_err() {
                return;
            }
        }
    });
    words
}

impl Guard {
    fn accept(listener: &UnixListener) -> Self {
        let (socket, _) = listener.accept().unwrap();
        let all = hear(&socket);
        let (sender, words) = mpsc::channel();
        thread::spawn(move || all.iter().try_for_each(|(word, _)| sender.send(word)));
        Guard { socket, words, permits: 0 }
    }

    fn say(&mut self, word: &GuardToMedia) {
        frame::write(&mut self.socket, word, &[]).unwrap();
    }

    fn may_ask(&mut self, capture: Capture, refusal: Option<Refusal>) {
        self.say(&GuardToMedia::MayAsk { capture, refusal });
    }

    fn heard(&self) -> MediaToGuard {
        self.words.recv_timeout(PATIENCE).unwrap()
    }

    /// Waits to be asked and grants.
    fn grant(&mut self, capture: Capture, node: &Path) -> PermitId {
        assert_eq!(self.heard(), MediaToGuard::Ask { capture });
        self.permits += 1;
        let permit = PermitId(self.permits);
        self.say(&GuardToMedia::Granted { permit, capture, nodes: vec![node.to_owned()] });
        assert_eq!(self.heard(), MediaToGuard::AllOpen { permit });
        permit
    }
}

impl Room {
    fn connect(path: &Path) -> Self {
        let started = Instant::now();
        let socket = loop {
            match UnixStream::connect(path) {
                Ok(socket) => break socket,
                Err(_) if started.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(10)),
                Err(error) => panic!("{error}"),
            }
        };
        let words = hear(&socket);
        Room { socket, words }
    }

    fn say(&mut self, word: &RoomToMedia, body: &[u8]) {
        frame::write(&mut self.socket, word, body).unwrap();
    }

    fn hide(&mut self, background: Background) {
        self.say(&RoomToMedia::Hide { background, size: Size { width: 0, height: 0 } }, &[]);
    }

    fn background(&self, wanted: BackgroundState) {
        self.wait(|word| (*word == MediaToRoom::Background(wanted)).then_some(()));
    }

    fn wait<T>(&self, wanted: impl Fn(&MediaToRoom) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let (word, _) = self.words.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap();
            if let Some(found) = wanted(&word) {
                return found;
            }
        }
    }

    fn health(&self, capture: Capture, wanted: CaptureHealth) {
        self.wait(|word| {
            matches!(word, MediaToRoom::Capture { capture: c, state } if (*c, *state) == (capture, wanted))
                .then_some(())
        });
    }

    fn link(&self, link: LinkId, wanted: LinkState) {
        self.wait(|word| {
            matches!(word, MediaToRoom::Link { link: l, state } if (*l, *state) == (link, wanted)).then_some(())
        });
    }

    fn count(&mut self) -> Counters {
        self.say(&RoomToMedia::Count, &[]);
        self.wait(|word| if let MediaToRoom::Counters(counters) = word { Some(*counters) } else { None })
    }
}

fn configuration() -> MediaConfiguration {
    MediaConfiguration {
        picture: CARD,
        frames_per_second: 30,
        max_bitrate: 1_500_000,
        screen: Size { width: 640, height: 360 },
        network: LinkNetwork { addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], udp_ports: None, turn: None },
        encoders: vec!["x264enc".into(), "openh264enc".into()],
    }
}

fn lines() -> Vec<Line> {
    let line = Line::new;
    vec![
        line("room-video", Codec::H264, Direction::Send),
        line("room-audio", Codec::Opus, Direction::Send),
        line("guest-video", Codec::Vp8, Direction::Receive),
        line("guest-audio", Codec::Opus, Direction::Receive),
    ]
}

impl Stage {
    fn set() -> Self {
        Self::with(&boards().join("sim.toml"), Path::new("/no model"))
    }

    fn with(board: &Path, model: &Path) -> Self {
        subrosa_media::plugins::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path().join("run"));
        for part in [run.guard(), run.media(), run.sim_nodes()] {
            fs::create_dir_all(part).unwrap();
        }
        let listener = peer::listen(&run.guard_for_media(), User::of_this_process()).unwrap();
        let media = command_with(folder.path(), board, model).spawn().unwrap();
        let guard = Guard::accept(&listener);
        let mut room = Room::connect(&run.media_for_room());
        room.say(&RoomToMedia::Configure(configuration()), &[]);
        let encoder =
            room.wait(|word| if let MediaToRoom::Ready { encoder } = word { Some(encoder.clone()) } else { None });
        assert_eq!(encoder.as_deref(), Some("x264enc"));
        room.hide(Background::AsItIs);
        room.say(&RoomToMedia::Card { size: CARD }, &[0, 0, 0, 255].repeat((CARD.width * CARD.height) as usize));
        Stage { folder, media, listener, guard, room: Some(room), timebase: Timebase::start() }
    }

    fn room(&mut self) -> &mut Room {
        self.room.as_mut().unwrap()
    }

    fn run(&self) -> RunDir {
        RunDir::new(self.folder.path().join("run"))
    }

    /// A camera node with one white frame.
    fn camera(&self) -> PathBuf {
        let node = self.run().sim_nodes().join("camera");
        let mut file = fs::File::create(&node).unwrap();
        file.write_all(&white_jpeg()).unwrap();
        node
    }

    fn open_camera(&mut self) -> PermitId {
        let node = self.camera();
        self.guard.may_ask(Capture::Camera, None);
        self.room().say(&RoomToMedia::Want { camera: true, microphone: false }, &[]);
        let permit = self.guard.grant(Capture::Camera, &node);
        self.room().health(Capture::Camera, CaptureHealth::Running);
        permit
    }

    /// A guest in the call, and the events of its link.
    fn guest(&mut self, link: LinkId) -> (Link, Receiver<LinkEvent>) {
        self.guest_with(link, lines(), vec![DataChannel::called("room")])
    }

    fn guest_with(
        &mut self,
        link: LinkId,
        lines: Vec<Line>,
        data_channels: Vec<DataChannel>,
    ) -> (Link, Receiver<LinkEvent>) {
        self.room().say(
            &RoomToMedia::OpenLink {
                link,
                side: DescriptionKind::Offer,
                lines,
                data_channels: data_channels.clone(),
                relay: None,
            },
            &[],
        );
        for (mid, source) in [("room-video", Source::RoomVideo), ("room-audio", Source::RoomAudio)] {
            self.room().say(&RoomToMedia::Send { link, mid: Mid(mid.into()), source }, &[]);
        }
        let offer = self.room().wait(|word| match word {
            MediaToRoom::Description { sdp, .. } => Some(sdp.reveal().clone()),
            _ => None,
        });
        let (sender, events) = mpsc::channel();
        let plan = Plan {
            link,
            side: DescriptionKind::Answer,
            lines: Vec::new(),
            data_channels: data_channels.into_iter().take(1).collect(),
            network: configuration().network,
            timebase: self.timebase.clone(),
            first_estimate: 1_500_000,
            max_estimate: 2_000_000,
        };
        let guest = Link::open(plan, Arc::new(move |_, event| drop(sender.send(event)))).unwrap();
        guest.describe(DescriptionKind::Offer, offer, true);
        let until = Instant::now() + PATIENCE;
        let answer = loop {
            if let LinkEvent::Description(_, sdp) = events.recv_timeout(until - Instant::now()).unwrap() {
                break sdp;
            }
        };
        let word =
            RoomToMedia::Description { link, kind: DescriptionKind::Answer, sdp: Pii::new(answer), candidates: false };
        self.room().say(&word, &[]);
        self.room().link(link, LinkState::Verified);
        (guest, events)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = self.media.kill();
        let _reaped = self.media.wait();
    }
}

fn boards() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards")
}

fn command(folder: &Path) -> Command {
    command_with(folder, &boards().join("sim.toml"), Path::new("/no model"))
}

fn command_with(folder: &Path, board: &Path, model: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_subrosa-media"));
    command
        .arg("--board")
        .arg(board)
        .arg("--run")
        .arg(folder.join("run"))
        .arg("--state")
        .arg(folder.join("state"))
        .arg("--model")
        .arg(model)
        .arg("--one-user")
        .stdin(Stdio::null());
    command
}

fn white_jpeg() -> Vec<u8> {
    use gst::prelude::*;
    use gstreamer as gst;
    let text = "videotestsrc num-buffers=1 pattern=white ! video/x-raw,format=I420,width=640,height=360 ! jpegenc ! appsink name=out";
    let pipeline = gst::parse::launch(text).unwrap().downcast::<gst::Pipeline>().unwrap();
    let out = pipeline.by_name("out").unwrap().downcast::<gstreamer_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let frame = out.pull_sample().unwrap().buffer().unwrap().map_readable().unwrap().to_vec();
    pipeline.set_state(gst::State::Null).unwrap();
    frame
}

fn track(events: &Receiver<LinkEvent>, kind: Kind) -> subrosa_media::inbound::Inbound {
    let until = Instant::now() + PATIENCE;
    loop {
        match events.recv_timeout(until.saturating_duration_since(Instant::now())).unwrap() {
            LinkEvent::Track(inbound) if inbound.codec.kind() == kind => return inbound,
            _ => {}
        }
    }
}

#[test]
fn p3_a_revocation_closes_the_device_within_fifty_milliseconds_over_and_over() {
    let mut stage = Stage::set();
    let (_guest, events) = stage.guest(LinkId(1));
    track(&events, Kind::Video);
    let mut permit = stage.open_camera();
    let mut took = Vec::new();
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(120));
        stage.guard.may_ask(Capture::Camera, Some(Refusal::Switch));
        let edge = Instant::now();
        stage.guard.say(&GuardToMedia::Revoke { permit });
        assert_eq!(stage.guard.heard(), MediaToGuard::Closed { permit });
        took.push(edge.elapsed());
        let frames = stage.room().count().camera_frames;
        thread::sleep(Duration::from_millis(80));
        assert_eq!(stage.room().count().camera_frames, frames, "not one frame after the close");
        stage.guard.may_ask(Capture::Camera, None);
        let node = stage.run().sim_nodes().join("camera");
        permit = stage.guard.grant(Capture::Camera, &node);
    }
    took.sort();
    println!("revocation → closed: p50 {:?}, max {:?}", took[took.len() / 2], took[took.len() - 1]);
    assert!(took[took.len() * 9 / 10] < Duration::from_millis(50), "{took:?}");
}

#[test]
fn p1_p10_without_the_guard_the_camera_closes_and_the_call_goes_on() {
    let mut stage = Stage::set();
    let (guest, events) = stage.guest(LinkId(1));
    track(&events, Kind::Video);
    stage.open_camera();
    stage.guard.socket.shutdown(std::net::Shutdown::Both).unwrap();
    stage.room().health(Capture::Camera, CaptureHealth::Closed);
    let frames = stage.room().count().camera_frames;
    let heard = guest.figures().heard();
    thread::sleep(Duration::from_millis(600));
    assert_eq!(stage.room().count().camera_frames, frames);
    assert!(guest.figures().heard() > heard, "card and silence go on");
    stage.guard = Guard::accept(&stage.listener);
    stage.guard.may_ask(Capture::Camera, None);
    let node = stage.run().sim_nodes().join("camera");
    stage.guard.grant(Capture::Camera, &node);
    stage.room().health(Capture::Camera, CaptureHealth::Running);
}

#[test]
fn p10_the_loop_says_that_it_turns_and_a_frozen_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDir::new(folder.path().join("run"));
    for part in [run.guard(), run.media()] {
        fs::create_dir_all(part).unwrap();
    }
    let path = folder.path().join("notify");
    let watchdog = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    watchdog.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut media = command(folder.path()).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "6000000").spawn().unwrap();
    let beats = |count: usize| {
        let mut seen = 0;
        let mut bytes = [0; 256];
        while seen < count {
            let length = watchdog.recv(&mut bytes).ok()?;
            seen += usize::from(String::from_utf8_lossy(&bytes[..length]).contains("WATCHDOG=1"));
        }
        Some(())
    };
    assert!(beats(3).is_some());
    rustix::process::kill_process(rustix::process::Pid::from_child(&media), rustix::process::Signal::STOP).unwrap();
    watchdog.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    let _one_may_be_on_its_way = beats(1);
    assert!(beats(1).is_none());
    media.kill().unwrap();
    media.wait().unwrap();
}

#[test]
fn p2_nothing_opens_when_only_the_room_wants_it() {
    let mut stage = Stage::set();
    stage.camera();
    stage.room().say(&RoomToMedia::Want { camera: true, microphone: true }, &[]);
    stage.guard.may_ask(Capture::Camera, Some(Refusal::Asleep));
    assert!(stage.guard.words.recv_timeout(Duration::from_millis(500)).is_err(), "not even asked for");
    assert_eq!(stage.room().count().camera_frames, 0);
}

/// A camera that is open while nothing can be hidden: there is no model.
fn covered() -> (Stage, PermitId) {
    let mut stage = Stage::set();
    stage.room().hide(Background::Strong);
    stage.room().background(BackgroundState::Covered(Cover::ModelMissing));
    let node = stage.camera();
    stage.guard.may_ask(Capture::Camera, None);
    stage.room().say(&RoomToMedia::Want { camera: true, microphone: false }, &[]);
    let permit = stage.guard.grant(Capture::Camera, &node);
    // The first frame asks for a segmenter, and there is none.
    stage.room().background(BackgroundState::Covered(Cover::Starting));
    stage.room().background(BackgroundState::Covered(Cover::ModelMissing));
    (stage, permit)
}

#[test]
fn p4_without_a_model_no_frame_of_the_camera_is_sent_and_the_room_is_told() {
    let (mut stage, _) = covered();
    thread::sleep(Duration::from_millis(500));
    assert_eq!(stage.room().count().camera_frames, 0);
    stage.room().hide(Background::AsItIs);
    stage.room().background(BackgroundState::AsItIs);
    stage.room().health(Capture::Camera, CaptureHealth::Running);
}

#[test]
fn p2_p4_only_the_guard_uncovers_and_the_second_press_or_the_room_s_end_covers() {
    let (mut stage, _) = covered();
    let revealed = |room: &Room| {
        room.wait(|word| match word {
            MediaToRoom::Background(BackgroundState::Revealed { left_ms }) => Some(*left_ms),
            _ => None,
        })
    };
    for _ in 0..2 {
        stage.guard.say(&GuardToMedia::Reveal);
        assert!((59_000..=60_000).contains(&revealed(stage.room())));
        let before = stage.room().count().camera_frames;
        let started = Instant::now();
        while stage.room().count().camera_frames <= before {
            assert!(started.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(10));
        }
        stage.guard.say(&GuardToMedia::Reveal);
        stage.room().background(BackgroundState::Covered(Cover::ModelMissing));
        let after = stage.room().count().camera_frames;
        thread::sleep(Duration::from_millis(300));
        assert_eq!(stage.room().count().camera_frames, after, "not one more");
    }
    stage.guard.say(&GuardToMedia::Reveal);
    revealed(stage.room());
    // Whatever the room wants to hide, in whatever words, ends it.
    stage.room().hide(Background::Strong);
    stage.room().background(BackgroundState::Covered(Cover::ModelMissing));
    let after = stage.room().count().camera_frames;
    thread::sleep(Duration::from_millis(300));
    assert_eq!(stage.room().count().camera_frames, after);
}

#[test]
fn p10_a_room_that_dies_ends_the_links_and_the_captures_and_finds_media_ready() {
    let mut stage = Stage::set();
    let (_guest, events) = stage.guest(LinkId(1));
    track(&events, Kind::Video);
    let permit = stage.open_camera();
    assert_eq!(stage.room().count().links, 1);
    drop(stage.room.take().map(|room| room.socket.shutdown(std::net::Shutdown::Both)));
    assert_eq!(stage.guard.heard(), MediaToGuard::Closed { permit });
    let mut room = Room::connect(&stage.run().media_for_room());
    room.say(&RoomToMedia::Configure(configuration()), &[]);
    room.wait(|word| matches!(word, MediaToRoom::Ready { .. }).then_some(()));
    stage.room = Some(room);
    assert_eq!(stage.room().count().links, 0);
    let (_guest, events) = stage.guest(LinkId(2));
    track(&events, Kind::Video);
}

#[test]
fn p10_a_configuration_that_cannot_be_made_ends_the_process_in_words() {
    let mut stage = Stage::set();
    let permit = stage.open_camera();
    let mut wrong = configuration();
    wrong.picture = Size { width: 0, height: 0 };
    stage.room().say(&RoomToMedia::Configure(wrong), &[]);
    assert_eq!(stage.guard.heard(), MediaToGuard::Closed { permit }, "closed before the end");
    let status = stage.media.wait().unwrap();
    assert_eq!(status.code(), Some(1), "whoever starts it again learns that it failed");
}

#[test]
fn links_come_and_go_and_nothing_grows() {
    let mut stage = Stage::set();
    let threads = |stage: &mut Stage| stage.room().count().threads;
    let descriptors = |stage: &Stage| fs::read_dir(format!("/proc/{}/fd", stage.media.id())).map(Iterator::count);
    let mut first = None;
    for round in 1..=12 {
        let link = LinkId(round);
        let (guest, events) = stage.guest(link);
        track(&events, Kind::Video);
        stage.room().say(&RoomToMedia::CloseLink { link }, &[]);
        stage.room().link(link, LinkState::Closed);
        drop(guest);
        if round == 3 {
            thread::sleep(Duration::from_millis(500));
            first = Some((threads(&mut stage), descriptors(&stage)));
        }
    }
    thread::sleep(Duration::from_millis(500));
    let (threads_then, descriptors_then) = first.unwrap();
    let (threads_now, descriptors_now) = (threads(&mut stage), descriptors(&stage));
    assert!(threads_now <= threads_then + 3, "threads: {threads_then} → {threads_now}");
    if let (Ok(then), Ok(now)) = (descriptors_then, descriptors_now) {
        assert!(now <= then + 6, "descriptors: {then} → {now}");
    }
}
