//! A room in which several meet: guests made of GStreamer, and a phone of whoever is in the chair.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use subrosa_tests::client::{Client, Reply};
use subrosa_tests::peer::{Guest, Link, LinkPlan, Peer, Picture, Recording};
use subrosa_tests::room::{Invitation, Plan, Room};
use subrosa_tests::stage::eventually;

pub const LONG: Duration = Duration::from_secs(20);

pub struct Hall {
    pub room: Room,
    pub invitation: Invitation,
    chair: Client,
}

impl Hall {
    /// Opens it for so many guests.
    pub fn open(guests: usize, plan: Plan) -> Self {
        Hall::open_as(guests, "", plan)
    }

    /// The same with more lines of `[meeting]`.
    pub fn open_as(guests: usize, lines: &str, plan: Plan) -> Self {
        let more = vec![("meeting", format!("max_guests = {guests}\n{lines}"))];
        let room = Room::start(Plan { more, ..plan });
        let invitation = room.wake();
        let (_page, code) = room.code();
        let chair = room.client();
        let paired = chair.post("/api/remote/pair", &json!({"code": code})).expect("an answer");
        assert!(paired.status < 300, "{paired:?}");
        Hall { room, invitation, chair }
    }

    /// Somebody who knocks and is let in by the phone.
    #[track_caller]
    pub fn enter(&self, guest: &Guest) -> Attendee {
        let peer = Peer::ask(&self.invitation, guest);
        self.chair(&json!({"wish": "admit-all"}));
        peer.told(0, "let in", Duration::from_secs(5), |event| event["event"] == "admitted");
        let _link = peer.connected(LONG);
        Attendee { peer, name: guest.name.clone() }
    }

    /// What the phone wishes.
    #[track_caller]
    pub fn chair(&self, wish: &Value) {
        let reply = self.chair_says(wish);
        assert_eq!(reply.status, 204, "{wish}: {reply:?}");
    }

    /// The same, for looking at refusals.
    #[track_caller]
    pub fn chair_says(&self, wish: &Value) -> Reply {
        self.chair.post("/api/remote/wish", wish).expect("an answer")
    }

    /// The meeting as the phone sees it now.
    #[track_caller]
    pub fn meeting(&self) -> Value {
        let states = self.chair.events_of("/api/remote/events").expect("the phone's events");
        states.recv_timeout(LONG).expect("the phone is told at once").1["meeting"].clone()
    }
}

/// Somebody who is in.
pub struct Attendee {
    pub peer: Peer,
    pub name: String,
}

impl Attendee {
    /// Their newest link.
    #[track_caller]
    pub fn link(&self) -> Arc<Link> {
        self.peer.connected(LONG)
    }

    /// What comes of somebody else, on the newest link.
    #[track_caller]
    pub fn slot(&self, other: &str, kind: &str) -> Arc<Recording> {
        let mid =
            eventually(&format!("{} knows the slot of {other}", self.name), LONG, || self.peer.line_of(other, kind));
        self.link().slot(&mid)
    }

    /// Waits until they see somebody of this brightness, from now on.
    #[track_caller]
    pub fn sees(&self, other: &str, luma: u8) {
        let slot = self.slot(other, "video");
        let (_, from, _) = slot.counts();
        let seen = slot.wait_for_frame(from, LONG, |frame| frame.thumb.iter().all(|sample| sample.abs_diff(luma) < 24));
        let last = slot.frames_from(from).last().map(|frame| frame.thumb[0]);
        assert!(seen.is_some(), "{} does not see {other}: {:?}, {last:?}", self.name, slot.counts());
    }

    /// Waits until they hear somebody, from now on.
    #[track_caller]
    pub fn hears(&self, other: &str) {
        let slot = self.slot(other, "audio");
        let (_, _, from) = slot.counts();
        let heard = slot.wait_for_sound(from, LONG, |sound| sound.level > -40.0);
        assert!(heard.is_some(), "{} does not hear {other}: {:?}", self.name, slot.counts());
    }

    /// Nothing of somebody comes any more on these recordings.
    #[track_caller]
    pub fn is_spared(&self, slots: &[Arc<Recording>]) {
        // What is on its way, and in the jitter buffer, may still come.
        std::thread::sleep(Duration::from_millis(500));
        let before: Vec<_> = slots.iter().map(|slot| slot.counts()).collect();
        std::thread::sleep(Duration::from_secs(1));
        let after: Vec<_> = slots.iter().map(|slot| slot.counts()).collect();
        assert_eq!(before, after, "{}", self.name);
    }
}

/// The guest of this number: a brightness of its own, a small picture where there are many. The second part is what the brightness
/// is in a picture.
pub fn guest(number: usize, small: bool) -> (Guest, u8) {
    let grey = 60 + 22 * number as u32;
    // Studio range (ITU-R BT.601): black is 16 and white 235.
    let luma = 16 + grey * 219 / 255;
    let picture = if small { Picture::Small } else { Picture::Plain };
    let color = 0xff00_0000 | grey << 16 | grey << 8 | grey;
    let link =
        LinkPlan { sends: Some(color), keeps: false, picture, tone: 300 + 50 * number as u32, ..LinkPlan::default() };
    (Guest { name: format!("Guest {number}"), link, ..Guest::default() }, luma as u8)
}
