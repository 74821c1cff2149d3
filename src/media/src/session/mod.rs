//! The main loop: one thread, one inbox. It routes between room, guard, devices, encoders and links; what is to be
//! decided is decided in [`crate::captures`], [`crate::encode::rate`], [`crate::link::carry`] and [`crate::link::liveness`].

mod devices;
mod links;
mod rate;
mod works;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use subrosa_board::{Board, BoardError, FindError};
use subrosa_messages::Capture;
use subrosa_messages::doctor::{DoctorToMedia, Echo, MediaToDoctor};
use subrosa_messages::frame::Frame;
use subrosa_messages::media::{
    CaptureHealth, Codec, Counters, LinkId, MediaConfiguration, MediaToRoom, Picture, RoomToMedia, TrackId,
};
use subrosa_process::peer;
use subrosa_process::run_dir::RunDir;
use subrosa_process::share::Share;
use subrosa_process::users::{UserError, Users};

use crate::blur::Blur;
use crate::blur::segmenter::Place;
use crate::captures::{self, Captures};
use crate::cut::Cuts;
use crate::doctor::Wishes;
use crate::encode::Run;
use crate::encode::narrowed;
use crate::encode::rows::Row;
use crate::guard::{self, GuardEvent};
use crate::link::{LinkEvent, certificate};
use crate::plugins::{self, PluginsError};
use crate::reveal::{self, Reveal};
use crate::room::{self, DoorEvent, RoomEvent, Say, SayTo};
use crate::timebase::Timebase;
use links::Links;
use works::{Works, WorksError};

/// Estimates are followed this often while there are links.
const TICK: Duration = Duration::from_millis(250);

/// Until the room says otherwise, in percent.
const FULL_VOLUME: u8 = 100;

/// The loop says this often that it turns, where somebody wants to hear it: `WatchdogSec=` of the unit, and
/// `subrosa run`. A process that hangs is killed and started again.
const BEAT: Duration = Duration::from_secs(2);

/// What the command line says.
#[derive(Clone, Debug, clap::Args)]
pub struct Settings {
    /// The board: a name, a file, or "auto" for the one that is for this machine.
    #[arg(long)]
    pub board: String,
    /// The run directory, where all sockets are.
    #[arg(long)]
    pub run: PathBuf,
    /// The state folder; this process keeps what it learnt about the machine in `media/` below it.
    #[arg(long)]
    pub state: PathBuf,
    /// The model that tells people from what is behind them.
    #[arg(long)]
    pub model: PathBuf,
    /// All processes run as the user of this one.
    #[arg(long)]
    pub one_user: bool,
}

impl Settings {
    /// This process's own state folder.
    #[must_use]
    pub fn own_state(&self) -> PathBuf {
        self.state.join("media")
    }
}

/// Why the process does not start.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The board file.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// Which board.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The users.
    #[error(transparent)]
    Users(#[from] UserError),
    /// GStreamer.
    #[error(transparent)]
    Plugins(#[from] PluginsError),
    /// The socket for the room.
    #[error("the socket {path} cannot be made: is the folder there, and does it belong to the user of this process?")]
    Listen {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Threads.
    #[error("no thread can be started")]
    Threads(#[from] io::Error),
    /// What the room's configuration asks for.
    #[error(transparent)]
    Works(#[from] WorksError),
}

/// Something happened.
#[derive(Debug)]
enum Happening {
    Room(RoomEvent),
    Doctor(DoorEvent<DoctorToMedia>),
    Guard(GuardEvent),
    Link(LinkId, LinkEvent),
    Health(Capture, CaptureHealth),
    EncoderFailed(Codec, Run),
    Trial(u64, &'static Row),
    TrialsDone(u64),
}

/// Runs the media process until it is ended.
///
/// # Errors
/// When it cannot start.
pub fn serve(settings: &Settings) -> Result<(), SessionError> {
    let board = Board::load(&Share::find(None).board_file(&settings.board)?)?;
    // Made by the supervisor or by systemd where this user may not; without it results are only not remembered.
    let _already_there = std::fs::create_dir_all(settings.own_state());
    let run = RunDir::new(&settings.run);
    let users = Users::find(settings.one_user)?;
    let listen =
        |path: PathBuf, user| peer::listen(&path, user).map_err(|source| SessionError::Listen { path, source });
    let listener = listen(run.media_for_room(), users.room)?;
    let for_doctor = listen(run.media_for_doctor(), users.doctor)?;
    // Before the guard is asked for anything: see `plugins::start`.
    plugins::start()?;
    let rows = narrowed::of_board(&board)?;
    narrowed::check_elements(&board)?;
    certificate::keep();
    let timebase = Timebase::start();
    let cuts = Cuts::new(&timebase);
    let (inbox, happenings) = mpsc::channel();
    let say = Say::default();
    let words = guard::Words::default();
    let to_loop = inbox.clone();
    room::attend("room", listener, users.room, &say, move |event| drop(to_loop.send(Happening::Room(event))))?;
    let (to_loop, say_doctor) = (inbox.clone(), SayTo::default());
    room::attend("doctor", for_doctor, users.doctor, &say_doctor, move |event| {
        drop(to_loop.send(Happening::Doctor(event)));
    })?;
    let to_loop = inbox.clone();
    guard::attend(run.guard_for_media(), users.guard, &cuts, &words, move |event| {
        drop(to_loop.send(Happening::Guard(event)));
    })?;
    let _not_under_systemd = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let place = Place { model: settings.model.clone(), line: run.sim_segmenter() };
    let to_room = say.clone();
    let tell = Arc::new(move |state| to_room.say(MediaToRoom::Background(state), Vec::new()));
    let blur = Blur::new(&board.blur, place, tell);
    let surroundings = Surroundings {
        board,
        rows,
        run,
        state: settings.own_state(),
        timebase,
        cuts,
        blur,
        say,
        say_doctor,
        words,
        inbox: inbox.clone(),
    };
    Ok(Session::new(surroundings).work(&happenings)?)
}

/// What lives as long as the process.
struct Surroundings {
    board: Board,
    /// The board's encoders, as it narrows them.
    rows: Vec<&'static Row>,
    run: RunDir,
    state: PathBuf,
    timebase: Timebase,
    cuts: Cuts,
    blur: Blur,
    say: Say,
    say_doctor: SayTo<MediaToDoctor>,
    words: guard::Words,
    inbox: Sender<Happening>,
}

impl Surroundings {
    fn say(&self, message: MediaToRoom) {
        self.say.say(message, Vec::new());
    }

    /// Says something to the room, and to the loop what it has to know of it.
    fn notify(&self) -> crate::Notify {
        let (say, inbox) = (self.say.clone(), self.inbox.clone());
        Arc::new(move |message| {
            if let MediaToRoom::Capture { capture, state } = message {
                drop(inbox.send(Happening::Health(capture, state)));
            }
            say.say(message, Vec::new());
        })
    }
}

struct Session {
    around: Surroundings,
    works: Option<Works>,
    links: Links,
    camera: Captures,
    microphone: Captures,
    reveal: Reveal,
    health: [CaptureHealth; 2],
    wishes: Wishes,
    pictures: Vec<Picture>,
    played: Vec<TrackId>,
    volume: u8,
    next_tick: Option<Instant>,
    next_beat: Option<Instant>,
    /// Links that the room asked for before an encoder was found.
    early: Vec<Frame<RoomToMedia>>,
    configurations: u64,
}

impl Session {
    fn new(around: Surroundings) -> Self {
        Session {
            around,
            works: None,
            links: Links::default(),
            camera: Captures::default(),
            microphone: Captures::default(),
            reveal: Reveal::default(),
            health: [CaptureHealth::Closed; 2],
            wishes: Wishes::default(),
            pictures: Vec::new(),
            played: Vec::new(),
            volume: FULL_VOLUME,
            next_tick: None,
            next_beat: std::env::var_os("WATCHDOG_USEC").map(|_| Instant::now()),
            early: Vec::new(),
            configurations: 0,
        }
    }

    /// Ends with an error when what a configuration asks for cannot be made: whoever restarts the process tries again, and
    /// the room's screen says that media is starting. Living on without sound or screen would say nothing.
    fn work(mut self, happenings: &Receiver<Happening>) -> Result<(), WorksError> {
        loop {
            self.beat(Instant::now());
            let deadlines = [
                self.next_tick,
                self.next_beat,
                self.camera.deadline(),
                self.microphone.deadline(),
                self.reveal.deadline(),
            ];
            let happening = match deadlines.into_iter().flatten().min() {
                None => happenings.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(deadline) => happenings.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            };
            match happening {
                Ok(happening) => self.happened(happening)?,
                Err(RecvTimeoutError::Timeout) => self.time_passed(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    fn beat(&mut self, now: Instant) {
        if self.next_beat.is_some_and(|beat| now >= beat) {
            self.next_beat = Some(now + BEAT);
            let _nobody_listens = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }

    fn happened(&mut self, happening: Happening) -> Result<(), WorksError> {
        match happening {
            Happening::Room(RoomEvent::Said(frame)) => return self.room_said(frame),
            Happening::Room(RoomEvent::Gone) => self.room_gone(),
            Happening::Doctor(DoorEvent::Said(frame)) => self.doctor_said(frame.message),
            Happening::Doctor(DoorEvent::Gone) => {
                self.wishes.doctor_wants(false, false);
                self.wish();
            }
            Happening::Guard(event) => self.guard_said(event),
            Happening::Link(link, event) => self.link_said(link, event),
            Happening::Health(capture, state) => {
                if let Some(health) = self.health.get_mut(usize::from(capture == Capture::Microphone)) {
                    *health = state;
                }
                self.capture(capture, captures::Event::Health(state), None);
            }
            Happening::EncoderFailed(codec, run) => {
                let change = self.works.as_mut().map(|works| works.encoder_failed(codec, run));
                self.encoders_changed(change.unwrap_or_default());
            }
            Happening::Trial(configuration, row) if configuration == self.configurations => {
                let first = self.works.as_mut().is_some_and(|works| works.row_passed(row));
                if first {
                    self.ready();
                }
            }
            Happening::TrialsDone(configuration) if configuration == self.configurations => {
                let none = self.works.as_mut().is_some_and(Works::no_more_rows);
                if none {
                    self.ready();
                }
            }
            Happening::Trial(..) | Happening::TrialsDone(_) => {}
        }
        Ok(())
    }

    fn time_passed(&mut self, now: Instant) {
        self.reveal(reveal::Event::Tick);
        self.capture(Capture::Camera, captures::Event::Tick, None);
        self.capture(Capture::Microphone, captures::Event::Tick, None);
        if self.next_tick.is_some_and(|tick| now >= tick) {
            self.next_tick = (!self.links.is_empty()).then(|| now + TICK);
            for (link, state) in self.links.look(now) {
                self.around.say(MediaToRoom::Link { link, state });
            }
            if let Some(works) = &self.works {
                self.links.weigh(now, |codec| works.whole(codec));
            }
            for codec in [Codec::H264, Codec::Vp8] {
                let viewers = self.links.viewers(codec);
                let change = self.works.as_mut().map(|works| works.follow(now, codec, &viewers));
                self.encoders_changed(change.unwrap_or_default());
            }
            for (link, mid, paused) in self.links.settle() {
                self.around.say(MediaToRoom::Paused { link, mid, paused });
            }
        }
    }

    fn room_said(&mut self, frame: Frame<RoomToMedia>) -> Result<(), WorksError> {
        let Frame { message, body } = frame;
        match message {
            RoomToMedia::Configure(configuration) => return self.configure(configuration),
            RoomToMedia::Want { camera, microphone } => {
                self.wishes.room_wants(camera, microphone);
                self.wish();
            }
            RoomToMedia::Hide { background, size } => {
                self.reveal(reveal::Event::Hides(background.hides()));
                if let Err(error) = self.around.blur.hide(background, size, body) {
                    tracing::warn!("{error}");
                }
            }
            RoomToMedia::Card { size } => self.with_works(|works| works.card(size, body)),
            RoomToMedia::Overlay { size } => self.with_works(|works| works.overlay(size, body)),
            RoomToMedia::Show { pictures } => {
                self.pictures = pictures;
                self.route();
            }
            RoomToMedia::Play { tracks } => {
                self.played = tracks;
                self.route();
            }
            RoomToMedia::Volume { percent } => {
                self.volume = percent;
                self.with_works(|works| works.volume(percent));
            }
            RoomToMedia::Count => {
                let counters = self.counters();
                self.around.say(MediaToRoom::Counters(counters));
            }
            message @ (RoomToMedia::OpenLink { .. }
            | RoomToMedia::Description { .. }
            | RoomToMedia::CloseLink { .. }
            | RoomToMedia::Send { .. }
            | RoomToMedia::Limit { .. }
            | RoomToMedia::Prefer { .. }
            | RoomToMedia::Data { .. }) => {
                if self.works.as_ref().is_some_and(Works::is_ready) {
                    self.link_order(message, body);
                } else {
                    self.early.push(Frame { message, body });
                }
            }
        }
        Ok(())
    }

    fn link_order(&mut self, message: RoomToMedia, body: Vec<u8>) {
        match message {
            RoomToMedia::OpenLink { link, side, lines, data_channels, relay } => {
                // From here on what is captured goes to a guest, so nobody but the room may want it.
                self.wishes.doctor_wants(false, false);
                self.wish();
                let Some(works) = &self.works else { return };
                let inbox = self.around.inbox.clone();
                let tell = Arc::new(move |link, event| drop(inbox.send(Happening::Link(link, event))));
                let plan = works.plan(&self.around, link, side, lines, data_channels, relay);
                if !self.links.open(plan, tell) {
                    self.around.say(MediaToRoom::Link {
                        link,
                        state: subrosa_messages::media::LinkState::Failed(subrosa_messages::media::LinkFault::Pipeline),
                    });
                }
                self.next_tick.get_or_insert(Instant::now() + TICK);
                self.encoders_needed();
            }
            RoomToMedia::Description { link, kind, sdp, candidates } => {
                self.links.describe(link, kind, sdp.into_revealed(), candidates);
            }
            RoomToMedia::CloseLink { link } => {
                self.links.close(link);
                self.encoders_needed();
                self.route();
            }
            RoomToMedia::Send { link, mid, source } => {
                self.links.source(link, mid, source);
                self.encoders_needed();
                self.route();
            }
            RoomToMedia::Limit { link, height } => self.links.limit(link, height),
            RoomToMedia::Prefer { link, mids } => self.links.prefer(link, mids),
            RoomToMedia::Data { link, channel } => self.links.data(link, channel, body),
            RoomToMedia::Configure(_)
            | RoomToMedia::Want { .. }
            | RoomToMedia::Hide { .. }
            | RoomToMedia::Card { .. }
            | RoomToMedia::Show { .. }
            | RoomToMedia::Overlay { .. }
            | RoomToMedia::Play { .. }
            | RoomToMedia::Volume { .. }
            | RoomToMedia::Count => {}
        }
    }

    fn configure(&mut self, configuration: MediaConfiguration) -> Result<(), WorksError> {
        self.links.clear();
        self.early.clear();
        for (capture, state) in Capture::ALL.into_iter().zip(self.health) {
            self.around.say(MediaToRoom::Capture { capture, state });
        }
        if let Some(works) = self.works.as_mut().filter(|works| works.is_for(&configuration)) {
            works.set_network(&configuration);
            self.encoders_needed();
            if self.works.as_ref().is_some_and(Works::is_ready) {
                self.ready();
            }
            return Ok(());
        }
        self.configurations += 1;
        // Devices of the last configuration close before those of this one open.
        self.close_captures();
        self.works = None;
        let works = Works::new(&self.around, configuration, self.configurations)?;
        works.volume(self.volume);
        self.works = Some(works);
        Ok(())
    }

    fn ready(&mut self) {
        let encoder = self.works.as_ref().and_then(Works::row).map(str::to_owned);
        self.around.say(MediaToRoom::Ready { encoder });
        for frame in std::mem::take(&mut self.early) {
            self.link_order(frame.message, frame.body);
        }
    }

    fn room_gone(&mut self) {
        self.reveal(reveal::Event::Gone);
        self.around.blur.forget();
        self.links.clear();
        self.early.clear();
        self.pictures.clear();
        self.played.clear();
        self.volume = FULL_VOLUME;
        self.with_works(|works| works.volume(FULL_VOLUME));
        self.wishes.room_wants(false, false);
        self.wish();
        self.encoders_needed();
        self.route();
    }

    /// Tells the machines of the captures what is wanted of them.
    fn wish(&mut self) {
        for capture in Capture::ALL {
            let wanted = self.wishes.want(capture);
            self.capture(capture, captures::Event::Wanted(wanted), None);
        }
    }

    fn doctor_said(&mut self, message: DoctorToMedia) {
        match message {
            DoctorToMedia::Want { camera, microphone } => {
                let alone = self.links.is_empty();
                self.wishes.doctor_wants(alone && camera, alone && microphone);
                self.wish();
            }
            DoctorToMedia::Chirp => {
                let say = self.around.say_doctor.clone();
                let tell = move |echo| say.say(MediaToDoctor::Echo(echo), Vec::new());
                // Guests would hear it.
                match self.works.as_ref().filter(|_| self.links.is_empty()) {
                    Some(works) => works.chirp(Box::new(tell)),
                    None => tell(Echo::NotListening),
                }
            }
            DoctorToMedia::Ask => {
                let [camera, microphone] = self.health;
                let counters = self.counters();
                let modes = self.works.as_ref().and_then(Works::camera_modes);
                let vitals = MediaToDoctor::Vitals {
                    links: counters.links,
                    camera,
                    microphone,
                    camera_frames: counters.camera_frames,
                    modes,
                };
                self.around.say_doctor.say(vitals, Vec::new());
            }
        }
    }

    fn link_said(&mut self, link: LinkId, event: LinkEvent) {
        let lines = matches!(event, LinkEvent::Lines(_) | LinkEvent::Ended(_));
        let message = self.links.said(link, event);
        if lines {
            self.encoders_needed();
            self.route();
        }
        if let Some((message, body)) = message {
            let ended = !self.links.has(link);
            self.around.say.say(message, body);
            if ended {
                self.encoders_needed();
            }
            self.route();
        }
    }

    fn with_works(&mut self, act: impl FnOnce(&mut Works)) {
        if let Some(works) = &mut self.works {
            act(works);
        }
    }

    /// Runs the encoders that links need, and no others.
    fn encoders_needed(&mut self) {
        for codec in [Codec::H264, Codec::Vp8] {
            let needed = self.links.carry(codec);
            let change = self.works.as_mut().map(|works| works.need(codec, needed));
            self.encoders_changed(change.unwrap_or_default());
        }
    }

    fn encoders_changed(&mut self, change: crate::encode::Change) {
        if change.row {
            let row = self.works.as_ref().and_then(Works::row).map(str::to_owned);
            self.around.say(MediaToRoom::Encoder { row });
        }
        for (link, narrow) in change.paused {
            self.links.narrow(link, narrow);
        }
        if change.producers {
            self.route();
        }
    }

    /// Puts every line, the screen and the speaker on what they are to carry.
    fn route(&mut self) {
        let Some(works) = &self.works else { return };
        self.links.route(&self.around.cuts, |codec| works.producer(codec));
        works.show(self.pictures.iter().filter_map(|picture| Some((self.links.track(&picture.track)?, picture.place))));
        works.play(self.played.iter().filter_map(|track| self.links.track(track)));
    }

    fn counters(&self) -> Counters {
        let mut counters = self.works.as_ref().map(Works::counters).unwrap_or_default();
        counters.links = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        counters.threads = std::fs::read_dir("/proc/self/task")
            .map(|tasks| u32::try_from(tasks.count()).unwrap_or(u32::MAX))
            .unwrap_or_default();
        counters
    }
}
