//! The meeting that is played.

use std::collections::HashMap;
use std::time::Duration;

use subrosa_messages::{Capture, Pii};
use subrosa_room::meeting::guest::{
    Encryption, EndReason, GuestEvent, GuestId, GuestRequest, KnockRefusal, OwnView, PersonView, RoomView, Secret,
    SessionKey, WaitingView,
};
use subrosa_room::meeting::role::{Capability, May, Preset, Role, Roles};
use subrosa_room::meeting::wish::{Layout, Wish, WishRefusal};
use subrosa_room::notice::Notice;
use subrosa_room::remote::{
    Asks, MeetingView, PairingRefusal, PhoneEvent, PhoneKey, PhonePhase, PhoneRequest, PhoneView, RoleView, WayIn,
};
use subrosa_room::status::BackgroundWord;
use tokio::sync::{mpsc, watch};

use super::facts::{facts, status};

/// The PIN of the meeting, and the code of the remote.
pub const PIN: &str = "123456";
const MOST: usize = 6;

/// A browser.
struct Guest {
    number: GuestId,
    name: String,
    role: Role,
    events: mpsc::UnboundedSender<GuestEvent>,
    is_in: bool,
    hand: bool,
    microphone: bool,
    camera: bool,
    mutes: u32,
}

/// Who is in it, and how it stands.
pub struct Played {
    names: HashMap<SessionKey, String>,
    guests: HashMap<SessionKey, Guest>,
    phones: Vec<watch::Sender<PhoneEvent>>,
    people: Vec<PersonView>,
    waiting: Vec<WaitingView>,
    message: Option<String>,
    locked: bool,
    layout: Layout,
    screen: Option<GuestId>,
    volume: u8,
    hides: bool,
    asks: Asks,
    camera: bool,
    microphone: bool,
    numbers: u64,
}

fn person(number: u64, name: &str, role: Role) -> PersonView {
    PersonView {
        number: GuestId(number),
        name: Pii::new(name.to_owned()),
        role,
        slot: None,
        microphone: true,
        camera: false,
        silenced: false,
        hand: false,
        presenting: false,
        connected: true,
    }
}

fn waits(number: u64, name: &str) -> WaitingView {
    WaitingView { number: GuestId(number), name: Pii::new(name.to_owned()) }
}

impl Played {
    pub fn begin() -> Self {
        Played {
            names: HashMap::new(),
            guests: HashMap::new(),
            phones: Vec::new(),
            people: vec![
                person(1, "Ben Beispiel", Role::Moderator),
                PersonView { hand: true, ..person(2, "Çağla Örnek-Langenachname", Role::Presenter) },
                PersonView { microphone: false, silenced: true, ..person(3, "Jo", Role::Guest) },
            ],
            waiting: vec![waits(4, "Karla Klopft"), waits(5, "Wanda Wartet mit einem Namen bis über die Zeile")],
            message: None,
            locked: false,
            layout: Layout::Grid,
            screen: None,
            volume: 80,
            hides: true,
            asks: Asks::default(),
            camera: true,
            microphone: false,
            numbers: 5,
        }
    }

    pub fn request(&mut self, request: GuestRequest, arrive: &mpsc::UnboundedSender<SessionKey>) {
        match request {
            GuestRequest::Knock(knock, reply) => {
                let right = match &knock.secret {
                    Secret::Pin(pin) => pin.reveal() == PIN,
                    Secret::Token(token) => token.reveal().starts_with("token"),
                };
                let key = SessionKey(Pii::new(format!("{:032x}", self.names.len() + 1)));
                let answer = if self.locked {
                    Err(KnockRefusal::Locked)
                } else if right {
                    self.names.insert(key.clone(), knock.name.into_revealed());
                    Ok(key)
                } else {
                    Err(KnockRefusal::WrongSecret { retry_after_ms: 4000 })
                };
                let _gone = reply.send(answer);
            }
            GuestRequest::Listen(key, events, reply) => {
                let name = self.names.get(&key).cloned();
                let _gone = reply.send(name.is_some());
                if let Some(name) = name {
                    self.listens(key, name, events, arrive);
                }
            }
            GuestRequest::Leave(key) => {
                self.names.remove(&key);
                self.guests.remove(&key);
            }
            GuestRequest::Wish(key, wish, reply) => {
                let _gone = reply.send(self.guest_wish(&key, wish));
            }
            GuestRequest::Phone(request) => self.phone(request),
            GuestRequest::Gone(_) | GuestRequest::Answer { .. } => {}
            GuestRequest::Notice(language, reply) => {
                let _gone = reply.send(Notice::of(language, &facts()));
            }
            GuestRequest::Status(reply) => {
                let _gone = reply.send(status());
            }
        }
    }

    fn listens(
        &mut self,
        key: SessionKey,
        name: String,
        events: mpsc::UnboundedSender<GuestEvent>,
        arrive: &mpsc::UnboundedSender<SessionKey>,
    ) {
        self.numbers += 1;
        let role = if name.starts_with("Chair") { Role::Moderator } else { Role::Guest };
        let guest = Guest {
            number: GuestId(self.numbers),
            name,
            role,
            events,
            is_in: false,
            hand: false,
            microphone: false,
            camera: false,
            mutes: 0,
        };
        let _gone = guest.events.send(GuestEvent::Waiting { message: self.message.clone().map(Pii::new) });
        self.guests.insert(key.clone(), guest);
        let arrive = arrive.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let _gone = arrive.send(key);
        });
    }

    /// A guest who has waited for a second.
    pub fn arrived(&mut self, key: &SessionKey) {
        let Some(guest) = self.guests.get_mut(key) else { return };
        let say = |event| {
            let _gone = guest.events.send(event);
        };
        let ended = |reason| GuestEvent::Ended { reason };
        if guest.name.starts_with("Deny") {
            say(ended(EndReason::Denied));
        } else if guest.name.starts_with("End") {
            say(ended(EndReason::MeetingEnded));
        } else if guest.name.starts_with("Lose") {
            self.names.remove(key);
            self.guests.remove(key);
        } else if !guest.name.starts_with("Wait") {
            say(GuestEvent::Admitted);
            say(GuestEvent::Connected);
            guest.is_in = true;
        }
    }

    fn may(guest: &Guest) -> May {
        let preset = if guest.name.starts_with("Pupil") { Preset::Class } else { Preset::Meeting };
        Roles::of(preset).may(guest.role)
    }

    fn guest_wish(&mut self, key: &SessionKey, wish: Wish) -> Result<(), WishRefusal> {
        let Some(guest) = self.guests.get_mut(key).filter(|guest| guest.is_in) else {
            return Err(WishRefusal::Unknown);
        };
        if wish.needs().is_some_and(|needed| !Self::may(guest).holds(needed)) {
            return Err(WishRefusal::NotAllowed);
        }
        let number = guest.number;
        match wish {
            Wish::State { microphone, camera, hand, mutes: _ } => {
                (guest.microphone, guest.camera, guest.hand) = (microphone, camera, hand);
                Ok(())
            }
            Wish::Present { on: true } if self.screen.is_some_and(|other| other != number) => Err(WishRefusal::Taken),
            Wish::Present { on } => {
                self.screen = on.then_some(number);
                Ok(())
            }
            other => self.wish(other),
        }
    }

    fn wish(&mut self, wish: Wish) -> Result<(), WishRefusal> {
        match wish {
            Wish::State { .. } | Wish::Present { .. } => return Err(WishRefusal::NotAllowed),
            Wish::StopPresenting => self.screen = None,
            Wish::Admit { guest } => {
                let at = self.waiting.iter().position(|one| one.number == guest).ok_or(WishRefusal::Gone)?;
                let one = self.waiting.remove(at);
                self.people.push(person(one.number.0, one.name.reveal(), Role::Guest));
            }
            Wish::AdmitAll => {
                for one in std::mem::take(&mut self.waiting) {
                    self.people.push(person(one.number.0, one.name.reveal(), Role::Guest));
                }
            }
            Wish::Deny { guest } => self.waiting.retain(|one| one.number != guest),
            Wish::Message { text } => {
                let text = text.into_revealed();
                self.message = (!text.is_empty()).then_some(text);
                for guest in self.guests.values().filter(|guest| !guest.is_in) {
                    let _gone = guest.events.send(GuestEvent::Waiting { message: self.message.clone().map(Pii::new) });
                }
            }
            Wish::Lock { on } => self.locked = on,
            Wish::Mute { guest } => self.mute(Some(guest)),
            Wish::MuteAll => self.mute(None),
            Wish::Remove { guest } => {
                self.people.retain(|person| person.number != guest);
                for (_, gone) in self.guests.extract_if(|_, other| other.number == guest) {
                    let _gone = gone.events.send(GuestEvent::Ended { reason: EndReason::Removed });
                }
            }
            Wish::Role { guest, role } => {
                for person in self.people.iter_mut().filter(|person| person.number == guest) {
                    person.role = role;
                }
                for other in self.guests.values_mut().filter(|other| other.number == guest) {
                    other.role = role;
                }
            }
            Wish::Arrange { layout } => self.layout = layout,
            Wish::End => {
                for (_, gone) in self.guests.drain() {
                    let _gone = gone.events.send(GuestEvent::Ended { reason: EndReason::MeetingEnded });
                }
                self.people.clear();
                self.waiting.clear();
            }
            Wish::Ask { capture: Capture::Camera } => self.asks.camera = true,
            Wish::Ask { capture: Capture::Microphone } => self.asks.microphone = true,
            Wish::Close { capture: Capture::Camera } => self.camera = false,
            Wish::Close { capture: Capture::Microphone } => self.microphone = false,
            Wish::Volume { percent } => self.volume = percent.min(100),
            Wish::Hide { on } => self.hides = on,
        }
        Ok(())
    }

    fn mute(&mut self, whom: Option<GuestId>) {
        let meant = |number| whom.is_none_or(|one| one == number);
        for person in self.people.iter_mut().filter(|person| meant(person.number)) {
            (person.microphone, person.silenced) = (false, true);
        }
        for guest in self.guests.values_mut().filter(|guest| guest.is_in && meant(guest.number)) {
            guest.mutes += 1;
            let _gone = guest.events.send(GuestEvent::Muted);
        }
    }

    fn phone(&mut self, request: PhoneRequest) {
        match request {
            PhoneRequest::Pair(attempt, reply) => {
                let right = match &attempt.secret {
                    Secret::Pin(code) => code.reveal() == PIN,
                    Secret::Token(_) => true,
                };
                let key = PhoneKey(Pii::new(format!("{:032x}", 1)));
                let _gone = reply.send(right.then_some(key).ok_or(PairingRefusal::WrongCode { retry_after_ms: 0 }));
            }
            PhoneRequest::Listen(_, _, reply) => {
                let (to, state) = watch::channel(self.phone_state());
                self.phones.push(to);
                let _gone = reply.send(Some(state));
            }
            PhoneRequest::Wish { wish, reply, .. } => {
                let _gone = reply.send(self.wish(wish));
            }
            PhoneRequest::Propose { reply, .. } => {
                let _gone = reply.send(subrosa_room::remote::Proposed::Stranger);
            }
            PhoneRequest::Password { reply, .. } | PhoneRequest::Leave(_, reply) => {
                let _gone = reply.send(true);
            }
        }
    }

    pub fn tell(&mut self) {
        let state = self.phone_state();
        self.phones.retain(|phone| !phone.is_closed());
        for phone in &self.phones {
            phone.send_replace(state.clone());
        }
        for guest in self.guests.values().filter(|guest| guest.is_in) {
            let _gone = guest.events.send(GuestEvent::Room(Box::new(self.room(guest))));
        }
    }

    /// Everybody, as somebody with this number sees them.
    fn everybody(&self, but: Option<GuestId>) -> Vec<PersonView> {
        let browsers =
            self.guests.values().filter(|guest| guest.is_in && Some(guest.number) != but).map(|guest| PersonView {
                microphone: guest.microphone,
                camera: guest.camera,
                hand: guest.hand,
                presenting: self.screen == Some(guest.number),
                ..person(guest.number.0, &guest.name, guest.role)
            });
        let mut people: Vec<PersonView> = self.people.iter().cloned().chain(browsers).collect();
        if but.is_some() {
            for (slot, person) in people.iter_mut().enumerate() {
                person.slot = Some(slot);
            }
        }
        people
    }

    fn room(&self, guest: &Guest) -> RoomView {
        let may = Self::may(guest);
        let people = if guest.name.starts_with("Alone") { Vec::new() } else { self.everybody(Some(guest.number)) };
        RoomView {
            room: facts().room,
            camera_live: self.camera,
            microphone_live: self.microphone,
            encryption: Encryption::DeviceNotChecked,
            guests: people.len() + 1,
            background_hidden: self.hides,
            background: if self.hides { BackgroundWord::Hidden } else { BackgroundWord::AsItIs },
            recording: false,
            locked: self.locked,
            layout: self.layout,
            screen: self.screen,
            speaker: people.first().map(|person| person.number),
            you: OwnView {
                number: guest.number,
                role: guest.role,
                may,
                silenced: false,
                mutes: guest.mutes,
                presenting: self.screen == Some(guest.number),
            },
            people,
            waiting: if may.holds(Capability::Admit) { self.waiting.clone() } else { Vec::new() },
        }
    }

    fn phone_state(&self) -> PhoneEvent {
        let people = self.everybody(None);
        let roles = Roles::default();
        let role = |role| RoleView { role, may: roles.may(role) };
        let meeting = MeetingView {
            locked: self.locked,
            layout: self.layout,
            screen: self.screen,
            speaker: people.first().map(|person| person.number),
            waiting: self.waiting.clone(),
            message: self.message.clone().map(Pii::new),
            volume: self.volume,
            hides: self.hides,
            may_show: true,
            camera_live: self.camera,
            microphone_live: self.microphone,
            asks: self.asks,
            guests: people.len(),
            most: MOST,
            full: people.len() >= MOST,
            invitation: Some(WayIn {
                link: Pii::new("https://rose.local:8443/".to_owned()),
                pin: Pii::new(PIN.to_owned()),
            }),
            roles: vec![role(Role::Guest), role(Role::Presenter), role(Role::Moderator)],
            people,
        };
        let anybody = meeting.guests > 0 || !meeting.waiting.is_empty();
        PhoneEvent::State(Box::new(PhoneView {
            room: facts().room,
            phones: 1,
            phase: if anybody { PhonePhase::Guests } else { PhonePhase::Free },
            host: None,
            operator: None,
            sentence: None,
            meeting: Some(meeting),
        }))
    }
}
