//! What the desk does for phones: which are paired, what they are told, and what they ask for.

use std::time::Instant;

use subrosa_messages::Pii;
use tokio::sync::watch;

use super::elsewhere::{Effect, Elsewhere, Giver};
use crate::language::Language;
use crate::meeting::act::RoomAct;
use crate::meeting::hosted::session_key;
use crate::remote::{
    Action, Attempt, Event, MeetingView, Pairing, PairingRefusal, PhoneEvent, PhoneId, PhoneKey, PhoneRequest,
    Proposed, new_code,
};
use crate::screen::view::{CodeView, RemoteView};

/// Pages of one phone that are told how it stands; several may lie open in its browser.
const STREAMS: usize = 4;

/// The phones of this room.
#[derive(Default)]
pub struct Phones {
    pairing: Pairing,
    streams: Vec<Stream>,
}

/// A page that listens.
struct Stream {
    phone: PhoneId,
    language: Language,
    to: watch::Sender<PhoneEvent>,
}

impl Phones {
    /// Somebody pressed the button, which had nothing else to do.
    pub fn pressed(&mut self, now: Instant, act: RoomAct) {
        match new_code() {
            Ok(code) => drop(self.pairing.step(now, Event::Pressed(act, code))),
            Err(error) => tracing::error!("no phone can be paired, the kernel has no randomness for a code: {error}"),
        }
    }

    /// The screen shows no code now.
    pub fn covered(&mut self, now: Instant) {
        if self.pairing.code().is_some() {
            self.pairing.step(now, Event::Covered);
        }
    }

    /// The room sleeps. `true`: what phones have sent is to be wiped wherever it lies.
    pub fn slept(&mut self, now: Instant) -> bool {
        for stream in self.streams.drain(..) {
            stream.to.send_replace(PhoneEvent::Ended);
        }
        self.pairing.step(now, Event::Slept).contains(&Action::Forget)
    }

    /// The time that [`Phones::deadline`] named has come.
    pub fn tick(&mut self, now: Instant) {
        self.pairing.step(now, Event::Tick);
    }

    /// When [`Phones::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.pairing.deadline()
    }

    /// Whether this phone is paired.
    #[must_use]
    pub fn knows(&self, key: &PhoneKey) -> bool {
        self.pairing.phone(key).is_some()
    }

    /// What the screen shows of it. `link`: the page's, with a slash at its end.
    #[must_use]
    pub fn view(&self, link: Option<&str>) -> RemoteView {
        let code = link.zip(self.pairing.code()).map(|(link, code)| CodeView {
            link: Pii::new(format!("{link}remote")),
            link_with_token: Pii::new(format!("{link}remote#{}", code.token())),
            code: Pii::new(code.pin().to_owned()),
        });
        RemoteView { phones: self.pairing.phones(), code }
    }

    /// Tells every page how it stands, where that has changed.
    pub fn tell(&mut self, guests: bool, meeting: Option<&MeetingView>, elsewhere: &Elsewhere) {
        self.streams.retain(|stream| !stream.to.is_closed());
        let phones = self.pairing.phones();
        for stream in &self.streams {
            let mut view = elsewhere.phone_view(guests, phones, stream.language);
            view.meeting = meeting.cloned();
            let state = PhoneEvent::State(Box::new(view));
            stream.to.send_if_modified(|told| {
                let changed = *told != state;
                *told = state;
                changed
            });
        }
    }

    /// A phone asks. `guests`: the room's own meeting has some, or at its door.
    pub fn request(
        &mut self,
        now: Instant,
        guests: bool,
        meeting: Option<MeetingView>,
        elsewhere: &mut Elsewhere,
        request: PhoneRequest,
    ) -> Vec<Effect> {
        match request {
            PhoneRequest::Pair(attempt, reply) => {
                if let Some(answer) = self.pair(now, attempt) {
                    let _the_phone_may_be_gone = reply.send(answer);
                }
            }
            PhoneRequest::Listen(key, language, reply) => {
                let phone = self.pairing.phone(&key);
                let stream = phone.map(|phone| {
                    let mut view = elsewhere.phone_view(guests, self.pairing.phones(), language);
                    view.meeting = meeting;
                    let state = PhoneEvent::State(Box::new(view));
                    let (to, stream) = watch::channel(state);
                    self.streams.retain(|stream| !stream.to.is_closed());
                    // One page too many: the oldest of this phone ends.
                    if self.streams.iter().filter(|stream| stream.phone == phone).count() >= STREAMS
                        && let Some(oldest) = self.streams.iter().position(|stream| stream.phone == phone)
                    {
                        self.streams.remove(oldest).to.send_replace(PhoneEvent::Ended);
                    }
                    self.streams.push(Stream { phone, language, to });
                    stream
                });
                let _the_phone_may_be_gone = reply.send(stream);
            }
            PhoneRequest::Propose { key, link, language, reply } => {
                let answer = match self.pairing.phone(&key) {
                    None => Proposed::Stranger,
                    Some(_) => match elsewhere.consider(now, guests, link.reveal(), Giver::Phone) {
                        Ok(_) => Proposed::Shown,
                        Err(declined) => Proposed::Refused(declined.sentence(language).to_owned()),
                    },
                };
                let _the_phone_may_be_gone = reply.send(answer);
            }
            PhoneRequest::Password { key, password, reply } => {
                let known = self.pairing.phone(&key).is_some();
                let _the_phone_may_be_gone = reply.send(known);
                if known {
                    return elsewhere.password(now, password);
                }
            }
            // Granted by the desk, which has the meeting.
            PhoneRequest::Wish { reply, .. } => drop(reply),
            PhoneRequest::Leave(key, reply) => {
                let known = self.pairing.phone(&key).is_some();
                let _the_phone_may_be_gone = reply.send(known);
                if known {
                    return elsewhere.leave();
                }
            }
        }
        Vec::new()
    }

    fn pair(&mut self, now: Instant, attempt: Attempt) -> Option<Result<PhoneKey, PairingRefusal>> {
        let key = match session_key() {
            Ok(key) => PhoneKey(key.0),
            Err(error) => {
                tracing::error!("no phone is paired, the kernel has no randomness for a key: {error}");
                return None;
            }
        };
        self.pairing.step(now, Event::Tried(attempt, key)).into_iter().find_map(|action| match action {
            Action::Reply(reply) => Some(reply),
            Action::Forget => None,
        })
    }
}
