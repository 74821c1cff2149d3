//! A whole room in a meeting on LiveKit's own server.

use std::time::Duration;

use serde_json::{Value, json};
use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::front::Front;
use subrosa_tests::jitsi::visit::Join;
use subrosa_tests::livekit::{Server, Visitor, link, token};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::loudness;
use subrosa_tests::stage::{artefact, eventually};

/// The room of the server that all meet in.
pub const ROOM: &str = "rose";
/// Who this room is there.
pub const OWN: &str = "the-room";
/// Long enough for a busy machine.
pub const SOON: Duration = Duration::from_secs(20);

/// A room, and a server that it can join.
pub struct Meeting {
    pub room: Room,
    pub join: Join,
    pub front: Front,
    pub server: Server,
}

impl Drop for Meeting {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let picture = self.room.sim.screen().unwrap_or_default();
            let _unwritable = std::fs::write(artefact("livekit-screen.jpg"), picture);
        }
    }
}

/// A room that has been given a link with a token of this grant and these claims: the next press joins.
#[track_caller]
pub fn proposed(grant: Value, claims: Value, more: Vec<(&'static str, String)>) -> Meeting {
    on(Server::start(), grant, claims, more)
}

/// The same on this server.
#[track_caller]
pub fn on(server: Server, grant: Value, claims: Value, more: Vec<(&'static str, String)>) -> Meeting {
    let front = Front::before(server.port());
    behind(server, front, grant, claims, more)
}

/// The same, before anybody knew of `/rtc/v1`.
#[track_caller]
pub fn on_old(server: Server) -> Meeting {
    let front = Front::without(server.port(), "/rtc/v1");
    behind(server, front, json!({}), json!({"name": "Room one"}), Vec::new())
}

#[track_caller]
fn behind(server: Server, front: Front, grant: Value, claims: Value, more: Vec<(&'static str, String)>) -> Meeting {
    let room = room(&front, more);
    let join = Join::start(&room, &link(&front, &token(ROOM, OWN, grant, claims)));
    join.says("Press the button");
    Meeting { room, join, front, server }
}

/// A room that trusts this front's authority.
pub fn room(front: &Front, mut more: Vec<(&'static str, String)>) -> Room {
    let joining = format!("authority = \"{}\"\nunknown_servers = \"allow\"\n", front.authority().display());
    more.push(("joining", joining));
    Room::start(Plan { more, ..Plan::default() })
}

impl Meeting {
    /// A room that is in.
    #[track_caller]
    pub fn joined() -> Self {
        let meeting = proposed(json!({}), json!({"name": "Room one"}), Vec::new());
        meeting.press();
        meeting
    }

    /// Somebody presses the button, and the room is in.
    #[track_caller]
    pub fn press(&self) {
        self.room.sim.press();
        self.join.says("The room is in the meeting");
    }

    /// Somebody in Chromium.
    #[track_caller]
    pub fn visitor(&self, identity: &str, options: &Value) -> Visitor {
        let browser = Browser::chromium(&BrowserPlan { small: true, ..BrowserPlan::default() });
        Visitor::join(browser, &self.server, ROOM, identity, options)
    }

    /// Waits until the part of the screen that is of this colour is from `least` to `most`.
    #[track_caller]
    pub fn shows_soon(&self, what: &str, wanted: [u8; 3], least: f64, most: f64) {
        eventually(what, SOON, || (least..=most).contains(&self.room.sim.shows(wanted)).then_some(()));
    }

    /// Waits until the room's speaker plays something: for their first seconds the beeps of Chromium's microphone are taken for noise and pass at -55 dB,
    /// later at -22.
    #[track_caller]
    pub fn hears_soon(&self) {
        eventually("the room hears the others", SOON, || (loudness(&self.room.sim.heard(2)) > -50.0).then_some(()));
    }
}
