//! The desk in the middle: every word goes from whom it comes to whom it concerns. It decides nothing; the meeting's
//! machine does, and [`Known`] says what people see of it.

mod media;
mod outward;
mod people;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::{Duration, Instant};

use subrosa_messages::guard::{GuardToRoom, RoomToGuard};
use subrosa_messages::media::{Background, MediaConfiguration, MediaToRoom, Picture, RoomToMedia, TrackId};
use tokio::sync::{mpsc, watch};

use super::addresses::{self, Address};
use super::artist::{Commission, Drawn, Pixels};
use super::elsewhere::trip::News;
use super::elsewhere::visit::Visit;
use super::elsewhere::{Effect, Elsewhere};
use super::known::{GUARD_MISSED, Known};
use super::phones::Phones;
use super::socket::{Heard, Voice};
use super::terminal::Terminal;
use crate::background::{Behind, Unreadable};
use crate::configuration::Configuration;
use crate::island::Passphrase;
use crate::meeting::act::RoomAct;
use crate::meeting::guest::{GuestEvent, GuestId};
use crate::meeting::hosted::{Event, Facts, Hosted, Rules, Secrets};
use crate::remote::chair::{self, Chair};
use crate::screen::view::{CodeView, Invitation};
use crate::status::BoardFacts;
use crate::web::WebEvent;

/// A meeting outlives the guard's restart, not its absence.
const GUARD_LOST: Duration = Duration::from_secs(30);

/// A word of the guard, or that it came or went.
pub type FromGuard = Heard<GuardToRoom, RoomToGuard>;
/// A word of media, or that it came or went.
pub type FromMedia = Heard<MediaToRoom, RoomToMedia>;

/// Where the desk's own words go, besides guard, media and guests.
pub struct Outlets {
    /// To the thread that draws.
    pub artist: blocking::Sender<Commission>,
    /// The web server's view of the device's addresses.
    pub addresses: watch::Sender<Vec<std::net::IpAddr>>,
    /// Counts the meetings that have ended.
    pub forget: watch::Sender<u64>,
    /// The person at the terminal.
    pub terminal: Terminal,
}

/// The desk.
pub struct Desk {
    configuration: Arc<Configuration>,
    encoders: Vec<String>,
    outlets: Outlets,
    hosted: Hosted,
    elsewhere: Elsewhere,
    phones: Phones,
    chair: Chair,
    known: Known,
    guard: Option<Voice<RoomToGuard>>,
    media: Option<Voice<RoomToMedia>>,
    streams: HashMap<GuestId, mpsc::UnboundedSender<GuestEvent>>,
    facts: Facts,
    told: Told,
    commissioned: Option<Commission>,
    screen: Option<(Vec<Picture>, Pixels)>,
    card: Option<Pixels>,
    /// The operator's picture: `None` until it has been read.
    behind: Option<Result<Behind, Unreadable>>,
    announced: Option<(Invitation, String)>,
    announced_code: Option<CodeView>,
}

/// What this connection of media has been told.
#[derive(Default)]
struct Told {
    configuration: Option<MediaConfiguration>,
    want: Option<bool>,
    hide: Option<Background>,
    play: Option<Vec<TrackId>>,
    volume: Option<u8>,
}

impl Desk {
    /// A desk with nobody at it yet.
    #[must_use]
    pub fn new(
        configuration: Arc<Configuration>,
        board: BoardFacts,
        encoders: Vec<String>,
        outlets: Outlets,
        elsewhere: Elsewhere,
        now: Instant,
    ) -> Self {
        let rules = Rules {
            room: configuration.room.name.clone(),
            max_guests: configuration.meeting.max_guests,
            relay: configuration.network.turn.is_some(),
            roles: configuration.meeting.roles,
        };
        Desk {
            configuration,
            encoders,
            outlets,
            hosted: Hosted::new(rules),
            elsewhere,
            phones: Phones::default(),
            chair: Chair::default(),
            known: Known::nothing(board, now),
            guard: None,
            media: None,
            streams: HashMap::new(),
            facts: Facts::default(),
            told: Told::default(),
            commissioned: None,
            screen: None,
            card: None,
            behind: None,
            announced: None,
            announced_code: None,
        }
    }

    /// The guard.
    pub fn guard(&mut self, now: Instant, heard: FromGuard) {
        match heard {
            Heard::Connected(voice) => self.guard = Some(voice),
            Heard::Lost => {
                self.guard = None;
                self.known.guard = None;
                self.known.guard_gone.get_or_insert(now);
                let effects = self.elsewhere.guard(now, None);
                self.carry_out(now, effects);
            }
            Heard::Said(frame) => {
                let word = frame.message;
                let act = RoomAct::in_word(&word);
                // The press that wakes the room is one that phones may be paired by.
                let pairs = RoomAct::in_word(&word);
                match word {
                    GuardToRoom::State(state) => {
                        let awake = state.awake;
                        let effects = self.elsewhere.guard(now, Some(&state));
                        self.known.guard = Some(state);
                        self.known.guard_gone = None;
                        self.carry_out(now, effects);
                        match act {
                            Some(act) => self.wake(now, act),
                            None if !awake => self.sleep(now),
                            None => {}
                        }
                    }
                    GuardToRoom::Press { woke: true } => {
                        act.into_iter().for_each(|act| self.wake(now, act));
                        pairs.into_iter().for_each(|act| self.pair(now, act));
                    }
                    GuardToRoom::Press { woke: false } => {
                        act.into_iter().for_each(|act| self.press(now, act));
                    }
                }
            }
        }
        self.settle(now);
    }

    fn wake(&mut self, now: Instant, act: RoomAct) {
        if self.hosted.is_awake() || self.elsewhere.is_on() || self.elsewhere.wake(now, &act) {
            return;
        }
        match Secrets::new(self.configuration.meeting.pin_digits) {
            Ok(secrets) => self.step(now, Event::Woken(act, secrets)),
            Err(error) => {
                tracing::error!("the room goes to sleep again, the kernel has no randomness for a PIN: {error}");
                if let Some(guard) = &self.guard {
                    guard.say(&RoomToGuard::Sleep, &[]);
                }
            }
        }
    }

    fn press(&mut self, now: Instant, act: RoomAct) {
        if self.elsewhere.is_on() {
            let effects = self.elsewhere.press(now, &act);
            self.carry_out(now, effects);
        } else if self.elsewhere.is_proposed() {
            // What the screen says that a press does. The room's own meeting, which nobody is in, ends with it.
            if self.elsewhere.wake(now, &act) {
                self.step(now, Event::Slept);
            }
        } else if self.hosted.waiting().next().is_some() {
            self.step(now, Event::Pressed(act));
        } else {
            self.pair(now, act);
        }
    }

    /// A press that has nothing else to do shows a code for a phone.
    fn pair(&mut self, now: Instant, act: RoomAct) {
        if self.may_pair() {
            self.phones.pressed(now, act);
        }
    }

    /// The room is awake, nobody waits at the door and no link has been given: a press means nothing else.
    fn may_pair(&self) -> bool {
        let elsewhere = self.elsewhere.is_on() || self.elsewhere.is_proposed();
        self.hosted.is_awake() && self.hosted.waiting().next().is_none() && !elsewhere
    }

    fn sleep(&mut self, now: Instant) {
        let effects = self.elsewhere.slept(now);
        self.carry_out(now, effects);
        self.step(now, Event::Slept);
        self.chair.step(now, chair::Event::Slept);
        if self.phones.slept(now) {
            self.outlets.forget.send_modify(|meetings| *meetings += 1);
        }
    }

    /// What the meeting elsewhere wants done.
    fn carry_out(&mut self, _now: Instant, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Media(message, body) => {
                    if let Some(media) = &self.media {
                        media.say(&message, &body);
                    }
                }
                Effect::Mute(capture) => {
                    if let Some(guard) = &self.guard {
                        guard.say(&RoomToGuard::Mute { capture }, &[]);
                    }
                }
                Effect::Sleep => {
                    if let Some(guard) = &self.guard {
                        guard.say(&RoomToGuard::Sleep, &[]);
                    }
                }
            }
        }
    }

    /// Somebody who looks after the device says something.
    pub fn visit(&mut self, now: Instant, visit: Visit) {
        let effects = self.elsewhere.visit(now, self.hosted.has_guests(), visit);
        self.carry_out(now, effects);
        self.settle(now);
    }

    /// News of the way to a meeting elsewhere.
    pub fn news(&mut self, now: Instant, trip: u64, news: News) {
        let effects = self.elsewhere.news(now, trip, news);
        self.carry_out(now, effects);
        self.settle(now);
    }

    /// Media.
    pub fn media(&mut self, now: Instant, heard: FromMedia) {
        match heard {
            Heard::Connected(voice) => {
                self.media = Some(voice);
                self.told = Told::default();
                self.configure(now);
            }
            Heard::Lost => {
                self.media = None;
                self.media_gone(now);
            }
            Heard::Said(frame) => {
                let effects = self.elsewhere.media(now, &frame.message, &frame.body);
                self.carry_out(now, effects);
                self.media_says(now, frame);
            }
        }
        self.settle(now);
    }

    /// The web server tells about itself.
    pub fn web(&mut self, now: Instant, event: WebEvent) {
        match event {
            WebEvent::Serving { addresses } => self.known.serving = addresses,
            WebEvent::Certificate(facts) => self.known.certificate = Some(facts),
            WebEvent::Fault { fault, present: true } => {
                self.known.web_faults.insert(fault);
            }
            WebEvent::Fault { fault, present: false } => {
                self.known.web_faults.remove(&fault);
            }
        }
        self.settle(now);
    }

    /// The addresses of this device.
    pub fn addresses(&mut self, now: Instant, addresses: Vec<Address>) {
        let mut reachable = addresses::reachable(&addresses);
        // Before its radio sends, too: a certificate that lacked it would be made anew later.
        reachable.extend(self.configuration.island.as_ref().map(|island| std::net::IpAddr::V4(island.address)));
        // The page is also served to this device itself, and its certificate says so.
        let loopback = addresses.iter().map(|one| *one.ip.reveal()).filter(std::net::IpAddr::is_loopback);
        reachable.extend(loopback);
        reachable.dedup();
        self.outlets.addresses.send_replace(reachable);
        self.known.addresses = Some(addresses);
        self.settle(now);
    }

    /// What lets phones into the device's own network; it is told before the addresses that show that the radio sends.
    pub fn passphrase(&mut self, passphrase: Option<Passphrase>) {
        self.known.passphrase = passphrase;
    }

    /// The operator's picture was read, or cannot be.
    pub fn behind(&mut self, now: Instant, read: Result<Behind, Unreadable>) {
        if let Err(error) = &read {
            tracing::warn!("{error}");
        }
        self.known.picture_unreadable = read.is_err();
        self.behind = Some(read);
        self.settle(now);
    }

    /// The thread that draws has drawn.
    pub fn drawn(&mut self, drawn: Drawn) {
        match drawn {
            Drawn::Card(pixels) => {
                self.card = Some(pixels);
                self.hand_card();
            }
            Drawn::Screen { pictures, overlay } => {
                self.screen = Some((pictures, overlay));
                self.hand_screen();
            }
        }
    }

    /// The time that [`Desk::deadline`] named has come.
    pub fn tick(&mut self, now: Instant) {
        if self.known.guard_gone.is_some_and(|since| now >= since + GUARD_LOST) {
            self.sleep(now);
        }
        let effects = self.elsewhere.tick(now);
        self.carry_out(now, effects);
        self.step(now, Event::Tick);
        self.phones.tick(now);
        self.chair.step(now, chair::Event::Tick);
        self.settle(now);
    }

    /// The next time at which something happens by itself.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let guard = self.known.guard_gone.into_iter().flat_map(|since| [since + GUARD_MISSED, since + GUARD_LOST]);
        let meetings =
            self.hosted.deadline().into_iter().chain(self.elsewhere.deadline()).chain(self.phones.deadline());
        let meetings = meetings.chain(self.chair.deadline());
        guard.filter(|due| *due > now).chain(meetings).chain(self.known.count_down(now)).min()
    }

    /// The process ends: guests are told.
    pub fn close(&mut self, now: Instant) {
        self.sleep(now);
        self.settle(now);
    }
}
