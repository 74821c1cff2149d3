//! Everything that a configuration makes: picture, camera, encoders, sound, display.

use std::cell::RefCell;
use std::env;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use gstreamer_utils::StreamProducer;
use subrosa_messages::Capture;
use subrosa_messages::doctor::{CameraModes, Echo};
use subrosa_messages::media::{
    Codec, Counters, DataChannel, DescriptionKind, Direction, Kind, Line, LinkId, MediaConfiguration, Rectangle, Size,
    TrackId, TurnServer,
};

use super::{Happening, Surroundings};
use crate::camera::Camera;
use crate::card;
use crate::display::Display;
use crate::encode::rate::Viewed;
use crate::encode::rows::{self, Row};
use crate::encode::trial::Trials;
use crate::encode::{Change, Encoders, Run};
use crate::inbound::Inbound;
use crate::link::Plan;
use crate::permit::Permit;
use crate::picture::Picture;
use crate::sound::Sound;

/// What a path to a server is taken for before it has been measured, in bit/s.
const FIRST_ESTIMATE: u32 = 1_500_000;
/// The same of a guest, who is mostly in the same building: the room's picture is one for all, and is not to get worse with
/// each who comes. Where the path is narrower, that is known within a second.
const FIRST_ESTIMATE_OF_GUEST: u32 = 3_000_000;
/// What a forwarded picture may need, in bit/s: a browser's camera at 720p, or a shared screen.
const FORWARDED: u32 = 2_000_000;

/// Why a configuration cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum WorksError {
    /// The picture.
    #[error("a picture of {0}×{1} cannot be made: see `[media]` in subrosa.toml")]
    Picture(u32, u32),
    /// A thread.
    #[error("no thread can be started")]
    Threads(#[from] std::io::Error),
    /// The sound.
    #[error(transparent)]
    Sound(#[from] crate::sound::SoundError),
    /// The screen.
    #[error(transparent)]
    Display(#[from] crate::display::DisplayError),
}

/// Picture, camera, encoders, sound, display.
pub struct Works {
    configuration: MediaConfiguration,
    picture: Picture,
    camera: Camera,
    sound: Sound,
    display: Display,
    encoders: Encoders,
    ready: bool,
    /// What the display and the speaker were told last; a track can come from another producer than before.
    shown: RefCell<Vec<(TrackId, StreamProducer, Rectangle)>>,
    played: RefCell<Vec<(TrackId, StreamProducer)>>,
}

impl Works {
    /// Makes everything, and lets the encoders' trials begin; their results come as happenings with this number.
    pub fn new(around: &Surroundings, configuration: MediaConfiguration, number: u64) -> Result<Self, WorksError> {
        let size = configuration.picture;
        let rate = configuration.frames_per_second.clamp(1, 120);
        let picture = Picture::new(size, rate, &around.timebase, &around.cuts.camera)
            .map_err(|_| WorksError::Picture(size.width, size.height))?;
        let camera =
            Camera::new(around.board.camera.source, &picture, &around.timebase, &around.blur, around.notify())?;
        let microphone = around.cuts.microphone.clone();
        let sound = Sound::new(&around.board, &around.run, &around.timebase, microphone, around.notify())?;
        let display =
            Display::new(&around.board.screen, &around.run, configuration.screen, &around.timebase, around.notify())?;
        let inbox = around.inbox.clone();
        let failed = std::sync::Arc::new(move |codec, run| drop(inbox.send(Happening::EncoderFailed(codec, run))));
        let encoders = Encoders::new(&picture, &around.timebase, configuration.max_bitrate, Vec::new(), failed);
        try_rows(around, &configuration, number)?;
        Ok(Works {
            configuration,
            picture,
            camera,
            sound,
            display,
            encoders,
            ready: false,
            shown: RefCell::default(),
            played: RefCell::default(),
        })
    }

    /// Whether it was made for this.
    pub fn is_for(&self, configuration: &MediaConfiguration) -> bool {
        let mut same = self.configuration.clone();
        // Addresses change with the network; links take them as they are opened.
        same.network = configuration.network.clone();
        same == *configuration
    }

    /// Links can be opened.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// A row has passed its trial; `true` for the first: links can be opened now.
    pub fn row_passed(&mut self, row: &'static Row) -> bool {
        self.encoders.add_row(row);
        !std::mem::replace(&mut self.ready, true)
    }

    /// All rows were tried; `true` where none has passed.
    pub fn no_more_rows(&mut self) -> bool {
        !std::mem::replace(&mut self.ready, true)
    }

    /// The row that feeds H.264 peers.
    pub fn row(&self) -> Option<&'static str> {
        self.encoders.row()
    }

    /// A link as it is to be opened.
    pub fn plan(
        &self,
        around: &Surroundings,
        link: LinkId,
        side: DescriptionKind,
        lines: Vec<Line>,
        data_channels: Vec<DataChannel>,
        relay: Option<TurnServer>,
    ) -> Plan {
        let mut network = self.configuration.network.clone();
        network.turn = relay.or(network.turn);
        let pictures =
            lines.iter().filter(|line| line.direction == Direction::Send && line.codec.kind() == Kind::Video);
        let others = u32::try_from(pictures.count().saturating_sub(1)).unwrap_or(u32::MAX);
        let forwarded = FORWARDED.saturating_mul(others);
        Plan {
            link,
            side,
            lines,
            data_channels,
            network,
            timebase: around.timebase.clone(),
            first_estimate: if side == DescriptionKind::Offer { FIRST_ESTIMATE_OF_GUEST } else { FIRST_ESTIMATE },
            // Room to grow beyond the picture: sound, headers, and what `rate` keeps aside.
            max_estimate: (self.configuration.max_bitrate / 4 * 5 + 200_000).saturating_add(forwarded),
        }
    }

    /// Takes the network of a configuration that is otherwise the same.
    pub fn set_network(&mut self, configuration: &MediaConfiguration) {
        self.configuration.network = configuration.network.clone();
    }

    /// The privacy card.
    pub fn card(&mut self, size: Size, rgba: Vec<u8>) {
        match card::from_rgba(size, rgba, self.picture.info()) {
            Ok(card) => self.picture.set_card(card),
            Err(error) => tracing::warn!("{error}"),
        }
    }

    /// The overlay of the screen.
    pub fn overlay(&mut self, size: Size, rgba: Vec<u8>) {
        self.display.overlay(size, rgba);
    }

    /// What the screen shows.
    pub fn show(&self, pictures: impl Iterator<Item = (Inbound, Rectangle)>) {
        let pictures: Vec<_> = pictures.collect();
        let names: Vec<_> =
            pictures.iter().map(|(inbound, place)| (inbound.track.clone(), inbound.producer.clone(), *place)).collect();
        if self.shown.replace(names.clone()) != names {
            self.display.show(pictures);
        }
    }

    /// What the speaker plays.
    pub fn play(&self, tracks: impl Iterator<Item = Inbound>) {
        let tracks: Vec<_> = tracks.collect();
        let names: Vec<_> = tracks.iter().map(|inbound| (inbound.track.clone(), inbound.producer.clone())).collect();
        if self.played.replace(names.clone()) != names {
            self.sound.play(tracks);
        }
    }

    /// How loud what is played is, 0 to 100.
    pub fn volume(&self, percent: u8) {
        self.sound.volume(percent);
    }

    /// Opens a capture.
    pub fn open_capture(&self, permit: Permit) {
        match permit.capture() {
            Capture::Camera => self.camera.open(permit),
            Capture::Microphone => self.sound.open_microphone(permit),
        }
    }

    /// Closes a capture.
    pub fn close_capture(&self, capture: Capture) {
        match capture {
            Capture::Camera => self.camera.close(),
            Capture::Microphone => self.sound.close_microphone(),
        }
    }

    /// What the camera offered when it was opened last, and what it was asked for.
    pub fn camera_modes(&self) -> Option<CameraModes> {
        self.camera.modes()
    }

    /// See [`Sound::chirp`].
    pub fn chirp(&self, tell: Box<dyn FnOnce(Echo) + Send>) {
        self.sound.chirp(tell);
    }

    /// The frames of the room in a codec: picture or sound.
    pub fn producer(&self, codec: Codec) -> Option<StreamProducer> {
        match codec {
            Codec::H264 | Codec::Vp8 => self.encoders.producer(codec).cloned(),
            Codec::Opus => Some(self.sound.microphone()),
        }
    }

    /// See [`Encoders::need`].
    pub fn need(&mut self, codec: Codec, needed: bool) -> Change {
        self.encoders.need(codec, needed)
    }

    /// See [`Encoders::step`] and [`Encoders::look`].
    pub fn follow(&mut self, now: Instant, codec: Codec, viewers: &[Viewed]) -> Change {
        let mut change = self.encoders.look(now);
        let stepped = self.encoders.step(now, codec, viewers);
        change.producers |= stepped.producers;
        change.row |= stepped.row;
        change.paused = stepped.paused;
        change
    }

    /// See [`Encoders::fault`].
    pub fn encoder_failed(&mut self, codec: Codec, run: Run) -> Change {
        self.encoders.fault(codec, run)
    }

    /// See [`Encoders::whole`].
    pub fn whole(&self, codec: Codec) -> u32 {
        self.encoders.whole(codec)
    }

    /// Figures.
    pub fn counters(&self) -> Counters {
        Counters {
            camera_frames: self.picture.camera_frames(),
            encoder_frames: self.encoders.frames(),
            bitrate: self.encoders.bitrate(),
            ..Counters::default()
        }
    }
}

/// Tries the board's rows on a thread of its own, in order.
fn try_rows(around: &Surroundings, configuration: &MediaConfiguration, number: u64) -> Result<(), WorksError> {
    let program = env::current_exe().unwrap_or_else(|_| PathBuf::from("subrosa-media"));
    let mut trials = Trials::new(&around.board.name, around.board.places().file(), &around.state, program);
    let rows = around.rows.clone();
    let (inbox, names, size) = (around.inbox.clone(), configuration.encoders.clone(), configuration.picture);
    thread::Builder::new().name("trials".into()).spawn(move || {
        for name in names {
            let of_board = rows.iter().copied().find(|row| row.name == name);
            match of_board.or_else(|| rows::find(&name)) {
                Some(row) if row.codec == Codec::H264 => {
                    if trials.passes(row, size) {
                        drop(inbox.send(Happening::Trial(number, row)));
                    }
                }
                _ => tracing::warn!("the room names an encoder that is none: see docs/adding.md"),
            }
        }
        drop(inbox.send(Happening::TrialsDone(number)));
    })?;
    Ok(())
}
