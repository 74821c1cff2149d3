//! The machine of the hosted meeting.

use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::TrackId;

use super::attendee::Attendee;
use super::door::Door;
use super::event::{Action, Event, Facts};
use super::name::is_name;
use super::secrets::{Secrets, same};
use crate::meeting::act::RoomAct;
use crate::meeting::guest::{Encryption, EndReason, GuestId, Knock, KnockRefusal, RoomView, Secret, SessionKey};
use crate::screen::view::GuestView;

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

struct Meeting {
    secrets: Secrets,
    door: Door,
    /// In the order in which they came.
    guests: Vec<Attendee>,
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
                self.meeting.get_or_insert_with(|| Meeting { secrets, door: Door::default(), guests: Vec::new() });
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
                    self.remove(id, EndReason::Left, &mut out);
                }
            }
            Event::Denied(id) => self.remove(id, EndReason::Denied, &mut out),
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
            Event::Paused(link, paused) => {
                if let Some(guest) = self.guests_mut().find(|guest| guest.link() == Some(link)) {
                    guest.paused(paused, &mut out);
                }
            }
            Event::Facts(facts) => self.facts = facts,
            Event::Tick => {}
        }
        self.settle(now, &mut out);
        out
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.guests().filter_map(|guest| guest.deadline(self.media)).min()
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
    pub fn inside(&self) -> impl Iterator<Item = GuestView> {
        self.guests().filter(|guest| guest.admitted).map(Attendee::view)
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
        self.guests().filter_map(Attendee::sound).cloned().collect()
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
        if inside >= self.rules.max_guests || meeting.guests.len() - inside >= LOBBY {
            return Err(KnockRefusal::Full);
        }
        self.guests_named += 1;
        let relayed = self.rules.relay.then_some(address);
        meeting.guests.push(Attendee::new(now, GuestId(self.guests_named), &session, name, knock.h264, relayed));
        Ok(session)
    }

    fn admit_next(&mut self, now: Instant, out: &mut Vec<Action>) {
        let media = self.media;
        if self.count() < self.rules.max_guests
            && let Some(next) = self.guests_mut().find(|guest| !guest.admitted)
        {
            next.admit(now, media, out);
        }
    }

    fn remove(&mut self, id: GuestId, reason: EndReason, out: &mut Vec<Action>) {
        let Some(meeting) = &mut self.meeting else { return };
        meeting.guests.retain_mut(|guest| {
            if guest.id == id {
                guest.end(reason, out);
            }
            guest.id != id
        });
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
            self.remove(id, reason, out);
        }
        let (guests, facts, media) = (self.count(), self.facts, self.media);
        let Some(meeting) = &mut self.meeting else { return };
        for guest in &mut meeting.guests {
            let view = RoomView {
                room: self.rules.room.clone(),
                camera_live: facts.camera_live,
                microphone_live: facts.microphone_live,
                encryption: guest.encryption(facts.checked),
                guests,
                background_hidden: facts.background_hidden,
                recording: false,
            };
            guest.settle(now, media, view, &mut self.links_named, out);
        }
    }
}
