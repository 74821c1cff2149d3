//! From a proposal to the end of a meeting, at the desk: real tasks, and a server that the test plays by hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::frame::Decoder;
use subrosa_messages::guard::GuardToRoom;
use subrosa_messages::join::{JoinToRoom, RoomToJoin};
use tokio::sync::mpsc;

use super::desk::{Effect, Elsewhere};
use super::trip::News;
use super::visit::Visit;
use crate::configuration::Configuration;
use crate::language::Language;
use crate::meeting::act::RoomAct;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::link::Link as AnyLink;
use crate::meeting::hosts::{Hosts, Named};
use crate::meeting::jitsi::config_js;
use crate::meeting::jitsi::joined::Event;
use crate::meeting::jitsi::link::Link;
use crate::screen::view::{JoiningView, Phase};
use crate::servers::Policy;
use crate::shell::socket::Voice;
use crate::signalling::xmpp::{self, Jid};

// Reserved names have no addresses (RFC 6761, section 6.4): nobody is reached by accident.
const LINK: &str = "https://meet.invalid/rose?jwt=secret";

struct Stage {
    elsewhere: Elsewhere,
    news: mpsc::Receiver<(u64, News)>,
    spoken: mpsc::UnboundedReceiver<Vec<u8>>,
    heard: Decoder<RoomToJoin>,
    now: Instant,
}

fn stage(unknown: Policy) -> Stage {
    let mut configuration = Configuration::default();
    configuration.servers.unknown = unknown;
    configuration.room.language = Language::English;
    let (tell, news) = mpsc::channel(8);
    let mut elsewhere = Elsewhere::new(Arc::new(configuration), tell);
    let (voice, spoken) = Voice::new();
    let now = Instant::now();
    elsewhere.visit(now, false, Visit::Came(1, voice));
    Stage { elsewhere, news, spoken, heard: Decoder::default(), now }
}

impl Stage {
    fn says(&mut self, word: JoinToRoom) -> Vec<Effect> {
        self.elsewhere.visit(self.now, false, Visit::Said(1, word))
    }

    fn propose(&mut self, link: &str) -> Option<RoomToJoin> {
        self.says(JoinToRoom::Propose { link: Pii::new(link.to_owned()) });
        self.told()
    }

    /// The newest word to whoever asked.
    fn told(&mut self) -> Option<RoomToJoin> {
        while let Ok(mut bytes) = self.spoken.try_recv() {
            self.heard.push(&mut bytes);
        }
        let mut last = None;
        while let Some(frame) = self.heard.pull().unwrap() {
            last = Some(frame.message);
        }
        last
    }

    fn press(&mut self) -> bool {
        self.elsewhere.wake(self.now, &act())
    }

    fn news(&mut self, news: News) -> Vec<Effect> {
        self.elsewhere.news(self.now, 1, news)
    }

    /// The server's settings have come.
    fn settings(&mut self) {
        let text = "var config = { hosts: { domain: 'meet.invalid', muc: 'muc.meet.invalid' }, websocket: 'wss://meet.invalid/ws' };";
        let settings = config_js::Configuration::read(text, &Link::read(LINK).unwrap()).unwrap();
        let mut hosts = Hosts::default();
        hosts.declare("meet.invalid", Named::ByLink);
        self.news(News::Settings(Box::new(settings), hosts));
    }
}

fn act() -> RoomAct {
    RoomAct::in_word(&GuardToRoom::Press { woke: true }).unwrap()
}

#[tokio::test]
async fn p2_a_link_alone_joins_nothing_and_contacts_nobody() {
    let mut stage = stage(Policy::Warn);
    let Some(RoomToJoin::Proposed { text }) = stage.propose(LINK) else { panic!() };
    assert!(text.reveal().contains("meet.invalid") && text.reveal().contains("Press the button"), "{}", text.reveal());
    assert!(!text.reveal().contains("secret"));
    assert!(matches!(stage.elsewhere.phase(false), Some(Phase::Proposed { .. })));
    assert!(!stage.elsewhere.is_on() && stage.elsewhere.hosts().is_empty());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stage.news.try_recv().is_err());
    // The press takes it up: now there is a way, which finds no server of that name.
    assert!(stage.press());
    assert!(matches!(stage.elsewhere.phase(true), Some(Phase::Joining { says: JoiningView::Connecting, .. })));
    let (trip, news) = tokio::time::timeout(Duration::from_secs(30), stage.news.recv()).await.unwrap().unwrap();
    assert!(matches!(news, News::Failed(Failure::NotReachable)), "{news:?}");
    stage.elsewhere.news(stage.now, trip, news);
    assert!(matches!(
        stage.elsewhere.phase(true),
        Some(Phase::Joining { says: JoiningView::Over(Failure::NotReachable), .. })
    ));
}

#[tokio::test]
async fn what_cannot_be_joined_is_not_proposed() {
    let mut refusing = stage(Policy::Refuse);
    assert!(matches!(refusing.propose(LINK), Some(RoomToJoin::Refused { .. })));
    assert!(!refusing.press() && refusing.elsewhere.phase(false).is_none());
    let mut stage = stage(Policy::Allow);
    for link in ["", "rose", "http:///", "javascript:alert(1)", "livekit+wss://meet.invalid/?room=rose"] {
        assert!(matches!(stage.propose(link), Some(RoomToJoin::Refused { .. })), "{link}");
    }
    assert!(!stage.press());
    // A room that has a meeting keeps it.
    stage.elsewhere.visit(stage.now, true, Visit::Said(1, JoinToRoom::Propose { link: Pii::new(LINK.to_owned()) }));
    assert!(matches!(stage.told(), Some(RoomToJoin::Refused { .. })));
}

#[tokio::test]
async fn a_proposal_that_nobody_takes_up_is_forgotten() {
    let mut stage = stage(Policy::Allow);
    stage.propose(LINK);
    let until = stage.elsewhere.deadline().unwrap();
    assert!(until <= stage.now + Duration::from_secs(120));
    stage.elsewhere.tick(until);
    assert!(matches!(stage.told(), Some(RoomToJoin::Over { wanted: false, .. })));
    assert!(!stage.press());
}

#[tokio::test]
async fn why_it_is_over_is_told_and_then_the_room_sleeps() {
    let mut stage = stage(Policy::Allow);
    stage.propose(LINK);
    stage.press();
    stage.settings();
    stage.news(News::Jitsi(Event::Lost(Failure::LoginRequired)));
    let Some(RoomToJoin::Stands { text, password: false }) = stage.told() else { panic!() };
    assert!(text.reveal().contains("account"), "{}", text.reveal());
    let until = stage.elsewhere.deadline().unwrap();
    assert_eq!(stage.elsewhere.tick(until), [Effect::Sleep]);
    stage.elsewhere.slept(until);
    assert!(matches!(stage.told(), Some(RoomToJoin::Over { wanted: false, .. })));
    assert!(!stage.elsewhere.is_on() && stage.elsewhere.deadline().is_none());
}

#[tokio::test]
async fn another_server_is_proposed_before_it_is_asked() {
    let mut stage = stage(Policy::Allow);
    stage.propose(LINK);
    stage.press();
    stage.news(News::Elsewhere(Box::new(AnyLink::read("https://other.invalid/rose").unwrap())));
    assert!(matches!(
        stage.elsewhere.phase(true),
        Some(Phase::Joining { says: JoiningView::Over(Failure::Redirected), .. })
    ));
    stage.elsewhere.slept(stage.now);
    let Some(Phase::Proposed { meeting }) = stage.elsewhere.phase(false) else { panic!() };
    assert_eq!(meeting.host.reveal(), "other.invalid");
}

#[tokio::test]
async fn leaving_is_said_as_wanted_and_news_of_an_older_trip_are_nobodys() {
    let mut stage = stage(Policy::Allow);
    stage.propose(LINK);
    stage.press();
    stage.settings();
    let online = || Event::Xmpp(xmpp::Told::Online(Jid::new("1a2b3c4d@meet.invalid/r").unwrap()));
    stage.news(News::Jitsi(online()));
    assert_eq!(stage.says(JoinToRoom::Leave), [Effect::Sleep]);
    stage.elsewhere.slept(stage.now);
    assert!(matches!(stage.told(), Some(RoomToJoin::Over { wanted: true, .. })));
    // Who leaves what is over already is answered, and so is the next one.
    for _ in 0..2 {
        assert!(stage.says(JoinToRoom::Leave).is_empty());
        assert!(matches!(stage.told(), Some(RoomToJoin::Over { wanted: true, .. })));
    }
    stage.propose(LINK);
    stage.press();
    // The first trip's settings do not become the second's.
    stage.settings();
    assert!(stage.elsewhere.hosts().is_empty());
}
