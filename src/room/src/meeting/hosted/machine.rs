//! The machine of the hosted meeting.

use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::TrackId;

use super::attendee::{Attendee, Knocking};
use super::event::{Action, Asker, Event, Facts};
use super::meeting::Meeting;
use super::name::is_name;
use super::secrets::{Secrets, same};
use super::wishes::Known;
use super::{roster, routes};
use crate::meeting::act::RoomAct;
use crate::meeting::guest::{
    Encryption, EndReason, GuestId, Knock, KnockRefusal, PersonView, Secret, SessionKey, WaitingView,
};
use crate::meeting::role::Roles;
use crate::meeting::wish::{Layout, Wish, WishRefusal};
use crate::screen::view::{GuestView, LineView, ShareView};

/// People who may wait at once; whoever comes later finds the room full.
const LOBBY: usize = 8;

/// What does not change while the machine lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The name of the room.
    pub room: String,
    /// Guests that can be in at once.
    pub max_guests: usize,
    /// The operator named a relay, which has to be told whom to let through.
    pub relay: bool,
    /// What who may.
    pub roles: Roles,
}

/// The hosted meeting: asleep, or awake with its guests.
pub struct Hosted {
    rules: Rules,
    facts: Facts,
    media: bool,
    guests_named: u64,
    links_named: u64,
    meeting: Option<Meeting>,
}

impl Hosted {
    /// A room asleep, without media.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Hosted { rules, facts: Facts::default(), media: false, guests_named: 0, links_named: 0, meeting: None }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Woken(RoomAct { .. }, secrets) => {
                self.meeting.get_or_insert_with(|| Meeting::new(secrets));
            }
            Event::Pressed(RoomAct { .. }) => self.admit_next(now, &mut out),
            Event::Slept => self.end(&mut out),
            Event::Knocked(knock, session) => {
                let reply = self.knocked(now, &knock, session);
                out.push(Action::Reply(reply));
            }
            Event::Listens(session) => match self.guest_of(&session) {
                Some((guest, media)) => guest.listens(now, media, &mut out),
                None => out.push(Action::Attach(None)),
            },
            Event::StreamGone(session) => {
                if let Some((guest, _)) = self.guest_of(&session) {
                    guest.stream_gone(now);
                }
            }
            Event::Answered { session, link, sdp } => {
                if let Some((guest, _)) = self.guest_of(&session) {
                    guest.answered(now, link, sdp, &mut out);
                }
            }
            Event::Left(session) => {
                if let Some(id) = self.guest_of(&session).map(|(guest, _)| guest.id) {
                    self.remove(now, id, EndReason::Left, &mut out);
                }
            }
            Event::Wished(asker, wish) => {
                let granted = self.wished(now, &asker, wish, &mut out);
                out.push(Action::Granted(granted));
            }
            Event::Data { link, channel, bytes } => {
                let roles = self.rules.roles;
                if let Some(meeting) = &mut self.meeting {
                    let on = |guest: &&Attendee| guest.carrying().is_some_and(|known| known.id == link);
                    let from = meeting.inside().find(on).map(|guest| guest.id);
                    if let Some(from) = from {
                        meeting.written(now, &roles, from, &channel, &bytes, &mut out);
                    }
                }
            }
            Event::Loudness(track, level) => self.loud(now, &track, level),
            Event::MediaReady => {
                if !self.media {
                    self.media = true;
                    self.guests_mut().for_each(|guest| guest.media_ready(now));
                }
            }
            Event::MediaLost => {
                if self.media {
                    self.media = false;
                    self.guests_mut().for_each(|guest| guest.media_lost(&mut out));
                }
            }
            Event::Offered { link, sdp } => {
                if let Some(guest) = self.guests_mut().find(|guest| guest.link() == Some(link)) {
                    guest.offered(link, sdp);
                }
            }
            Event::Link { link, state } => {
                if let Some(guest) = self.guests_mut().find(|guest| guest.link() == Some(link)) {
                    guest.link_is(now, link, state, &mut out);
                }
            }
            Event::Track(track, kind) => {
                if let Some(guest) = self.guests_mut().find(|guest| guest.link() == Some(track.link)) {
                    guest.track(track, kind);
                }
            }
            Event::Picture(track, moving) => {
                if let Some(guest) = self.guests_mut().find(|guest| guest.link() == Some(track.link)) {
                    guest.picture(&track, moving);
                }
            }
            Event::Paused(link, mid, paused) => {
                if let Some(guest) = self.guests_mut().find(|guest| guest.link() == Some(link)) {
                    guest.paused(mid, paused, &mut out);
                }
            }
            Event::Facts(facts) => self.facts = facts,
            Event::Tick => {
                if let Some(meeting) = &mut self.meeting {
                    meeting.speaker.tick(now);
                    meeting.written.tick(now);
                }
            }
        }
        self.settle(now, &mut out);
        out
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let guests = self.guests().filter_map(|guest| guest.deadline(self.media));
        let talk = self.meeting.iter().flat_map(|meeting| [meeting.speaker.deadline(), meeting.written.deadline()]);
        guests.chain(talk.flatten()).min()
    }

    /// Whether a meeting is on.
    #[must_use]
    pub fn is_awake(&self) -> bool {
        self.meeting.is_some()
    }

    /// PIN and token, while a meeting is on.
    #[must_use]
    pub fn secrets(&self) -> Option<&Secrets> {
        self.meeting.as_ref().map(|meeting| &meeting.secrets)
    }

    /// The guests who are in, in the order in which they came.
    pub fn inside(&self) -> Vec<GuestView> {
        self.meeting.as_ref().map(|meeting| roster::shown(meeting, &self.rules.roles)).unwrap_or_default()
    }

    /// The screen that somebody shares.
    #[must_use]
    pub fn share(&self) -> Option<ShareView> {
        roster::share(self.meeting.as_ref()?)
    }

    /// Everybody who is in, as whoever runs the meeting is told.
    #[must_use]
    pub fn people(&self) -> Vec<PersonView> {
        self.meeting.as_ref().map(|meeting| roster::people(meeting, &self.rules.roles)).unwrap_or_default()
    }

    /// Everybody who waits, likewise.
    #[must_use]
    pub fn lobby(&self) -> Vec<WaitingView> {
        self.meeting.as_ref().map(roster::waiting).unwrap_or_default()
    }

    /// Nobody else can knock.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.meeting.as_ref().is_some_and(|meeting| meeting.locked)
    }

    /// How pictures are laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.meeting.as_ref().map(|meeting| meeting.layout).unwrap_or_default()
    }

    /// Who shares a screen.
    #[must_use]
    pub fn presenter(&self) -> Option<GuestId> {
        self.meeting.as_ref()?.presenter
    }

    /// Who speaks.
    #[must_use]
    pub fn speaker(&self) -> Option<GuestId> {
        self.meeting.as_ref()?.speaker.current()
    }

    /// What is said to those who wait.
    #[must_use]
    pub fn message(&self) -> Option<Pii<String>> {
        self.meeting.as_ref()?.message.as_ref().map(|message| Pii::new((**message).clone()))
    }

    /// What was written last, for the room's screen.
    #[must_use]
    pub fn written(&self) -> Vec<LineView> {
        let line = |(name, text): (&str, &str)| LineView {
            name: Some(Pii::new(name.to_owned())),
            text: Pii::new(text.to_owned()),
        };
        self.meeting.iter().flat_map(|meeting| meeting.written.shown()).map(line).collect()
    }

    /// What does not change.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The names of those who wait, who came first first.
    pub fn waiting(&self) -> impl Iterator<Item = Pii<String>> {
        self.guests().filter(|guest| !guest.admitted).map(|guest| Pii::new((*guest.name).clone()))
    }

    /// Guests who are in; while there are any, the captures are wanted.
    #[must_use]
    pub fn count(&self) -> usize {
        self.guests().filter(|guest| guest.admitted).count()
    }

    /// Somebody is in, or waits at the door.
    #[must_use]
    pub fn has_guests(&self) -> bool {
        self.guests().next().is_some()
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        let heard = |guest: &&Attendee| guest.standing.is_heard(self.rules.roles.may(guest.standing.role));
        self.guests().filter(heard).filter_map(Attendee::sound).cloned().collect()
    }

    /// How the call is encrypted, as the screen says it: the word of whoever is connected.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        let connected = self.guests().find(|guest| guest.admitted && guest.is_verified());
        connected.map_or(Encryption::None, |guest| guest.encryption(self.facts.checked))
    }

    /// Everybody's newest link.
    #[cfg(test)]
    pub fn links_of_guests(&self) -> Vec<Option<subrosa_messages::media::LinkId>> {
        self.guests().map(Attendee::link).collect()
    }

    /// The links of those who are in.
    #[cfg(test)]
    pub fn links_of_admitted(&self) -> Vec<subrosa_messages::media::LinkId> {
        self.guests().filter(|guest| guest.admitted).filter_map(Attendee::link).collect()
    }

    /// The guest whose link this is.
    #[cfg(test)]
    pub fn guest_on(&self, link: subrosa_messages::media::LinkId) -> Option<GuestId> {
        self.guests().find(|guest| guest.link() == Some(link)).map(|guest| guest.id)
    }

    /// Who has this session.
    #[must_use]
    pub fn guest_called(&self, session: &SessionKey) -> Option<GuestId> {
        self.guests().find(|guest| same(&guest.session, session.0.reveal())).map(|guest| guest.id)
    }

    fn guests(&self) -> impl Iterator<Item = &Attendee> {
        self.meeting.iter().flat_map(|meeting| &meeting.guests)
    }

    fn guests_mut(&mut self) -> impl Iterator<Item = &mut Attendee> {
        self.meeting.iter_mut().flat_map(|meeting| &mut meeting.guests)
    }

    /// The guest of a session, and whether media is there.
    fn guest_of(&mut self, session: &SessionKey) -> Option<(&mut Attendee, bool)> {
        let media = self.media;
        let key = session.0.reveal();
        self.guests_mut().find(|guest| same(&guest.session, key)).map(|guest| (guest, media))
    }

    fn knocked(&mut self, now: Instant, knock: &Knock, session: SessionKey) -> Result<SessionKey, KnockRefusal> {
        let inside = self.count();
        let Some(meeting) = &mut self.meeting else { return Err(KnockRefusal::Asleep) };
        let address = *knock.address.reveal();
        let is_pin = matches!(knock.secret, Secret::Pin(_));
        let milliseconds = |wait: std::time::Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if let Some(wait) = meeting.door.wait(now, address, is_pin) {
            return Err(KnockRefusal::TooEarly { retry_after_ms: milliseconds(wait) });
        }
        if !meeting.secrets.fits(&knock.secret) {
            let wait = meeting.door.wrong(now, address, is_pin);
            return Err(KnockRefusal::WrongSecret { retry_after_ms: milliseconds(wait) });
        }
        meeting.door.right(address);
        let name = knock.name.reveal().trim();
        if !is_name(name) {
            return Err(KnockRefusal::Name);
        }
        if meeting.locked {
            return Err(KnockRefusal::Locked);
        }
        if inside >= self.rules.max_guests || meeting.guests.len() - inside >= LOBBY {
            return Err(KnockRefusal::Full);
        }
        self.guests_named += 1;
        let knocking = Knocking {
            id: GuestId(self.guests_named),
            session: &session,
            name,
            h264: knock.h264,
            relayed: self.rules.relay.then_some(address),
            slots: self.rules.max_guests.saturating_sub(1),
        };
        meeting.guests.push(Attendee::new(now, &knocking));
        Ok(session)
    }

    fn admit_next(&mut self, now: Instant, out: &mut Vec<Action>) {
        if let Some(meeting) = &mut self.meeting
            && let Some(next) = meeting.next()
        {
            meeting.admit(now, next, self.rules.max_guests, self.rules.roles.locks, self.media, out);
        }
    }

    fn remove(&mut self, now: Instant, id: GuestId, reason: EndReason, out: &mut Vec<Action>) {
        if let Some(meeting) = &mut self.meeting {
            meeting.remove(now, id, reason, out);
        }
    }

    fn wished(&mut self, now: Instant, asker: &Asker, wish: Wish, out: &mut Vec<Action>) -> Result<(), WishRefusal> {
        let known = match asker {
            Asker::Phone => Known::Phone,
            Asker::Guest(session) => {
                let guest = self.guest_called(session).ok_or(WishRefusal::Unknown)?;
                // Who waits is answered like a stranger.
                self.guests().find(|one| one.id == guest && one.admitted).ok_or(WishRefusal::Unknown)?;
                Known::Guest(guest)
            }
        };
        let meeting = self.meeting.as_mut().ok_or(WishRefusal::Unknown)?;
        meeting.wish(now, &self.rules, self.media, known, wish, out)
    }

    fn loud(&mut self, now: Instant, track: &TrackId, level: u8) {
        let roles = self.rules.roles;
        let Some(meeting) = &mut self.meeting else { return };
        let heard = |guest: &&Attendee| guest.standing.is_heard(roles.may(guest.standing.role));
        let who = meeting.inside().filter(heard).find(|guest| guest.sound() == Some(track)).map(|guest| guest.id);
        if let Some(who) = who {
            meeting.speaker.heard(now, who, level);
        }
    }

    fn end(&mut self, out: &mut Vec<Action>) {
        if let Some(mut meeting) = self.meeting.take() {
            for guest in &mut meeting.guests {
                guest.end(EndReason::MeetingEnded, out);
            }
            out.push(Action::Forget);
        }
    }

    fn settle(&mut self, now: Instant, out: &mut Vec<Action>) {
        let expired: Vec<_> = self.guests().filter_map(|guest| Some((guest.id, guest.expired(now)?))).collect();
        for (id, reason) in expired {
            self.remove(now, id, reason, out);
        }
        let Some(meeting) = &mut self.meeting else { return };
        meeting.heed(&self.rules.roles, out);
        for guest in &mut meeting.guests {
            guest.wait(meeting.message.as_ref().map(|message| message.as_str()), out);
            guest.settle(now, self.media, &mut self.links_named, out);
        }
        let sendings: Vec<_> =
            meeting.guests.iter().map(|guest| routes::of(meeting, &self.rules.roles, guest)).collect();
        let views: Vec<_> = meeting
            .guests
            .iter()
            .map(|guest| roster::seen_by(meeting, &self.rules.roles, &self.rules.room, &self.facts, guest))
            .collect();
        for ((guest, sending), view) in meeting.guests.iter_mut().zip(sendings).zip(views) {
            guest.send(sending, out);
            guest.see(view, out);
        }
    }
}
