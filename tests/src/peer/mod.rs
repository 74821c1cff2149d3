//! A guest without a browser: joins through the HTTP interface, answers the offer with webrtcbin, and keeps every
//! packet with its time of arrival. It can also misbehave.

mod channels;
mod link;
pub(crate) mod loopback;
pub mod offer;
pub mod recording;
pub(crate) mod replay;
mod sends;
#[cfg(test)]
mod stand_in;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use channels::Channels;
pub(crate) use link::ask;
pub use link::{Link, LinkPlan, Picture};
pub use recording::{Frame, Look, Packet, Recording, difference, looks, pictures};

use crate::client::{Client, Reply};
use crate::namespace::{Namespace, inside};
use crate::room::Invitation;

/// Who comes, with what, and how they behave.
#[derive(Clone, Debug)]
pub struct Guest {
    /// What they call themselves.
    pub name: String,
    /// In which network.
    pub namespace: Option<Arc<Namespace>>,
    /// Their browser decodes H.264.
    pub h264: bool,
    /// How their links behave.
    pub link: LinkPlan,
    /// Their answer names a certificate that nobody has.
    pub forges: bool,
    /// Candidates that their answer names besides its own.
    pub candidates: Vec<String>,
    /// What they answer an offer with instead of an answer.
    pub nonsense: Option<String>,
}

impl Default for Guest {
    fn default() -> Self {
        Guest {
            name: "Guest A".to_owned(),
            namespace: None,
            h264: true,
            link: LinkPlan::default(),
            forges: false,
            candidates: Vec::new(),
            nonsense: None,
        }
    }
}

#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    changed: Condvar,
}

#[derive(Default)]
struct Told {
    events: Vec<(Instant, Value)>,
    link: Option<Arc<Link>>,
    gone: bool,
    streams: u32,
}

impl Shared {
    /// Also after a test has failed: what ends it must not fail again.
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A guest that has knocked.
pub struct Peer {
    client: Arc<Client>,
    shared: Arc<Shared>,
}

impl Peer {
    /// Knocks with the PIN. Returns what the room said, for looking at refusals.
    ///
    /// # Errors
    /// The refusal.
    pub fn knock(origin: &str, secret: &Value, guest: &Guest) -> Result<Self, Reply> {
        let client = Arc::new(Client::new(origin, guest.namespace.clone()));
        let mut body = json!({"name": guest.name, "lang": "en", "h264": guest.h264});
        for (key, value) in secret.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        let reply = client.post("/api/knock", &body).unwrap_or_else(|error| panic!("knocking: {error}"));
        if reply.status != 200 {
            return Err(reply);
        }
        let shared = Arc::new(Shared::default());
        let (listener, guest) = ((client.clone(), shared.clone()), guest.clone());
        std::thread::Builder::new()
            .name("guest".into())
            .spawn(move || listen(&listener.0, &listener.1, &guest))
            .expect("a thread");
        Ok(Peer { client, shared })
    }

    /// Knocks with the invitation's PIN and waits for the answer to be that the room was asked.
    ///
    /// # Panics
    /// When the room refuses.
    #[must_use]
    #[track_caller]
    pub fn ask(invitation: &Invitation, guest: &Guest) -> Self {
        let peer = Peer::knock(&invitation.link, &json!({"pin": invitation.pin}), guest);
        let peer = peer.unwrap_or_else(|refusal| panic!("the room refused: {refusal:?}"));
        peer.told(0, "the room has been asked", Duration::from_secs(5), |event| event["event"] == "waiting");
        peer
    }

    /// How much has been told so far; to be passed to [`Peer::told`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.shared.lock().events.len()
    }

    /// Everything told so far.
    #[must_use]
    pub fn events(&self) -> Vec<(Instant, Value)> {
        self.shared.lock().events.clone()
    }

    /// Waits for an event that came after the mark.
    #[track_caller]
    pub fn told(&self, mark: usize, what: &str, within: Duration, wanted: impl Fn(&Value) -> bool) -> (Instant, Value) {
        let deadline = Instant::now() + within;
        let mut told = self.shared.lock();
        loop {
            if let Some(found) = told.events.get(mark..).unwrap_or_default().iter().find(|(_, event)| wanted(event)) {
                return found.clone();
            }
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                let names: Vec<String> = told.events.iter().map(|(_, event)| event["event"].to_string()).collect();
                drop(told);
                panic!("the guest was not told within {within:?}: {what}; told {names:?}");
            };
            told = self.shared.changed.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The newest link.
    #[must_use]
    pub fn link(&self) -> Option<Arc<Link>> {
        self.shared.lock().link.clone()
    }

    /// Waits for the newest link to be there and connected: the room offers another one where one does not come about.
    #[must_use]
    #[track_caller]
    pub fn connected(&self, within: Duration) -> Arc<Link> {
        crate::stage::eventually("the guest's link is connected", within, || {
            self.link().filter(|link| link.is_connected())
        })
    }

    /// Waits for the first frame of a link that is not `old`.
    #[must_use]
    #[track_caller]
    pub fn picture_of_new_link(&self, old: Option<&Arc<Link>>, within: Duration) -> (Arc<Link>, Frame) {
        let start = Instant::now();
        let link = crate::stage::eventually("the guest has a new link", within, || {
            self.link().filter(|link| old.is_none_or(|old| !Arc::ptr_eq(old, link)))
        });
        let left = within.saturating_sub(start.elapsed());
        let frame = link.recording.wait_for_frame(0, left, |_| true);
        (link, frame.unwrap_or_else(|| panic!("no frame on the new link within {within:?}")))
    }

    /// Wishes something of the room (`POST /api/wish`).
    ///
    /// # Panics
    /// When nothing answers.
    #[track_caller]
    pub fn wish(&self, wish: &Value) -> Reply {
        self.client.post("/api/wish", wish).unwrap_or_else(|error| panic!("wishing: {error}"))
    }

    /// The newest word of the room about the meeting: who is in it, who waits, what one may.
    #[must_use]
    pub fn room(&self) -> Value {
        let told = self.shared.lock();
        told.events
            .iter()
            .rev()
            .find(|(_, event)| event["event"] == "room")
            .map_or(Value::Null, |(_, event)| event.clone())
    }

    /// The line on which somebody of this name is seen (`video`) or heard (`audio`), by the newest word of the room.
    #[must_use]
    pub fn line_of(&self, name: &str, kind: &str) -> Option<String> {
        let room = self.room();
        let person = room["people"].as_array()?.iter().find(|person| person["name"] == name)?;
        Some(format!("slot-{}-{kind}", person["slot"].as_u64()?))
    }

    /// How often the event stream has been opened.
    #[must_use]
    pub fn streams(&self) -> u32 {
        self.shared.lock().streams
    }

    /// The guest's side of HTTP.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Says goodbye.
    pub fn leave(&self) {
        let _gone = self.client.post("/api/leave", &json!({}));
        self.hang_up();
    }

    /// Tears the link down and listens no more, without a word to the room.
    pub fn hang_up(&self) {
        let link = {
            let mut told = self.shared.lock();
            told.gone = true;
            told.link.take()
        };
        drop(link);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// The guest's event loop: what the page does, without a page.
fn listen(client: &Client, shared: &Shared, guest: &Guest) {
    loop {
        if shared.lock().gone {
            return;
        }
        match client.events() {
            Ok(events) => {
                shared.lock().streams += 1;
                for (at, event) in events {
                    if shared.lock().gone {
                        return;
                    }
                    let offer = (event["event"] == "offer").then(|| event.clone());
                    shared.lock().events.push((at, event));
                    shared.changed.notify_all();
                    if let Some(offer) = offer {
                        take(client, shared, guest, &offer);
                        if guest.link.sends.is_some() {
                            stands(client, shared);
                        }
                    }
                }
            }
            Err(refused) if refused.starts_with("401") => {
                shared.lock().events.push((Instant::now(), json!({"event": "unknown-session"})));
                shared.changed.notify_all();
                return;
            }
            Err(_nobody_answers) => {}
        }
        shared.lock().events.push((Instant::now(), json!({"event": "stream-lost"})));
        shared.changed.notify_all();
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Says that camera and microphone are open, as a page does for each new link.
fn stands(client: &Client, shared: &Shared) {
    let mutes = {
        let told = shared.lock();
        let rooms = told.events.iter().rev().filter(|(_, event)| event["event"] == "room");
        rooms.map(|(_, event)| event["you"]["mutes"].as_u64().unwrap_or(0)).next().unwrap_or(0)
    };
    let state = json!({"wish": "state", "microphone": true, "camera": true, "hand": false, "mutes": mutes});
    let _gone = client.post("/api/wish", &state);
}

fn take(client: &Client, shared: &Shared, guest: &Guest, offer: &Value) {
    let sdp = offer["sdp"].as_str().unwrap_or_default();
    let old = shared.lock().link.take();
    drop(old);
    let (link, mut answer) = match inside(guest.namespace.as_deref(), || Link::answer(sdp, &guest.link)) {
        Ok(answered) => answered,
        Err(error) => {
            let event = json!({"event": "answer-failed", "why": error});
            shared.lock().events.push((Instant::now(), event));
            shared.changed.notify_all();
            return;
        }
    };
    if guest.forges {
        answer = offer::forged(&answer);
    }
    if !guest.candidates.is_empty() {
        answer = offer::with_candidates(&answer, &guest.candidates);
    }
    if let Some(nonsense) = &guest.nonsense {
        answer.clone_from(nonsense);
    }
    shared.lock().link = Some(Arc::new(link));
    shared.changed.notify_all();
    let _unanswered = client.post("/api/answer", &json!({"link": offer["link"], "sdp": answer}));
}
