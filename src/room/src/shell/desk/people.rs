//! What people ask over the web, and what the room's own meeting wants done for them.

use std::time::Instant;

use subrosa_messages::Capture;
use subrosa_messages::guard::RoomToGuard;
use subrosa_messages::media::{Background, RoomToMedia};
use tokio::sync::{mpsc, oneshot};

use super::Desk;
use crate::meeting::guest::{GuestEvent, GuestRequest, KnockRefusal, SessionKey};
use crate::meeting::hosted::{Action, Asker, Event, session_key};
use crate::meeting::role::Role;
use crate::meeting::wish::{Wish, WishRefusal};
use crate::notice::Notice;
use crate::remote::chair::{self, Chair};
use crate::remote::{Asks, MeetingView, PhoneRequest, RoleView, WayIn};
use crate::status::{Contact, Status};

/// Somebody who waits for an answer to a listening.
type Arriving = (mpsc::UnboundedSender<GuestEvent>, oneshot::Sender<bool>);

/// What the machine of the meeting has answered.
#[derive(Default)]
struct Answers {
    knock: Option<Result<SessionKey, KnockRefusal>>,
    wish: Option<Result<(), WishRefusal>>,
}

impl Desk {
    /// The web server carries a guest's wish.
    pub fn request(&mut self, now: Instant, request: GuestRequest) {
        match request {
            GuestRequest::Knock(knock, reply) => match session_key() {
                Ok(session) => {
                    let answer = self.ask(now, Event::Knocked(knock, session), None).knock;
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
            GuestRequest::Wish(session, wish, reply) => {
                let granted = self.wish(now, Asker::Guest(session), wish);
                let _the_guest_may_be_gone = reply.send(granted);
            }
            GuestRequest::Phone(PhoneRequest::Wish { key, wish, reply }) => {
                let granted =
                    if self.phones.knows(&key) { self.phone_wishes(now, wish) } else { Err(WishRefusal::Unknown) };
                let _the_phone_may_be_gone = reply.send(granted);
            }
            GuestRequest::Phone(request) => {
                let (guests, meeting) = (self.hosted.has_guests(), self.chair_view());
                let effects = self.phones.request(now, guests, meeting, &mut self.elsewhere, request);
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
    fn wish(&mut self, now: Instant, asker: Asker, wish: Wish) -> Result<(), WishRefusal> {
        self.ask(now, Event::Wished(asker, wish), None).wish.unwrap_or(Err(WishRefusal::Unknown))
    }

    /// A paired phone wishes something of the room itself, or of its meeting.
    fn phone_wishes(&mut self, now: Instant, wish: Wish) -> Result<(), WishRefusal> {
        let event = match wish {
            Wish::Ask { capture } => chair::Event::Asked(capture),
            Wish::Volume { percent } => chair::Event::Volume(percent),
            Wish::Hide { on } => chair::Event::Hide(on),
            Wish::Close { capture } => {
                let guard = self.guard.as_ref().ok_or(WishRefusal::Gone)?;
                guard.say(&RoomToGuard::Mute { capture }, &[]);
                return Ok(());
            }
            wish => return self.wish(now, Asker::Phone, wish),
        };
        self.chair.step(now, event);
        Ok(())
    }

    /// The room's own meeting, as a paired phone sees it.
    pub(super) fn chair_view(&self) -> Option<MeetingView> {
        let way_in = self.known.invitation(&self.configuration, &self.hosted)?;
        if self.elsewhere.is_on() || self.elsewhere.is_proposed() {
            return None;
        }
        let (facts, rules, asked) = (self.known.facts(), self.hosted.rules(), self.chair.asked());
        let shows = self.configuration.blur.background() == Background::AsItIs;
        let role = |role| RoleView { role, may: rules.roles.may(role) };
        Some(MeetingView {
            locked: self.hosted.is_locked(),
            layout: self.hosted.layout(),
            screen: self.hosted.presenter(),
            speaker: self.hosted.speaker(),
            people: self.hosted.people(),
            waiting: self.hosted.lobby(),
            message: self.hosted.message(),
            volume: self.chair.volume(),
            hides: !shows || self.chair.hides(),
            may_show: shows,
            camera_live: facts.camera_live,
            microphone_live: facts.microphone_live,
            asks: Asks { camera: asked.contains(&Capture::Camera), microphone: asked.contains(&Capture::Microphone) },
            guests: self.hosted.count(),
            most: rules.max_guests,
            full: self.hosted.count() >= rules.max_guests,
            invitation: (!way_in.link.reveal().is_empty()).then_some(WayIn { link: way_in.link, pin: way_in.pin }),
            roles: [Role::Guest, Role::Presenter, Role::Moderator].map(role).to_vec(),
        })
    }

    /// Something happens to the room's own meeting.
    pub(super) fn step(&mut self, now: Instant, event: Event) {
        self.ask(now, event, None);
    }
    fn ask(&mut self, now: Instant, event: Event, mut arriving: Option<Arriving>) -> Answers {
        let mut answers = Answers::default();
        for action in self.hosted.step(now, event) {
            match action {
                Action::Reply(reply) => answers.knock = Some(reply),
                Action::Granted(granted) => answers.wish = Some(granted),
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
                Action::Data { link, channel, bytes } => {
                    if let Some(media) = &self.media {
                        media.say(&RoomToMedia::Data { link, channel }, &bytes);
                    }
                }
                Action::Sleep => {
                    if let Some(guard) = &self.guard {
                        guard.say(&RoomToGuard::Sleep, &[]);
                    }
                }
                Action::Forget => {
                    self.chair = Chair::default();
                    self.streams.clear();
                    self.outlets.forget.send_modify(|meetings| *meetings += 1);
                }
            }
        }
        answers
    }
}
