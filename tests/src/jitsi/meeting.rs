//! A whole room in a meeting: its programs, real Prosody, the double of the focus, others who are there.

use std::collections::BTreeSet;
use std::time::Duration;

use minidom::Element;

use super::client::Occupant;
use super::focus::Focus;
use super::offered::Offered;
use super::prosody::{Options, Prosody};
use super::visit::Join;
use crate::room::{Plan, Room};
use crate::stage::{artefact, eventually};

/// The room that everybody meets in.
pub const ROOM: &str = "rose@muc.meet.test";
/// Long enough for a busy machine.
pub const SOON: Duration = Duration::from_secs(15);

/// Prosody with the focus in it, and the link of a room there.
///
/// # Panics
/// When Prosody cannot be started.
#[must_use]
pub fn server(options: Options, by_http: bool) -> (Prosody, Focus, String) {
    let prosody = Prosody::start(options);
    prosody.settings(prosody.secure, by_http);
    let focus = Focus::start(&prosody);
    let link = format!("https://localhost:{}/Rose", prosody.secure);
    (prosody, focus, link)
}

/// A room whose operator trusts the authority of the test's server, and says this of servers.
///
/// # Panics
/// When it does not start.
#[must_use]
pub fn room(prosody: &Prosody, unknown: &str) -> Room {
    room_with(prosody, unknown, Vec::new())
}

fn room_with(prosody: &Prosody, unknown: &str, mut more: Vec<(&'static str, String)>) -> Room {
    let joining = format!("authority = \"{}\"\nunknown_servers = \"{unknown}\"\n", prosody.authority().display());
    more.push(("joining", joining));
    Room::start(Plan { more, ..Plan::default() })
}

/// A room that is in a meeting, before anything is offered.
pub struct Meeting {
    /// The room.
    pub room: Room,
    /// The person who had it join.
    pub join: Join,
    /// The others, in the order in which they came.
    pub others: Vec<Occupant>,
    /// The focus.
    pub focus: Focus,
    /// The room's own address in the meeting.
    pub place: String,
    /// The server.
    pub prosody: Prosody,
}

/// A meeting that a room stands before: the next press joins.
pub struct Proposed {
    room: Room,
    join: Join,
    others: Vec<Occupant>,
    focus: Focus,
    prosody: Prosody,
}

impl Proposed {
    /// A meeting of others, by nick (eight hexadecimal digits) and name, each with a microphone and a camera that are open. `more` is said in the
    /// room's `subrosa.toml`.
    ///
    /// # Panics
    /// When something of it cannot be started.
    #[must_use]
    pub fn with(others: &[(&str, &str)], more: Vec<(&'static str, String)>) -> Self {
        let (prosody, focus, link) = server(Options::default(), true);
        let others = others.iter().map(|(nick, name)| {
            let other = Occupant::join(&prosody, ROOM, nick, name);
            other.sends(&[(&format!("{nick}-a0"), false), (&format!("{nick}-v0"), false)]);
            other
        });
        let others = others.collect();
        let room = room_with(&prosody, "allow", more);
        let join = Join::start(&room, &link);
        join.says("Press the button");
        Proposed { room, join, others, focus, prosody }
    }

    /// Somebody presses the button.
    ///
    /// # Panics
    /// When the room does not come in.
    #[must_use]
    pub fn press(self) -> Meeting {
        let Proposed { room, join, others, focus, prosody } = self;
        let before: BTreeSet<String> = focus.people(ROOM).into_keys().collect();
        room.sim.press();
        let nick = eventually("the room is in the meeting", Duration::from_secs(20), || {
            focus.people(ROOM).into_keys().find(|nick| !before.contains(nick))
        });
        Meeting { room, join, others, focus, place: format!("{ROOM}/{nick}"), prosody }
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let picture = self.room.sim.screen().unwrap_or_default();
            let _unwritable = std::fs::write(artefact("jitsi-screen.jpg"), picture);
        }
    }
}

impl Meeting {
    /// The room's nick: eight hexadecimal digits.
    #[must_use]
    pub fn own(&self) -> &str {
        self.place.rsplit('/').next().unwrap_or_default()
    }

    /// The focus offers the room this session, and the room takes it.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn offers(&self, session: &Offered, offer: Element) {
        self.tells(offer);
        let (from, accept) = self.focus.took();
        assert_eq!(from, self.place);
        session.accept(&accept);
    }

    /// The focus tells the room something about its session.
    ///
    /// # Panics
    /// When the room refuses it.
    #[track_caller]
    pub fn tells(&self, jingle: Element) {
        assert_eq!(self.focus.jingle(&self.place, jingle).attr("type"), Some("result"));
    }

    /// The part of the room's screen that is of this colour, 0 to 1.
    #[must_use]
    pub fn shows(&self, wanted: [u8; 3]) -> f64 {
        self.room.sim.shows(wanted)
    }

    /// Waits until that part is from `least` to `most`.
    ///
    /// # Panics
    /// When it does not become so.
    #[track_caller]
    pub fn shows_soon(&self, what: &str, wanted: [u8; 3], least: f64, most: f64) {
        eventually(what, SOON, || (least..=most).contains(&self.shows(wanted)).then_some(()));
    }
}
