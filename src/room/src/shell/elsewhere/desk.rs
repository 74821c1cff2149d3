//! What the desk does for a meeting elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use subrosa_messages::guard::{GuardState, NodeState};
use subrosa_messages::join::{JoinToRoom, RoomToJoin};
use subrosa_messages::media::{MediaToRoom, RoomToMedia, TrackId};
use subrosa_messages::{Capture, Pii};
use tokio::sync::mpsc;

use super::meeting::{Event, Meeting, Wish};
use super::proposal::{Declined, Giver, Gone, PROPOSED, Proposal};
use super::settings;
use super::trip::{Departure, News, Order, Teller, set_out};
use super::visit::Visit;
use crate::configuration::Configuration;
use crate::language::Language;
use crate::meeting::act::RoomAct;
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::link::Link;
use crate::meeting::hosts::Host;
use crate::meeting::{jitsi, livekit, opentalk};
use crate::opinion::{operator, opinion};
use crate::remote::{PhonePhase, PhoneView};
use crate::screen::view::{JoiningView, Phase, ProposedView};
use crate::shell::socket::Voice;
use crate::signalling::Sends;

/// Numbers of links up to this one are the hosted meeting's: none is ever used twice.
const LINKS: u64 = 1 << 32;
/// Why it is over stands on the screen for so long; then the room sleeps.
const LAST_WORD: Duration = Duration::from_secs(20);

/// What the desk is to do.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// To media, with a body.
    Media(RoomToMedia, Vec<u8>),
    /// To the guard: close this.
    Mute(Capture),
    /// To the guard: the meeting is over.
    Sleep,
}

/// A meeting that is joined, or is being joined.
struct Trip {
    number: u64,
    link: Link,
    orders: mpsc::UnboundedSender<Order>,
    /// From the settings on, where there are some to be fetched.
    meeting: Option<Meeting>,
    over: Option<(Failure, Instant)>,
}

/// The meeting elsewhere, if there is one.
pub struct Elsewhere {
    configuration: Arc<Configuration>,
    news: mpsc::Sender<(u64, News)>,
    proposal: Option<Proposal>,
    gone: Option<Gone>,
    trip: Option<Trip>,
    trips: u64,
    visitors: BTreeMap<u64, Voice<RoomToJoin>>,
    /// What visitors have been told last.
    said: Option<RoomToJoin>,
    /// Media is there, with an encoder for H.264 or without.
    media: Option<bool>,
    sends: Sends,
    /// The last number of a link that was used.
    links: u64,
}

impl Elsewhere {
    /// None yet. News of trips go to `news`.
    #[must_use]
    pub fn new(configuration: Arc<Configuration>, news: mpsc::Sender<(u64, News)>) -> Self {
        Elsewhere {
            configuration,
            news,
            proposal: None,
            gone: None,
            trip: None,
            trips: 0,
            visitors: BTreeMap::new(),
            said: None,
            media: None,
            sends: Sends::default(),
            links: LINKS,
        }
    }

    /// A meeting is joined, or is being joined.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.trip.is_some()
    }

    /// A link is on the screen.
    #[must_use]
    pub fn is_proposed(&self) -> bool {
        self.trip.is_none() && self.proposal.is_some()
    }

    /// The captures are wanted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.meeting().is_some_and(Meeting::is_connected)
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        self.meeting().map(Meeting::heard).unwrap_or_default()
    }

    /// The hosts of the meeting (P5), for the status page.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        self.meeting().map(Meeting::hosts).unwrap_or_default()
    }

    /// What the screen shows; `None`: nothing of it. `guests`: the room's own meeting has some, or at its door.
    #[must_use]
    pub fn phase(&self, guests: bool) -> Option<Phase> {
        if let Some(trip) = &self.trip {
            let host = trip.link.host().clone();
            return Some(match (trip.over, &trip.meeting) {
                (Some((failure, _)), _) => Phase::Joining { host, says: JoiningView::Over(failure) },
                (None, Some(meeting)) => meeting.phase(self.media.is_some()),
                (None, None) => Phase::Joining { host, says: JoiningView::Connecting },
            });
        }
        let proposal = self.proposal.as_ref().filter(|_| !guests)?;
        let opinion = &proposal.opinion;
        let meeting = ProposedView {
            by_phone: proposal.from == Giver::Phone,
            host: opinion.link.host().clone(),
            operator: opinion.operator.clone(),
            notice: opinion.notice.clone(),
            refused: opinion.refused,
        };
        Some(Phase::Proposed { meeting })
    }

    /// What a paired phone is shown.
    #[must_use]
    pub fn phone_view(&self, guests: bool, phones: usize, language: Language) -> PhoneView {
        let phase = self.phase(guests);
        let operator_of = |host: &Pii<String>| operator(&self.configuration.servers, host.reveal());
        let (phase, host, sentence) = match &phase {
            Some(Phase::Proposed { meeting }) => (PhonePhase::Proposed, Some(meeting.host.clone()), None),
            Some(Phase::Joining { host, says }) => {
                let (phase, sentence) = match says {
                    JoiningView::Connecting => (PhonePhase::Joining, None),
                    JoiningView::Waits(Failure::PasswordWanted) => {
                        (PhonePhase::Password, Some(Failure::PasswordWanted.sentence(language)))
                    }
                    JoiningView::Waits(Failure::PasswordWrong) => {
                        (PhonePhase::Password, Some(Failure::PasswordWrong.sentence(language)))
                    }
                    JoiningView::Waits(failure) => (PhonePhase::Joining, Some(failure.sentence(language))),
                    JoiningView::Over(failure) => (PhonePhase::Over, Some(failure.sentence(language))),
                };
                (phase, Some(host.clone()), sentence)
            }
            Some(Phase::Joined { meeting, .. }) => (PhonePhase::In, Some(meeting.host.clone()), None),
            Some(Phase::Asleep | Phase::Awake { .. } | Phase::Asking { .. } | Phase::InCall { .. }) | None => {
                let phase = if guests { PhonePhase::Guests } else { PhonePhase::Free };
                (phase, None, self.gone.map(|gone| gone.sentence(language)))
            }
        };
        let operator = host.as_ref().and_then(operator_of);
        PhoneView { room: self.configuration.room.name.clone(), phones, phase, host, operator, sentence, meeting: None }
    }

    /// When [`Elsewhere::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let proposal = self.proposal.as_ref().map(|proposal| proposal.until);
        let over = self.trip.as_ref().and_then(|trip| trip.over).map(|(_, until)| until);
        let meeting = self.meeting().and_then(Meeting::deadline);
        [proposal, over, meeting].into_iter().flatten().min()
    }

    fn meeting(&self) -> Option<&Meeting> {
        self.trip.as_ref().and_then(|trip| trip.meeting.as_ref())
    }

    fn language(&self) -> Language {
        self.configuration.room.language
    }

    /// Somebody who looks after the device comes, says something, goes. `guests`: the room's own meeting has some, or at its door.
    pub fn visit(&mut self, now: Instant, guests: bool, visit: Visit) -> Vec<Effect> {
        match visit {
            Visit::Came(number, voice) => {
                self.visitors.insert(number, voice);
            }
            Visit::Went(number) => {
                self.visitors.remove(&number);
            }
            Visit::Said(number, JoinToRoom::Propose { link }) => {
                let answer = self.propose(now, guests, link.reveal());
                if let Some(voice) = self.visitors.get(&number) {
                    voice.say(&answer, &[]);
                }
            }
            Visit::Said(_, JoinToRoom::Password { password }) => return self.device(now, Device::Password(password)),
            Visit::Said(_, JoinToRoom::Say { line }) => return self.device(now, Device::Say(line, since_1970())),
            Visit::Said(number, JoinToRoom::Leave) => {
                if self.trip.is_some() || self.proposal.is_some() {
                    return self.leave();
                }
                // Whoever asks is answered, also when the last meeting's end was said to others already.
                if let Some(voice) = self.visitors.get(&number) {
                    voice.say(&RoomToJoin::Over { text: Pii::new(left(self.language())), wanted: true }, &[]);
                }
            }
        }
        Vec::new()
    }

    /// Somebody who may wants no more of it: the proposal is forgotten, or the meeting left.
    pub fn leave(&mut self) -> Vec<Effect> {
        let proposed = self.proposal.take().is_some();
        if self.trip.is_some() {
            return vec![Effect::Sleep];
        }
        if proposed {
            self.gone = Some(Gone::Withdrawn);
        }
        self.tell(RoomToJoin::Over { text: Pii::new(left(self.language())), wanted: true });
        Vec::new()
    }

    /// The password of the meeting that is being joined.
    pub fn password(&mut self, now: Instant, password: Pii<String>) -> Vec<Effect> {
        self.device(now, Device::Password(password))
    }

    fn propose(&mut self, now: Instant, guests: bool, link: &str) -> RoomToJoin {
        let language = self.language();
        let text = match self.consider(now, guests, link, Giver::Device) {
            Ok(text) => text,
            Err(Declined::Rule(text)) => return RoomToJoin::Refused { text: Pii::new(text) },
            Err(declined) => return RoomToJoin::Refused { text: Pii::new(declined.sentence(language).to_owned()) },
        };
        let press = language.pick(
            "Drücken Sie den Knopf am Gerät, um beizutreten. Vorher wird niemand kontaktiert.",
            "Press the button on the device to join. Nobody is contacted before.",
        );
        RoomToJoin::Proposed { text: Pii::new(format!("{text}\n{press}\n")) }
    }

    /// Puts a link on the screen, or says why not; what is on record about its server, in the language of the room.
    ///
    /// # Errors
    /// When it cannot be proposed.
    pub fn consider(&mut self, now: Instant, guests: bool, link: &str, from: Giver) -> Result<String, Declined> {
        if guests || self.trip.is_some() {
            return Err(Declined::Busy);
        }
        // What people are reading is not changed under their eyes by somebody on the network.
        if from == Giver::Phone && self.proposal.is_some() {
            return Err(Declined::Another);
        }
        let today = time::OffsetDateTime::now_utc().date();
        let opinion = opinion(link, &self.configuration, today, self.language()).map_err(Declined::Link)?;
        if opinion.refused {
            return Err(Declined::Rule(opinion.text));
        }
        let text = opinion.text.clone();
        self.proposal = Some(Proposal::new(now, opinion, from));
        self.gone = None;
        self.said = None;
        Ok(text)
    }

    /// A guest is in the room's own meeting or at its door: what a press does is theirs now.
    pub fn guests(&mut self) {
        if self.trip.is_none() && self.proposal.take().is_some() {
            self.gone = Some(Gone::Guests);
            self.tell(RoomToJoin::Over {
                text: Pii::new(Gone::Guests.sentence(self.language()).to_owned()),
                wanted: false,
            });
        }
    }

    /// Somebody pressed the button. `true`: that joins what was proposed.
    pub fn wake(&mut self, now: Instant, _act: &RoomAct) -> bool {
        let Some(proposal) = self.proposal.take_if(|proposal| proposal.since <= now) else { return false };
        let mut seed = [0_u8; 8];
        if proposal.opinion.refused || getrandom::fill(&mut seed).is_err() {
            return false;
        }
        self.trips += 1;
        let teller = Teller { desk: self.news.clone(), trip: self.trips };
        let link = proposal.opinion.link;
        let departure = Departure {
            link: link.clone(),
            authority: self.configuration.servers.authority.clone(),
            seed: u64::from_ne_bytes(seed),
        };
        let meeting = match &link {
            Link::Jitsi(_) => None,
            Link::LiveKit(link) => {
                let Some(settings) = settings::livekit(&self.configuration, link, self.links) else { return false };
                Some(Meeting::LiveKit(Box::new(livekit::joined::Joined::new(now, settings))))
            }
            Link::OpenTalk(link) => {
                let Some(settings) = settings::opentalk(&self.configuration, link, self.links) else { return false };
                Some(Meeting::OpenTalk(Box::new(opentalk::joined::Joined::new(now, settings))))
            }
        };
        let orders = set_out(departure, teller);
        self.trip = Some(Trip { number: self.trips, link, orders, meeting, over: None });
        let _nothing_before_a_server_has_answered = self.begin(now);
        true
    }

    /// Somebody pressed the button while a meeting is on: the room's hand goes up, or down again.
    pub fn press(&mut self, now: Instant, _act: &RoomAct) -> Vec<Effect> {
        self.device(now, Device::Press(since_1970()))
    }

    /// The room sleeps: whatever there was is over.
    pub fn slept(&mut self, now: Instant) -> Vec<Effect> {
        let effects = self.device(now, Device::Leave);
        self.gone = None;
        // Whoever ended it does not want the next press to join.
        self.proposal.take_if(|proposal| proposal.from == Giver::Phone);
        if let Some(trip) = self.trip.take() {
            self.links = self.links.max(trip.meeting.as_ref().map_or(0, Meeting::links));
            let (text, wanted) = match trip.over {
                Some((failure, _)) => (failure.sentence(self.language()).to_owned(), false),
                None => (left(self.language()), true),
            };
            self.tell(RoomToJoin::Over { text: Pii::new(text), wanted });
        }
        effects
    }

    /// News of a trip.
    pub fn news(&mut self, now: Instant, number: u64, news: News) -> Vec<Effect> {
        if self.trip.as_ref().is_none_or(|trip| trip.number != number || trip.over.is_some()) {
            return Vec::new();
        }
        match news {
            News::Settings(server, hosts) => {
                if let Some(trip) = &mut self.trip
                    && let Link::Jitsi(link) = &trip.link
                    && let Some(settings) = settings::jitsi(&self.configuration, link, &server, self.links)
                {
                    trip.meeting = Some(Meeting::Jitsi(Box::new(jitsi::joined::Joined::new(settings, hosts))));
                    return self.begin(now);
                }
                self.over(now, Failure::UnsupportedConfiguration);
                Vec::new()
            }
            News::Elsewhere(link) => {
                // People are told of that server before it is asked anything.
                let link = format!("https://{}/{}", link.authority().reveal(), link.room().reveal());
                let today = time::OffsetDateTime::now_utc().date();
                if let Ok(opinion) = opinion(&link, &self.configuration, today, self.language()) {
                    let until = now + PROPOSED + LAST_WORD;
                    self.proposal = Some(Proposal { until, ..Proposal::new(now, opinion, Giver::Device) });
                }
                self.over(now, Failure::Redirected);
                Vec::new()
            }
            News::Failed(failure) => {
                self.over(now, failure);
                Vec::new()
            }
            News::Jitsi(event) => self.step(now, Event::Jitsi(event)),
            News::Socket(number, said) => self.step(now, Event::Socket(number, said)),
            News::Answered(number, reply) => self.step(now, Event::Answered(number, reply)),
        }
    }

    fn over(&mut self, now: Instant, failure: Failure) {
        if let Some(trip) = &mut self.trip {
            trip.over.get_or_insert((failure, now + LAST_WORD));
        }
        self.stand();
    }

    /// A meeting that has just been made is told how this device is.
    fn begin(&mut self, now: Instant) -> Vec<Effect> {
        let mut effects = self.device(now, Device::Sends(self.sends));
        if let Some(h264) = self.media {
            effects.extend(self.device(now, Device::MediaReady { h264 }));
        }
        effects
    }

    /// Something that media says. The hosted meeting's links are none of this one's, and the other way round: numbers are never used twice.
    pub fn media(&mut self, now: Instant, message: &MediaToRoom, body: &[u8]) -> Vec<Effect> {
        let event = match message {
            MediaToRoom::Ready { encoder } => {
                self.media = Some(encoder.is_some());
                Device::MediaReady { h264: encoder.is_some() }
            }
            MediaToRoom::Encoder { row } => {
                self.media = Some(row.is_some());
                Device::MediaReady { h264: row.is_some() }
            }
            MediaToRoom::Description { link, kind, sdp } => {
                Device::Described { link: *link, kind: *kind, sdp: sdp.clone() }
            }
            MediaToRoom::Link { link, state } => Device::Link { link: *link, state: *state },
            MediaToRoom::Track { track, kind } => Device::Track(track.clone(), *kind),
            MediaToRoom::Picture { track, moving } => Device::Picture(track.clone(), *moving),
            MediaToRoom::Channel { link, channel, open } => {
                Device::Channel { link: *link, channel: channel.clone(), open: *open }
            }
            MediaToRoom::Data { link, channel } => {
                Device::Data { link: *link, channel: channel.clone(), bytes: Pii::new(body.to_vec()) }
            }
            MediaToRoom::Paused { .. }
            | MediaToRoom::Loudness { .. }
            | MediaToRoom::Capture { .. }
            | MediaToRoom::Background(_)
            | MediaToRoom::Counters(_) => return Vec::new(),
        };
        self.device(now, event)
    }

    /// Media is gone.
    pub fn media_gone(&mut self, now: Instant) -> Vec<Effect> {
        self.media = None;
        self.device(now, Device::MediaLost)
    }

    /// What the guard says, or that it says nothing.
    pub fn guard(&mut self, now: Instant, guard: Option<&GuardState>) -> Vec<Effect> {
        let open = |capture| guard.is_some_and(|guard| guard.of(capture).node == NodeState::Open);
        let sends = Sends { picture: open(Capture::Camera), sound: open(Capture::Microphone) };
        if std::mem::replace(&mut self.sends, sends) == sends {
            return Vec::new();
        }
        self.device(now, Device::Sends(sends))
    }

    /// The time that [`Elsewhere::deadline`] named has come.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        if self.proposal.as_ref().is_some_and(|proposal| proposal.until <= now) {
            self.proposal = None;
            self.gone = Some(Gone::Forgotten);
            self.tell(RoomToJoin::Over {
                text: Pii::new(Gone::Forgotten.sentence(self.language()).to_owned()),
                wanted: false,
            });
        }
        if let Some(trip) = &mut self.trip
            && let Some((_, until)) = &mut trip.over
            && *until <= now
        {
            // Said again if the guard should not have heard it.
            *until = now + LAST_WORD;
            return vec![Effect::Sleep];
        }
        self.device(now, Device::Tick)
    }

    fn device(&mut self, now: Instant, event: Device) -> Vec<Effect> {
        self.step(now, Event::Device(event))
    }

    fn step(&mut self, now: Instant, event: Event) -> Vec<Effect> {
        let (mut effects, mut over) = (Vec::new(), None);
        let Some(trip) = self.trip.as_mut() else { return effects };
        let Some(meeting) = trip.meeting.as_mut() else { return effects };
        for wish in meeting.step(now, event) {
            match wish {
                // That the way has ended shows in its news.
                Wish::Order(order) => drop(trip.orders.send(order)),
                Wish::Media(message, body) => effects.push(Effect::Media(message, body)),
                Wish::Mute(capture) => effects.push(Effect::Mute(capture)),
                Wish::Over(failure) => over = Some(failure),
            }
        }
        match over {
            Some(failure) => self.over(now, failure),
            None => self.stand(),
        }
        effects
    }

    /// Tells visitors how far it is, when that has changed.
    fn stand(&mut self) {
        let language = self.language();
        let (text, password) = match self.phase(true) {
            Some(Phase::Joining { says: JoiningView::Connecting, .. }) => {
                (language.pick("Der Raum nimmt Verbindung auf.", "The room is connecting.").to_owned(), false)
            }
            Some(Phase::Joining { says: JoiningView::Waits(failure), .. }) => {
                let password = matches!(failure, Failure::PasswordWanted | Failure::PasswordWrong);
                (failure.sentence(language).to_owned(), password)
            }
            Some(Phase::Joining { says: JoiningView::Over(failure), .. }) => {
                (failure.sentence(language).to_owned(), false)
            }
            Some(Phase::Joined { .. }) => {
                (language.pick("Der Raum ist in der Konferenz.", "The room is in the meeting.").to_owned(), false)
            }
            _ => return,
        };
        self.tell(RoomToJoin::Stands { text: Pii::new(text), password });
    }

    fn tell(&mut self, word: RoomToJoin) {
        if self.said.as_ref() != Some(&word) {
            for voice in self.visitors.values() {
                voice.say(&word, &[]);
            }
            self.said = Some(word);
        }
    }
}

fn left(language: Language) -> String {
    language.pick("Der Raum hat die Konferenz verlassen.", "The room has left the meeting.").to_owned()
}

/// Milliseconds, as others in a meeting are told.
fn since_1970() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(since).unwrap_or(u64::MAX)
}
