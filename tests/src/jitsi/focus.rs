//! A double of jicofo's XMPP part: an ordinary client `focus@auth.meet.test/focus` that owns rooms, answers conference requests
//! and moderates, after recordings 01, 03, 04, 05, 08 and 16. It has no bridge: descriptions are handed to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use minidom::Element;
use subrosa_room::signalling::xmpp::{Build, element, frame, namespace};

use super::client::{Client, FOCUS, own_presence};
use super::prosody::Prosody;

const ADMIN: &str = "http://jabber.org/protocol/muc#admin";
const OWNER: &str = "http://jabber.org/protocol/muc#owner";
const FORM: &str = "jabber:x:data";
/// Jingle (XEP-0166).
pub const JINGLE: &str = "urn:xmpp:jingle:1";

/// What a conference request is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// The room is made, and it is ready.
    #[default]
    Ready,
    /// Later (`ready='false'`).
    NotReady,
    /// Only somebody with an account opens rooms (recording 08c).
    NotAuthorized,
}

#[derive(Default)]
struct State {
    answer: Answer,
    /// Who was muted may not unmute.
    moderated: bool,
    /// Rooms, and who is in them: nick and address.
    rooms: BTreeMap<String, BTreeMap<String, String>>,
    /// Requests for rooms that are being made.
    waiting: Vec<(String, Element)>,
    /// Conference requests so far: the payloads.
    requests: Vec<Element>,
    /// What occupants said they can (XEP-0030), by address in the room.
    features: BTreeMap<String, BTreeSet<String>>,
    /// Jingle of occupants that nobody has taken: from whom, what.
    jingle: Vec<(String, Element)>,
}

/// The focus.
pub struct Focus {
    client: Client,
    state: Arc<Mutex<State>>,
}

impl Focus {
    /// Logs in.
    #[must_use]
    pub fn start(prosody: &Prosody) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let answers = Box::new(move |stanza: &Element| shared.lock().expect("the state").heard(stanza));
        Focus { client: Client::login(prosody, "auth.meet.test", Some("focus"), answers), state }
    }

    /// What conference requests are answered with from now on.
    pub fn answer(&self, answer: Answer) {
        self.state().answer = answer;
    }

    /// Makes a room, as a host's request would.
    pub fn open(&self, room: &str) {
        let join = self.state().join(room);
        self.client.send(join);
        let place = format!("{room}/focus");
        self.client.wait("the focus is in its room", |stanza| own_presence(stanza, &place).then_some(()));
    }

    /// The conference requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Element> {
        self.state().requests.clone()
    }

    /// Who is in a room besides the focus: nick and address.
    #[must_use]
    pub fn people(&self, room: &str) -> BTreeMap<String, String> {
        self.state().rooms.get(room).cloned().unwrap_or_default()
    }

    /// From now on speaking and being seen is by permission, which nobody has, or it is free again.
    pub fn moderate(&self, on: bool) {
        self.state().moderated = on;
    }

    /// What an occupant has said that it can; `None` before it has answered.
    #[must_use]
    pub fn features(&self, place: &str) -> Option<BTreeSet<String>> {
        self.state().features.get(place).cloned()
    }

    /// Sets or removes the password of a room.
    pub fn password(&self, room: &str, password: Option<&str>) {
        self.configure(room, "muc#roomconfig_roomsecret", password.unwrap_or(""));
    }

    /// Switches the lobby on or off.
    pub fn members_only(&self, room: &str, on: bool) {
        self.configure(room, "muc#roomconfig_membersonly", if on { "true" } else { "false" });
    }

    /// Lets somebody in who waits in the lobby, by their own address.
    pub fn admit(&self, room: &str, jid: &str) {
        let invite = Element::bare("invite", namespace::MUC_USER).with("to", jid);
        let x = Element::bare("x", namespace::MUC_USER).child(invite);
        self.client.send(Element::bare("message", namespace::CLIENT).with("to", room).child(x));
    }

    /// Removes somebody from a room or a lobby, by nick.
    pub fn kick(&self, room: &str, nick: &str, reason: &str) {
        let reason = Element::bare("reason", ADMIN).holding(reason);
        let item = Element::bare("item", ADMIN).with("nick", nick).with("role", "none").child(reason);
        self.want(element::iq("set", room, Element::bare("query", ADMIN).child(item)));
    }

    /// Ends a room, with everybody in it.
    pub fn destroy(&self, room: &str, reason: &str) {
        let destroy = Element::bare("destroy", OWNER).child(Element::bare("reason", OWNER).holding(reason));
        self.want(element::iq("set", room, Element::bare("query", OWNER).child(destroy)));
        self.state().rooms.remove(room);
    }

    /// Leaves a room, as it does when it is alone or restarted.
    pub fn leave(&self, room: &str) {
        let place = format!("{room}/focus");
        let presence = Element::bare("presence", namespace::CLIENT);
        self.client.send(presence.with("to", place).with("type", "unavailable"));
        self.state().rooms.remove(room);
    }

    /// Mutes an occupant (`audio`, `video`) in the name of a moderator, or of nobody: AV moderation. The answer.
    #[track_caller]
    pub fn mute(&self, place: &str, media: &str, mute: bool, actor: Option<&str>) -> Element {
        let mute = Element::bare("mute", format!("http://jitsi.org/jitmeet/{media}"))
            .with("actor", actor)
            .holding(if mute { "true" } else { "false" });
        self.client.ask(element::iq("set", place, mute))
    }

    /// Sends a `<jingle>` to an occupant, such as a session-initiate that a bridge has made. The answer.
    #[track_caller]
    pub fn jingle(&self, place: &str, jingle: Element) -> Element {
        self.client.ask(element::iq("set", place, jingle))
    }

    /// Waits for the next `<jingle>` of any occupant (it has been acknowledged): from whom, what.
    #[track_caller]
    pub fn took(&self) -> (String, Element) {
        self.takes(super::client::PATIENCE)
    }

    /// The same, for as long as it may take.
    #[track_caller]
    pub fn takes(&self, within: std::time::Duration) -> (String, Element) {
        crate::stage::eventually("an occupant sends Jingle", within, || {
            let mut state = self.state();
            (!state.jingle.is_empty()).then(|| state.jingle.remove(0))
        })
    }

    /// Anything else, as the focus.
    pub fn client(&self) -> &Client {
        &self.client
    }

    #[track_caller]
    fn configure(&self, room: &str, name: &str, value: &str) {
        let field = |name: &str, value: &str| {
            let value = Element::bare("value", FORM).holding(value);
            Element::bare("field", FORM).with("var", name).child(value)
        };
        let form = Element::bare("x", FORM)
            .with("type", "submit")
            .child(field("FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig"))
            .child(field(name, value));
        self.want(element::iq("set", room, Element::bare("query", OWNER).child(form)));
    }

    #[track_caller]
    fn want(&self, iq: Element) {
        let answer = self.client.ask(iq);
        assert_eq!(answer.attr("type"), Some("result"), "{}", frame::write(&answer));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }
}

impl State {
    /// What is answered to a stanza.
    fn heard(&mut self, stanza: &Element) -> Vec<Element> {
        match (stanza.name(), stanza.attr("type")) {
            ("presence", kind) => self.presence(stanza, kind),
            ("iq", Some("get" | "set")) => self.asked(stanza),
            ("iq", Some("result")) => {
                if let (Some(query), Some(from)) =
                    (stanza.get_child("query", namespace::DISCO_INFO), stanza.attr("from"))
                {
                    let features = query.children().filter_map(|child| child.attr("var")).map(str::to_owned);
                    self.features.insert(from.to_owned(), features.collect());
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// The presence that makes a room (recording 08a: what everybody else sees of the focus).
    fn join(&mut self, room: &str) -> Element {
        self.rooms.entry(room.to_owned()).or_default();
        let can_restart =
            Element::bare("property", FOCUS).with("key", "support-terminate-restart").with("value", "true");
        Element::bare("presence", namespace::CLIENT)
            .with("to", format!("{room}/focus"))
            .child(Element::bare("x", namespace::MUC))
            .child(Element::bare("priority", namespace::CLIENT).holding("0"))
            .child(Element::bare("conference-properties", FOCUS).child(can_restart))
    }

    fn presence(&mut self, presence: &Element, kind: Option<&str>) -> Vec<Element> {
        let Some((room, nick)) = presence.attr("from").and_then(|from| from.split_once('/')) else { return Vec::new() };
        if nick == "focus" {
            if kind.is_some() {
                return Vec::new();
            }
            let (ready, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|(of, _)| of == room);
            self.waiting = waiting;
            let ready: Vec<(String, Element)> = ready;
            return ready.iter().map(|(room, iq)| result(iq, room, true)).collect();
        }
        let Some(people) = self.rooms.get_mut(room) else { return Vec::new() };
        match kind {
            Some("unavailable") => {
                people.remove(nick);
                Vec::new()
            }
            Some(_) => Vec::new(),
            None => {
                let x = presence.get_child("x", namespace::MUC_USER);
                let item = x.and_then(|x| x.children().find(|child| child.name() == "item"));
                let jid = item.and_then(|item| item.attr("jid")).unwrap_or_default().to_owned();
                let first = people.is_empty();
                if people.insert(nick.to_owned(), jid.clone()).is_some() {
                    return Vec::new();
                }
                // jicofo asks every newcomer what it can, and makes the first one an owner.
                let place = format!("{room}/{nick}");
                let query = Element::bare("query", namespace::DISCO_INFO);
                let mut out = vec![element::iq("get", &place, query).with("id", format!("can-{nick}"))];
                if first {
                    let bare = jid.split('/').next().unwrap_or_default();
                    let item = Element::bare("item", ADMIN).with("jid", bare).with("affiliation", "owner");
                    let query = Element::bare("query", ADMIN).child(item);
                    out.push(element::iq("set", room, query).with("id", format!("owner-{nick}")));
                }
                out
            }
        }
    }

    fn asked(&mut self, iq: &Element) -> Vec<Element> {
        let Some(payload) = iq.children().next() else { return Vec::new() };
        if payload.is("conference", FOCUS) {
            return self.requested(iq, payload);
        }
        if payload.is("jingle", JINGLE) {
            self.jingle.push((iq.attr("from").unwrap_or_default().to_owned(), payload.clone()));
            return vec![element::result(iq, None)];
        }
        if payload.name() == "mute" {
            // Seen with jicofo: who has no permission to speak may not open what was closed.
            let refused = self.moderated && payload.text() == "false";
            return if refused {
                vec![element::refusal(iq, "cancel", "not-allowed")]
            } else {
                vec![element::result(iq, None)]
            };
        }
        if payload.is("ping", namespace::PING) {
            return vec![element::result(iq, None)];
        }
        vec![element::refusal(iq, "cancel", "service-unavailable")]
    }

    fn requested(&mut self, iq: &Element, conference: &Element) -> Vec<Element> {
        self.requests.push(conference.clone());
        let Some(room) = conference.attr("room").map(str::to_owned) else {
            return vec![element::refusal(iq, "modify", "bad-request")];
        };
        match self.answer {
            Answer::NotAuthorized if !self.rooms.contains_key(&room) => {
                vec![element::refusal(iq, "auth", "not-authorized")]
            }
            Answer::NotReady => vec![result(iq, &room, false)],
            Answer::Ready | Answer::NotAuthorized if self.rooms.contains_key(&room) => vec![result(iq, &room, true)],
            Answer::Ready | Answer::NotAuthorized => {
                let join = self.join(&room);
                self.waiting.push((room, iq.clone()));
                vec![join]
            }
        }
    }
}

/// The answer to a conference request (recording 08a).
fn result(iq: &Element, room: &str, ready: bool) -> Element {
    let property = |name: &str| Element::bare("property", FOCUS).with("name", name).with("value", "false");
    let conference = Element::bare("conference", FOCUS)
        .with("ready", if ready { "true" } else { "false" })
        .with("room", room)
        .with("focusjid", "focus@auth.meet.test")
        .child(property("authentication"))
        .child(property("visitors-supported"));
    element::result(iq, Some(conference))
}
