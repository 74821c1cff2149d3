//! The desk in the middle: every word goes from whom it comes to whom it concerns. It decides nothing; the meeting's
//! machine does, and [`Known`] says what people see of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::{Duration, Instant};

use subrosa_messages::Capture;
use subrosa_messages::guard::{GuardToRoom, RoomToGuard};
use subrosa_messages::media::{
    Background, CaptureHealth, DescriptionKind, MediaConfiguration, MediaToRoom, Picture, RoomToMedia, Size, TrackId,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::addresses::{self, Address};
use super::artist::{CardCommission, Commission, Drawn, Pixels};
use super::elsewhere::trip::News;
use super::elsewhere::visit::Visit;
use super::elsewhere::{Effect, Elsewhere};
use super::known::{GUARD_MISSED, Known};
use super::phones::Phones;
use super::socket::{Heard, Voice};
use super::terminal::Terminal;
use crate::background::{Behind, Unreadable};
use crate::configuration::Configuration;
use crate::meeting::act::RoomAct;
use crate::meeting::guest::{GuestEvent, GuestId, GuestRequest, KnockRefusal, SessionKey};
use crate::meeting::hosted::{Action, Event, Facts, Hosted, Rules, Secrets, session_key};
use crate::notice::Notice;
use crate::screen::view::{CodeView, Invitation};
use crate::status::{BoardFacts, Contact, Status};
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
}

/// Somebody who waits for an answer to a listening.
type Arriving = (mpsc::UnboundedSender<GuestEvent>, oneshot::Sender<bool>);

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
        };
        Desk {
            configuration,
            encoders,
            outlets,
            hosted: Hosted::new(rules),
            elsewhere,
            phones: Phones::default(),
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
        } else if self.hosted.has_guests() {
            self.step(now, Event::Pressed(act));
        } else {
            self.pair(now, act);
        }
    }

    /// A press that has nothing else to do shows a code for a phone.
    fn pair(&mut self, now: Instant, act: RoomAct) {
        if self.shows_invitation() {
            self.phones.pressed(now, act);
        }
    }

    /// The room is awake, and nobody has come and no link been given.
    fn shows_invitation(&self) -> bool {
        let elsewhere = self.elsewhere.is_on() || self.elsewhere.is_proposed();
        self.hosted.is_awake() && !self.hosted.has_guests() && !elsewhere
    }

    fn sleep(&mut self, now: Instant) {
        let effects = self.elsewhere.slept(now);
        self.carry_out(now, effects);
        self.step(now, Event::Slept);
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
                self.media_says(now, frame.message);
            }
        }
        self.settle(now);
    }

    fn media_says(&mut self, now: Instant, message: MediaToRoom) {
        match message {
            MediaToRoom::Ready { encoder } => {
                self.known.media = true;
                self.known.encoder = Some(encoder);
                self.step(now, Event::MediaReady);
            }
            MediaToRoom::Description { link, kind: DescriptionKind::Offer, sdp } => {
                self.step(now, Event::Offered { link, sdp });
            }
            MediaToRoom::Description { kind: DescriptionKind::Answer, .. } => {}
            MediaToRoom::Link { link, state } => self.step(now, Event::Link { link, state }),
            MediaToRoom::Track { track, kind } => self.step(now, Event::Track(track, kind)),
            MediaToRoom::Picture { track, moving } => self.step(now, Event::Picture(track, moving)),
            MediaToRoom::Paused { link, mid: _, paused } => self.step(now, Event::Paused(link, paused)),
            MediaToRoom::Capture { capture: Capture::Camera, state } => self.known.camera = state,
            MediaToRoom::Capture { capture: Capture::Microphone, state } => self.known.microphone = state,
            MediaToRoom::Background(state) => self.known.background_is(now, Some(state)),
            MediaToRoom::Encoder { row } => self.known.encoder = Some(row),
            MediaToRoom::Loudness { .. }
            | MediaToRoom::Channel { .. }
            | MediaToRoom::Data { .. }
            | MediaToRoom::Counters(_) => {}
        }
    }

    fn media_gone(&mut self, now: Instant) {
        self.known.media = false;
        self.known.encoder = None;
        self.known.camera = CaptureHealth::Closed;
        self.known.microphone = CaptureHealth::Closed;
        self.known.background_is(now, None);
        let effects = self.elsewhere.media_gone(now);
        self.carry_out(now, effects);
        self.step(now, Event::MediaLost);
    }

    /// Tells media who we are, once the addresses are known; and again when they have changed, as soon as that
    /// disturbs nobody, or at once when one that links may use is gone.
    fn configure(&mut self, now: Instant) {
        if self.media.is_none() || self.known.addresses.is_none() {
            return;
        }
        let wanted = self.known.media_configuration(&self.configuration, &self.encoders);
        match &self.told.configuration {
            Some(told) if *told == wanted => return,
            Some(told) => {
                let gone = told.network.addresses.iter().any(|address| !wanted.network.addresses.contains(address));
                if (self.hosted.count() > 0 || self.elsewhere.is_connected()) && !gone {
                    return;
                }
                self.media_gone(now);
            }
            None => {}
        }
        if let Some(media) = &self.media {
            media.say(&RoomToMedia::Configure(wanted.clone()), &[]);
            self.told = Told { configuration: Some(wanted), ..Told::default() };
        }
        self.hand_card();
        self.hand_screen();
    }

    /// The web server carries a guest's wish.
    pub fn request(&mut self, now: Instant, request: GuestRequest) {
        match request {
            GuestRequest::Knock(knock, reply) => match session_key() {
                Ok(session) => {
                    let answer = self.ask(now, Event::Knocked(knock, session), None);
                    let _the_guest_may_be_gone = reply.send(answer.unwrap_or(Err(KnockRefusal::Gone)));
                }
                Err(error) => tracing::error!("nobody gets in, the kernel has no randomness for a session: {error}"),
            },
            GuestRequest::Listen(session, stream, reply) => {
                self.ask(now, Event::Listens(session), Some((stream, reply)));
            }
            // A stream that was replaced breaks off later than its successor began.
            GuestRequest::Gone(session) => {
                let lives = |id| self.streams.get(id).is_some_and(|stream| !stream.is_closed());
                if !self.hosted.guest_called(&session).as_ref().is_some_and(lives) {
                    self.step(now, Event::StreamGone(session));
                }
            }
            GuestRequest::Answer { session, link, sdp } => self.step(now, Event::Answered { session, link, sdp }),
            GuestRequest::Leave(session) => self.step(now, Event::Left(session)),
            GuestRequest::Phone(request) => {
                let effects = self.phones.request(now, self.hosted.has_guests(), &mut self.elsewhere, request);
                self.carry_out(now, effects);
            }
            GuestRequest::Notice(language, reply) => {
                let facts = self.known.notice_facts(&self.configuration, language);
                let _the_guest_may_be_gone = reply.send(Notice::of(language, &facts));
            }
            GuestRequest::Status(reply) => {
                let _the_guest_may_be_gone = reply.send(self.status());
            }
        }
        self.settle(now);
    }

    fn status(&self) -> Status {
        let mut status = self.known.status(&self.configuration, &self.hosted);
        let language = self.configuration.room.language;
        status.contacts.extend(
            self.elsewhere
                .hosts()
                .iter()
                .map(|host| Contact { host: host.host.reveal().clone(), purpose: host.words(language) }),
        );
        status
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
        // The page is also served to this device itself, and its certificate says so.
        let loopback = addresses.iter().map(|one| *one.ip.reveal()).filter(std::net::IpAddr::is_loopback);
        reachable.extend(loopback);
        reachable.dedup();
        self.outlets.addresses.send_replace(reachable);
        self.known.addresses = Some(addresses);
        self.settle(now);
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
        self.settle(now);
    }

    /// The next time at which something happens by itself.
    #[must_use]
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        let guard = self.known.guard_gone.into_iter().flat_map(|since| [since + GUARD_MISSED, since + GUARD_LOST]);
        let meetings =
            self.hosted.deadline().into_iter().chain(self.elsewhere.deadline()).chain(self.phones.deadline());
        guard.filter(|due| *due > now).chain(meetings).chain(self.known.count_down(now)).min()
    }

    /// The process ends: guests are told.
    pub fn close(&mut self, now: Instant) {
        self.sleep(now);
        self.settle(now);
    }

    fn step(&mut self, now: Instant, event: Event) {
        self.ask(now, event, None);
    }

    fn ask(
        &mut self,
        now: Instant,
        event: Event,
        mut arriving: Option<Arriving>,
    ) -> Option<Result<SessionKey, KnockRefusal>> {
        let mut answer = None;
        for action in self.hosted.step(now, event) {
            match action {
                Action::Reply(reply) => answer = Some(reply),
                Action::Attach(guest) => {
                    if let Some((stream, reply)) = arriving.take() {
                        let _the_guest_may_be_gone = reply.send(guest.is_some());
                        if let Some(guest) = guest {
                            self.streams.insert(guest, stream);
                        }
                    }
                }
                Action::Tell(guest, event) => {
                    if let Some(stream) = self.streams.get(&guest) {
                        let _the_guest_may_be_gone = stream.send(event);
                    }
                }
                Action::Detach(guest) => {
                    self.streams.remove(&guest);
                }
                Action::Media(message) => {
                    if let Some(media) = &self.media {
                        media.say(&message, &[]);
                    }
                }
                Action::Forget => {
                    self.streams.clear();
                    self.outlets.forget.send_modify(|meetings| *meetings += 1);
                }
            }
        }
        answer
    }

    /// Brings what others have been told in line with what is true now.
    fn settle(&mut self, now: Instant) {
        let facts = self.known.facts();
        if facts != self.facts {
            self.facts = facts;
            self.step(now, Event::Facts(facts));
        }
        if self.hosted.has_guests() {
            self.elsewhere.guests();
        }
        if !self.shows_invitation() {
            self.phones.covered(now);
        }
        self.phones.tell(self.hosted.has_guests(), &self.elsewhere);
        self.configure(now);
        let want = self.hosted.count() > 0 || self.elsewhere.is_connected();
        let play = if self.elsewhere.is_on() { self.elsewhere.heard() } else { self.hosted.heard() };
        if let Some(media) = self.media.as_ref().filter(|_| self.told.configuration.is_some()) {
            // Before the camera is wanted: nothing of it is sent until media knows what is to be hidden.
            if let Some((hide, size, picture)) = self.hide()
                && self.told.hide != Some(hide)
            {
                media.say(&RoomToMedia::Hide { background: hide, size }, picture);
                self.told.hide = Some(hide);
            }
            if self.told.want != Some(want) {
                media.say(&RoomToMedia::Want { camera: want, microphone: want }, &[]);
                self.told.want = Some(want);
            }
            if self.told.play.as_ref() != Some(&play) {
                media.say(&RoomToMedia::Play { tracks: play.clone() }, &[]);
                self.told.play = Some(play);
            }
        }
        self.commission(now);
        self.announce();
    }

    /// What is to be sent in place of what stands behind people. A picture that cannot be read is replaced by the
    /// colour, which hides no less.
    fn hide(&self) -> Option<(Background, Size, &[u8])> {
        const NONE: Size = Size { width: 0, height: 0 };
        match (self.configuration.blur.background(), &self.behind) {
            (Background::Picture, None) => None,
            (Background::Picture, Some(Ok(picture))) => Some((Background::Picture, picture.size, &picture.rgba)),
            (Background::Picture, Some(Err(_))) => Some((self.configuration.blur.plain(), NONE, &[])),
            (
                background @ (Background::AsItIs | Background::Light | Background::Strong | Background::Colour { .. }),
                _,
            ) => Some((background, NONE, &[])),
        }
    }

    fn commission(&mut self, now: Instant) {
        let mut view = self.known.view(&self.configuration, &self.hosted, now);
        if let Some(phase) = self.elsewhere.phase(self.hosted.has_guests()) {
            view.phase = phase;
        }
        view.remote = self.phones.view(self.known.link(&self.configuration).as_deref());
        let commission = Commission {
            view,
            card: CardCommission {
                language: self.configuration.room.language,
                reason: self.known.card_reason(),
                size: self.configuration.media.picture,
            },
        };
        if self.commissioned.as_ref() != Some(&commission) {
            let _without_fonts_nobody_draws = self.outlets.artist.send(commission.clone());
            self.commissioned = Some(commission);
        }
    }

    fn hand_card(&self) {
        if let (Some(media), Some(card), Some(_)) = (&self.media, &self.card, &self.told.configuration) {
            media.say(&RoomToMedia::Card { size: card.size }, &card.bytes);
        }
    }

    fn hand_screen(&self) {
        if let (Some(media), Some((pictures, overlay)), Some(_)) = (&self.media, &self.screen, &self.told.configuration)
        {
            media.say(&RoomToMedia::Show { pictures: pictures.clone() }, &[]);
            media.say(&RoomToMedia::Overlay { size: overlay.size }, &overlay.bytes);
        }
    }

    fn announce(&mut self) {
        let invitation = self.known.invitation(&self.configuration, &self.hosted);
        let fingerprint = self.known.certificate.as_ref().map(|certificate| certificate.fingerprint.clone());
        match (invitation, fingerprint) {
            (Some(invitation), Some(fingerprint)) => {
                let news = Some((invitation, fingerprint));
                if self.announced != news
                    && let Some((invitation, fingerprint)) = &news
                    && !invitation.link.reveal().is_empty()
                {
                    self.outlets.terminal.invite(invitation, fingerprint);
                    self.announced = news;
                }
            }
            // On the way into a meeting elsewhere it is not asleep.
            (None, _) => {
                if !self.elsewhere.is_on() && self.announced.take().is_some() {
                    self.outlets.terminal.asleep();
                }
            }
            (Some(_), None) => {}
        }
        let code = self.announced.as_ref().and(self.phones.view(self.known.link(&self.configuration).as_deref()).code);
        if self.announced_code != code {
            if let Some(code) = &code {
                self.outlets.terminal.pair(code);
            }
            self.announced_code = code;
        }
    }
}
