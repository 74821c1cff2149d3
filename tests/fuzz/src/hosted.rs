//! A whole meeting of the room's own with hostile guests: one line of the input is one thing that somebody does.
//!
//! Its first character says what, its second who (`0` to `9`, or `p` for a paired phone), the rest is what they send: `k` knocks with this name, `l` listens,
//! `g` is gone, `w` wishes this JSON, `a` answers the offer with this, `c` writes and `t` types this over the data channels, `v` has a link that carries
//! all it can, `!` media is lost and comes back, `.` a second passes.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::guard::GuardToRoom;
use subrosa_messages::media::{Kind, LinkId, LinkState, Mid, RoomToMedia, TrackId};
use subrosa_room::language::Language;
use subrosa_room::meeting::act::RoomAct;
use subrosa_room::meeting::guest::{GuestEvent, Knock, Secret, SessionKey};
use subrosa_room::meeting::hosted::{Action, Asker, Event, Hosted, Rules, Secrets};
use subrosa_room::meeting::role::Roles;
use zeroize::Zeroizing;

/// More than this is the same again.
const LINES: usize = 300;
const SEATS: usize = 4;

struct Room {
    now: Instant,
    hosted: Hosted,
    pin: String,
    /// The newest link of each guest, by their number; what a page learns from its offer.
    links: [Option<LinkId>; 10],
    opened: Vec<LinkId>,
}

/// The target.
pub fn hosted(text: &str) {
    let Some(mut room) = Room::new() else { return };
    for line in text.lines().take(LINES) {
        room.line(line);
    }
    room.step(Event::Slept);
    assert!(!room.hosted.has_guests() && room.hosted.deadline().is_none(), "nothing is left of a meeting");
}

impl Room {
    fn new() -> Option<Self> {
        let act = RoomAct::in_word(&GuardToRoom::Press { woke: true })?;
        let secrets = Secrets::new(6).ok()?;
        let pin = secrets.pin().to_owned();
        let rules = Rules { room: "Rose".to_owned(), max_guests: SEATS, relay: false, roles: Roles::default() };
        let hosted = Hosted::new(rules);
        let mut room = Room { now: Instant::now(), hosted, pin, links: [None; 10], opened: Vec::new() };
        room.step(Event::Woken(act, secrets));
        room.step(Event::MediaReady);
        Some(room)
    }

    fn line(&mut self, line: &str) {
        let mut letters = line.chars();
        let (Some(what), who) = (letters.next(), letters.next().unwrap_or('0')) else { return };
        let rest = letters.as_str();
        let digit = who.to_digit(10).and_then(|digit| usize::try_from(digit).ok());
        let session = SessionKey(Pii::new(format!("session {who}")));
        let link = digit.and_then(|digit| self.links.get(digit).copied().flatten());
        let bytes = || Zeroizing::new(rest.as_bytes().to_vec());
        match what {
            'k' => {
                let knock = Knock {
                    address: Pii::new(IpAddr::from([192, 0, 2, 1])),
                    secret: Secret::Pin(Pii::new(self.pin.clone())),
                    name: Pii::new(rest.to_owned()),
                    language: Language::English,
                    h264: true,
                };
                self.step(Event::Knocked(knock, session));
            }
            'l' => {
                let before = self.opened.len();
                self.step(Event::Listens(session));
                if let (Some(digit), Some(new)) = (digit, self.opened.get(before).copied())
                    && let Some(place) = self.links.get_mut(digit)
                {
                    *place = Some(new);
                    self.step(Event::Offered { link: new, sdp: Pii::new("v=0".to_owned()) });
                }
            }
            'g' => self.step(Event::StreamGone(session)),
            'w' => {
                if let Ok(wish) = serde_json::from_str(rest) {
                    self.step(Event::Wished(if who == 'p' { Asker::Phone } else { Asker::Guest(session) }, wish));
                }
            }
            'a' => {
                let link = link.unwrap_or(LinkId(1));
                self.step(Event::Answered { session, link, sdp: Pii::new(rest.to_owned()) });
            }
            'c' | 't' => {
                let channel = if what == 'c' { "chat" } else { "text" }.to_owned();
                self.step(Event::Data { link: link.unwrap_or(LinkId(1)), channel, bytes: bytes() });
            }
            'v' => {
                let Some(link) = link else { return };
                self.step(Event::Link { link, state: LinkState::Verified });
                for (mid, kind) in
                    [("guest-video", Kind::Video), ("guest-audio", Kind::Audio), ("guest-screen", Kind::Video)]
                {
                    self.step(Event::Track(TrackId { link, mid: Mid(mid.to_owned()) }, kind));
                }
            }
            '!' => {
                self.step(Event::MediaLost);
                self.step(Event::MediaReady);
            }
            '.' => {
                self.now += Duration::from_secs(1);
                self.step(Event::Tick);
            }
            _ => {}
        }
    }

    fn step(&mut self, event: Event) {
        for action in self.hosted.step(self.now, event) {
            match action {
                Action::Media(RoomToMedia::OpenLink { link, .. }) => self.opened.push(link),
                Action::Media(
                    RoomToMedia::CloseLink { .. }
                    | RoomToMedia::Send { .. }
                    | RoomToMedia::Prefer { .. }
                    | RoomToMedia::Description { .. },
                ) => {}
                Action::Media(_) => unreachable!("the meeting has no other word for media (P2)"),
                Action::Data { bytes, .. } => assert!(bytes.len() < 64 * 1024, "what is passed on is bounded"),
                Action::Tell(guest, event) => {
                    let waits = self.hosted.lobby().iter().any(|one| one.number == guest);
                    let little = matches!(event, GuestEvent::Waiting { .. } | GuestEvent::Ended { .. });
                    assert!(!waits || little, "who waits is told of the meeting");
                }
                Action::Reply(_)
                | Action::Attach(_)
                | Action::Detach(_)
                | Action::Granted(_)
                | Action::Sleep
                | Action::Forget => {}
            }
        }
        assert!(self.hosted.count() <= SEATS, "more guests than seats");
    }
}
