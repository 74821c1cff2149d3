//! The desk between a guard, a media process and guests that are all channels.

mod phones;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc as blocking;
use std::time::{Duration, Instant};

use subrosa_messages::frame::{Decoder, Frame};
use subrosa_messages::guard::{
    CaptureState, GuardState, GuardToRoom, Lamp, Level, NodeState, Refusal, RoomToGuard, Trust,
};
use subrosa_messages::media::{
    Background, BackgroundState, CaptureHealth, Cover, DescriptionKind, Kind, LinkId, LinkState, MediaToRoom, Mid,
    RoomToMedia, Size, TrackId,
};
use subrosa_messages::{Capture, Pii};
use tokio::sync::{mpsc, oneshot, watch};

use super::addresses::Address;
use super::artist::{Commission, Drawn, Pixels};
use super::desk::{Desk, Outlets};
use super::elsewhere::Elsewhere;
use super::socket::{Heard, Voice};
use super::terminal::Terminal;
use crate::background::{Behind, Unreadable};
use crate::certificates::CertificateFacts;
use crate::configuration::{BlurMode, Configuration};
use crate::island;
use crate::language::Language;
use crate::meeting::guest::{EndReason, GuestEvent, GuestRequest, Knock, KnockRefusal, Secret, SessionKey};
use crate::screen::CardReason;
use crate::screen::view::{BackgroundView, Fault, Invitation, Phase, View};
use crate::status::{BackgroundWord, BoardFacts, Measure};
use crate::web::WebEvent;

struct Stage {
    desk: Desk,
    now: Instant,
    commissions: blocking::Receiver<Commission>,
    addresses: watch::Receiver<Vec<IpAddr>>,
    forgets: watch::Receiver<u64>,
}

fn stage() -> Stage {
    staged(Configuration::default())
}

fn staged(configuration: Configuration) -> Stage {
    let (artist, commissions) = blocking::channel();
    let (to_web, addresses) = watch::channel(Vec::new());
    let (forget, forgets) = watch::channel(0);
    let outlets = Outlets { artist, addresses: to_web, forget, terminal: Terminal::Unread };
    let now = Instant::now();
    let board = BoardFacts { name: "sim".to_owned(), measured: None };
    let configuration = Arc::new(configuration);
    let elsewhere = Elsewhere::new(Arc::clone(&configuration), tokio::sync::mpsc::channel(1).0);
    let desk = Desk::new(configuration, board, vec!["x264enc".to_owned()], outlets, elsewhere, now);
    let mut stage = Stage { desk, now, commissions, addresses, forgets };
    stage.addresses(&["127.0.0.1", "192.0.2.7"]);
    stage
        .desk
        .web(now, WebEvent::Certificate(CertificateFacts { fingerprint: "AA".into(), checked: false, host: None }));
    stage
}

fn guard_state(awake: bool) -> GuardState {
    let refusal = (!awake).then_some(Refusal::Asleep);
    let capture = CaptureState { switch: Level::Open, node: NodeState::Closed, live: Lamp::Dark, muted: None, refusal };
    GuardState { awake, camera: capture, microphone: capture, media: true, trust: Trust::SimulatedUsers }
}

fn said<In, Out>(message: In) -> Heard<In, Out> {
    Heard::Said(Frame { message, body: Vec::new() })
}

/// What has been said through a voice since the last look.
fn spoken<M: serde::de::DeserializeOwned>(from: &mut mpsc::UnboundedReceiver<Vec<u8>>) -> Vec<Frame<M>> {
    let mut decoder = Decoder::default();
    while let Ok(mut bytes) = from.try_recv() {
        decoder.push(&mut bytes);
    }
    std::iter::from_fn(|| decoder.pull().unwrap()).collect()
}

fn messages(from: &mut mpsc::UnboundedReceiver<Vec<u8>>) -> Vec<RoomToMedia> {
    spoken(from).into_iter().map(|frame| frame.message).collect()
}

impl Stage {
    fn addresses(&mut self, addresses: &[&str]) {
        let address = |text: &&str| Address { ip: Pii::new(text.parse().unwrap()), default_route: true };
        self.desk.addresses(self.now, addresses.iter().map(address).collect());
    }

    fn guard(&mut self, word: GuardToRoom) {
        self.desk.guard(self.now, said(word));
    }

    fn guard_connects(&mut self) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (voice, spoken) = Voice::<RoomToGuard>::new();
        self.desk.guard(self.now, Heard::Connected(voice));
        self.guard(GuardToRoom::State(guard_state(false)));
        spoken
    }

    fn wake(&mut self) {
        self.guard(GuardToRoom::State(guard_state(true)));
        self.guard(GuardToRoom::Press { woke: true });
    }

    fn media_connects(&mut self) -> mpsc::UnboundedReceiver<Vec<u8>> {
        let (voice, spoken) = Voice::<RoomToMedia>::new();
        self.desk.media(self.now, Heard::Connected(voice));
        spoken
    }

    fn media(&mut self, message: MediaToRoom) {
        self.desk.media(self.now, said(message));
    }

    fn view(&mut self) -> View {
        self.commissions.try_iter().last().unwrap().view
    }

    fn invitation(&mut self) -> Invitation {
        match self.view().phase {
            Phase::Awake { invitation, .. } | Phase::Asking { invitation, .. } | Phase::InCall { invitation, .. } => {
                invitation
            }
            Phase::Asleep | Phase::Proposed { .. } | Phase::Joining { .. } | Phase::Joined { .. } => {
                panic!("no invitation")
            }
        }
    }

    fn knock(&mut self, pin: &str) -> Result<SessionKey, KnockRefusal> {
        let (reply, mut answer) = oneshot::channel();
        let knock = Knock {
            address: Pii::new(IpAddr::from([192, 0, 2, 9])),
            secret: Secret::Pin(Pii::new(pin.to_owned())),
            name: Pii::new("Guest A".to_owned()),
            language: Language::English,
            h264: true,
        };
        self.desk.request(self.now, GuestRequest::Knock(knock, reply));
        answer.try_recv().unwrap()
    }

    fn listen(&mut self, session: &SessionKey) -> Option<mpsc::UnboundedReceiver<GuestEvent>> {
        let ((stream, events), (reply, mut answer)) = (mpsc::unbounded_channel(), oneshot::channel());
        self.desk.request(self.now, GuestRequest::Listen(session.clone(), stream, reply));
        answer.try_recv().unwrap().then_some(events)
    }

    /// A guest who is in and connected over link 1, and what media was told meanwhile.
    fn call(
        &mut self,
        media: &mut mpsc::UnboundedReceiver<Vec<u8>>,
    ) -> (SessionKey, mpsc::UnboundedReceiver<GuestEvent>) {
        self.wake();
        self.media(MediaToRoom::Ready { encoder: Some("x264enc".to_owned()) });
        let pin = self.invitation().pin.into_revealed();
        let session = self.knock(&pin).unwrap();
        let events = self.listen(&session).unwrap();
        assert!(!messages(media).contains(&RoomToMedia::Want { camera: true, microphone: true }), "nobody is in");
        let (link, sdp) = (LinkId(1), Pii::new("v=0".to_owned()));
        self.media(MediaToRoom::Description { link, kind: DescriptionKind::Offer, sdp: sdp.clone() });
        self.guard(GuardToRoom::Press { woke: false });
        self.desk.request(self.now, GuestRequest::Answer { session: session.clone(), link, sdp });
        self.media(MediaToRoom::Link { link, state: LinkState::Verified });
        (session, events)
    }
}

fn told(events: &mut mpsc::UnboundedReceiver<GuestEvent>) -> Vec<String> {
    let name = |event: GuestEvent| match event {
        GuestEvent::Ended { reason } => format!("ended {reason:?}"),
        other => format!("{other:?}").split([' ', '(', '{']).next().unwrap().to_lowercase(),
    };
    std::iter::from_fn(|| events.try_recv().ok()).map(name).collect()
}

#[test]
fn a_call_from_the_press_to_the_end() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    assert!(matches!(
        messages(&mut media).as_slice(),
        [
            RoomToMedia::Configure(_),
            RoomToMedia::Hide { background: Background::Strong, .. },
            RoomToMedia::Want { camera: false, .. },
            RoomToMedia::Play { .. }
        ]
    ));
    assert_eq!(stage.knock("000000"), Err(KnockRefusal::Asleep));

    let (session, mut events) = stage.call(&mut media);
    assert_eq!(told(&mut events), ["waiting", "admitted", "offer", "room", "connected", "room"]);
    let said = messages(&mut media);
    assert!(said.contains(&RoomToMedia::Want { camera: true, microphone: true }));
    assert!(said.iter().any(|message| matches!(
        message,
        RoomToMedia::Description { kind: DescriptionKind::Answer, candidates: false, .. }
    )));

    let track = |mid: &str| TrackId { link: LinkId(1), mid: Mid(mid.to_owned()) };
    stage.media(MediaToRoom::Track { track: track("guest-audio"), kind: Kind::Audio });
    stage.media(MediaToRoom::Track { track: track("guest-video"), kind: Kind::Video });
    assert_eq!(messages(&mut media), [RoomToMedia::Play { tracks: vec![track("guest-audio")] }]);
    let Phase::InCall { guests, .. } = stage.view().phase else { panic!() };
    assert_eq!(guests.first().unwrap().picture, Some(track("guest-video")));

    stage.guard(GuardToRoom::State(guard_state(false)));
    assert_eq!(told(&mut events), ["ended MeetingEnded"]);
    assert!(stage.forgets.has_changed().unwrap());
    let said = messages(&mut media);
    assert_eq!(
        said,
        [
            RoomToMedia::CloseLink { link: LinkId(1) },
            RoomToMedia::Want { camera: false, microphone: false },
            RoomToMedia::Play { tracks: Vec::new() }
        ]
    );
    assert!(matches!(stage.view().phase, Phase::Asleep));
    assert!(stage.listen(&session).is_none(), "the session has ended with the meeting");
}

#[test]
fn p10_media_that_comes_back_is_told_everything_again_and_the_guest_gets_a_new_link() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    let (_, mut events) = stage.call(&mut media);
    let size = Size { width: 2, height: 2 };
    let pixels = || Pixels { size, bytes: vec![1; 16] };
    stage.desk.drawn(Drawn::Card(pixels()));
    stage.desk.drawn(Drawn::Screen { pictures: Vec::new(), overlay: pixels() });
    told(&mut events);

    stage.desk.media(stage.now, Heard::Lost);
    assert_eq!(told(&mut events), ["reconnecting", "room"]);
    assert!(matches!(stage.view().phase, Phase::InCall { media_restarting: true, .. }));
    let mut media = stage.media_connects();
    let frames: Vec<Frame<RoomToMedia>> = spoken(&mut media);
    assert!(matches!(frames[0].message, RoomToMedia::Configure(_)), "first of all");
    let has = |wanted: &RoomToMedia, body: usize| {
        frames.iter().any(|frame| frame.message == *wanted && frame.body.len() == body)
    };
    assert!(has(&RoomToMedia::Card { size }, 16) && has(&RoomToMedia::Overlay { size }, 16));
    assert!(has(&RoomToMedia::Show { pictures: Vec::new() }, 0));
    assert!(has(&RoomToMedia::Want { camera: true, microphone: true }, 0), "the guest is still in");
    stage.media(MediaToRoom::Ready { encoder: None });
    let said = messages(&mut media);
    assert!(matches!(said.first(), Some(RoomToMedia::OpenLink { link: LinkId(2), .. })), "{said:?}");
    assert!(stage.view().faults.contains(&Fault::Encoder));
}

#[test]
fn a_stream_that_was_replaced_takes_nobody_along() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    let (session, mut old) = stage.call(&mut media);
    let mut new = stage.listen(&session).unwrap();
    assert!(told(&mut old).contains(&"ended Elsewhere".to_owned()));
    drop(old);
    stage.desk.request(stage.now, GuestRequest::Gone(session.clone()));
    stage.now += Duration::from_secs(40);
    stage.desk.media(stage.now, said(MediaToRoom::Counters(Default::default())));
    assert!(!told(&mut new).contains(&"ended Lost".to_owned()));
    drop(new);
    stage.desk.request(stage.now, GuestRequest::Gone(session.clone()));
    stage.now += Duration::from_secs(31);
    stage.desk.tick(stage.now);
    assert!(stage.listen(&session).is_none(), "nobody listened for half a minute");
}

#[test]
fn p2_without_the_guard_nothing_wakes_and_an_absent_guard_ends_the_meeting() {
    let mut stage = stage();
    let mut media = stage.media_connects();
    stage.media(MediaToRoom::Ready { encoder: None });
    assert!(matches!(stage.view().phase, Phase::Asleep));
    stage.guard_connects();
    let (_, mut events) = stage.call(&mut media);
    told(&mut events);

    stage.desk.guard(stage.now, Heard::Lost);
    let view = stage.view();
    assert!(view.camera.is_none() && !view.faults.contains(&Fault::Guard), "a restart is not worth a word");
    assert_eq!(told(&mut events), ["room"], "unknown is live");
    stage.now = stage.desk.deadline(stage.now).unwrap();
    stage.desk.tick(stage.now);
    assert!(stage.view().faults.contains(&Fault::Guard));
    // It comes back in time and still knows that it was awake.
    stage.guard(GuardToRoom::State(guard_state(true)));
    assert!(!stage.view().faults.contains(&Fault::Guard));
    assert_eq!(told(&mut events), ["room"]);

    stage.desk.guard(stage.now, Heard::Lost);
    stage.now += Duration::from_secs(30);
    stage.desk.tick(stage.now);
    assert_eq!(told(&mut events).last().unwrap(), "ended MeetingEnded");
    assert!(stage.desk.deadline(stage.now).is_none());
}

#[test]
fn new_addresses_wait_for_the_end_of_the_call_and_lost_ones_do_not() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    let (session, mut events) = stage.call(&mut media);
    assert_eq!(
        *stage.addresses.borrow_and_update(),
        ["192.0.2.7".parse::<IpAddr>().unwrap(), "127.0.0.1".parse().unwrap()]
    );
    messages(&mut media);
    stage.addresses(&["127.0.0.1", "192.0.2.7", "192.0.2.8"]);
    assert!(messages(&mut media).is_empty());
    stage.desk.request(stage.now, GuestRequest::Leave(session));
    assert_eq!(told(&mut events).last().unwrap(), "ended Left");
    assert!(messages(&mut media).iter().any(|message| matches!(message, RoomToMedia::Configure(_))));
    stage.addresses(&["127.0.0.1", "198.51.100.1"]);
    let said = messages(&mut media);
    let Some(RoomToMedia::Configure(configured)) = said.first() else { panic!("{said:?}") };
    assert_eq!(configured.network.addresses, ["198.51.100.1".parse::<IpAddr>().unwrap()]);
}

#[test]
fn the_link_names_what_can_be_typed_and_what_the_certificate_names() {
    let mut stage = stage();
    stage.guard_connects();
    stage.wake();
    let invitation = stage.invitation();
    assert_eq!(invitation.link.reveal(), "https://192.0.2.7:8443/");
    let token = invitation.link_with_token.reveal().strip_prefix("https://192.0.2.7:8443/#").unwrap().to_owned();
    assert!(token.len() == 32 && invitation.local_only && invitation.fingerprint.as_deref() == Some("AA"));
    stage.desk.web(stage.now, WebEvent::Serving { addresses: vec!["[::]:443".parse().unwrap()] });
    assert_eq!(stage.invitation().link.reveal(), "https://192.0.2.7/");
    let facts = CertificateFacts { fingerprint: "BB".into(), checked: true, host: Some("room.example.org".into()) };
    stage.desk.web(stage.now, WebEvent::Certificate(facts));
    let invitation = stage.invitation();
    assert_eq!((invitation.link.reveal().as_str(), invitation.fingerprint), ("https://room.example.org/", None));

    let mut configuration = Configuration::default();
    configuration.network.public_url = Some("https://public.example.org".into());
    let mut stage = staged(configuration);
    stage.guard_connects();
    stage.wake();
    let invitation = stage.invitation();
    assert!(invitation.link.reveal() == "https://public.example.org/" && !invitation.local_only);

    for (listen, link) in [
        (vec!["127.0.0.1:9000"], "https://127.0.0.1:9000/"),
        (vec!["[2001:db8::7]:8443"], "https://[2001:db8::7]:8443/"),
        (vec!["0.0.0.0:8443"], "https://192.0.2.7:8443/"),
    ] {
        let mut configuration = Configuration::default();
        configuration.web.listen = listen.into_iter().map(|address| address.parse().unwrap()).collect();
        let mut stage = staged(configuration);
        stage.guard_connects();
        stage.wake();
        assert_eq!(stage.invitation().link.reveal(), link);
    }
}

#[test]
fn an_island_shows_how_its_network_is_joined_while_its_radio_sends_and_links_name_its_address() {
    let island = island::Island::named(island::NetworkName::new("Rose").unwrap());
    let mut stage = staged(Configuration { island: Some(island), ..Configuration::default() });
    // The certificate holds its address from the start.
    assert!(stage.addresses.borrow().contains(&"10.83.66.1".parse().unwrap()));
    stage.guard_connects();
    stage.wake();
    stage.desk.passphrase(island::Passphrase::new("an der Tafel"));
    stage.addresses(&["127.0.0.1", "192.0.2.7"]);
    let invitation = stage.invitation();
    assert_eq!((invitation.network, invitation.link.reveal().as_str()), (None, "https://192.0.2.7:8443/"));
    stage.addresses(&["127.0.0.1", "192.0.2.7", "10.83.66.1"]);
    let invitation = stage.invitation();
    assert_eq!(invitation.link.reveal(), "https://10.83.66.1:8443/");
    let network = invitation.network.unwrap();
    assert_eq!((network.name.as_str(), network.passphrase.reveal().as_str()), ("Rose", "an der Tafel"));
    assert_eq!(network.code.reveal(), "WIFI:T:WPA;S:Rose;P:an der Tafel;;");
    assert!(invitation.local_only);
}

#[test]
fn the_card_says_what_keeps_the_camera_closed() {
    let mut stage = stage();
    let reason = |stage: &mut Stage| stage.commissions.try_iter().last().unwrap().card.reason;
    assert_eq!(reason(&mut stage), CardReason::NoGuard);
    stage.guard_connects();
    assert_eq!(reason(&mut stage), CardReason::Refused(Refusal::Asleep));
    stage.wake();
    assert_eq!(reason(&mut stage), CardReason::Opening);
    let mut state = guard_state(true);
    state.camera.refusal = Some(Refusal::Busy);
    stage.guard(GuardToRoom::State(state));
    stage.media(MediaToRoom::Capture { capture: Capture::Camera, state: CaptureHealth::Failed });
    assert_eq!(reason(&mut stage), CardReason::Failed);
    let mut state = guard_state(true);
    state.camera.refusal = Some(Refusal::Switch);
    stage.guard(GuardToRoom::State(state));
    assert_eq!(reason(&mut stage), CardReason::Refused(Refusal::Switch));
}

#[test]
fn faults_come_and_go_the_most_urgent_first() {
    let mut stage = stage();
    stage.guard_connects();
    let mut state = guard_state(false);
    state.camera.node = NodeState::Missing;
    stage.guard(GuardToRoom::State(state));
    stage.media(MediaToRoom::Capture { capture: Capture::Microphone, state: CaptureHealth::Failed });
    for fault in [Fault::Clock, Fault::Port(8443), Fault::Disk] {
        stage.desk.web(stage.now, WebEvent::Fault { fault, present: true });
    }
    stage.addresses(&["127.0.0.1"]);
    let expected =
        [Fault::Network, Fault::Port(8443), Fault::CameraMissing, Fault::MicrophoneFailed, Fault::Disk, Fault::Clock];
    assert_eq!(stage.view().faults, expected);
    stage.desk.web(stage.now, WebEvent::Fault { fault: Fault::Disk, present: false });
    assert!(!stage.view().faults.contains(&Fault::Disk));
}

#[test]
fn guests_and_status_hear_the_truth_when_the_process_ends() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    let (_, mut events) = stage.call(&mut media);
    let (reply, mut answer) = oneshot::channel();
    stage.desk.request(stage.now, GuestRequest::Status(reply));
    let status = answer.try_recv().unwrap();
    assert_eq!((status.guests, status.media, status.encoder.as_deref()), (1, true, Some("x264enc")));
    let (reply, mut answer) = oneshot::channel();
    stage.desk.request(stage.now, GuestRequest::Notice(Language::German, reply));
    assert!(!answer.try_recv().unwrap().sections.is_empty());
    stage.desk.close(stage.now);
    let expected = GuestEvent::Ended { reason: EndReason::MeetingEnded };
    assert!(std::iter::from_fn(|| events.try_recv().ok()).any(|event| event == expected));
}

fn hidden(said: &[Frame<RoomToMedia>]) -> Vec<(Background, usize)> {
    let hide = |frame: &Frame<RoomToMedia>| match frame.message {
        RoomToMedia::Hide { background, .. } => Some((background, frame.body.len())),
        _ => None,
    };
    said.iter().filter_map(hide).collect()
}

fn with_picture() -> Configuration {
    let mut configuration = Configuration::default();
    configuration.blur.mode = BlurMode::Image;
    configuration.blur.image = Some("garden.png".into());
    configuration
}

#[test]
fn p4_media_is_told_what_to_hide_before_it_is_told_to_want_a_camera_and_again_when_it_comes_back() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    let (_, _events) = stage.call(&mut media);
    stage.desk.media(stage.now, Heard::Lost);
    let mut media = stage.media_connects();
    let said = messages(&mut media);
    let place = |wanted: fn(&RoomToMedia) -> bool| said.iter().position(wanted).unwrap();
    let hide = place(|message| matches!(message, RoomToMedia::Hide { background: Background::Strong, .. }));
    assert!(hide < place(|message| matches!(message, RoomToMedia::Want { camera: true, .. })));
}

#[test]
fn p4_until_the_operators_picture_is_read_nothing_is_said_and_an_unreadable_one_becomes_a_colour() {
    let mut stage = staged(with_picture());
    stage.guard_connects();
    let mut media = stage.media_connects();
    assert_eq!(hidden(&spoken(&mut media)), []);
    let size = Size { width: 2, height: 2 };
    stage.desk.behind(stage.now, Ok(Behind { size, rgba: vec![7; 16] }));
    assert_eq!(hidden(&spoken(&mut media)), [(Background::Picture, 16)]);
    assert!(!stage.view().faults.contains(&Fault::BackgroundPicture));

    let mut stage = staged(with_picture());
    stage.guard_connects();
    let mut media = stage.media_connects();
    stage.desk.behind(stage.now, Err(Unreadable::Kind { path: "garden.png".into() }));
    assert_eq!(hidden(&spoken(&mut media)), [(Configuration::default().blur.plain(), 0)]);
    assert!(stage.view().faults.contains(&Fault::BackgroundPicture));
}

#[test]
fn p4_what_becomes_of_the_background_is_said_on_screen_card_page_and_status() {
    let mut stage = stage();
    stage.guard_connects();
    let mut media = stage.media_connects();
    let (_, mut events) = stage.call(&mut media);
    let status = |stage: &mut Stage| {
        let (reply, mut answer) = oneshot::channel();
        stage.desk.request(stage.now, GuestRequest::Status(reply));
        answer.try_recv().unwrap().background
    };
    let page = |events: &mut mpsc::UnboundedReceiver<GuestEvent>| {
        std::iter::from_fn(|| events.try_recv().ok())
            .filter_map(|event| if let GuestEvent::Room(view) = event { Some(view.background_hidden) } else { None })
            .last()
    };
    assert_eq!((status(&mut stage), page(&mut events)), (BackgroundWord::Unknown, Some(false)));
    let mut state = guard_state(true);
    state.camera.refusal = Some(Refusal::Busy);
    stage.guard(GuardToRoom::State(state));

    stage.media(MediaToRoom::Background(BackgroundState::Hidden));
    assert_eq!((status(&mut stage), page(&mut events)), (BackgroundWord::Hidden, Some(true)));
    assert_eq!(stage.view().background, Some(BackgroundView::Hidden));

    stage.media(MediaToRoom::Background(BackgroundState::Covered(Cover::ModelMissing)));
    assert_eq!((status(&mut stage), page(&mut events)), (BackgroundWord::ModelMissing, Some(true)));
    let commission = stage.commissions.try_iter().last().unwrap();
    assert_eq!(commission.card.reason, CardReason::Covered(Cover::ModelMissing));
    assert!(commission.view.faults.contains(&Fault::ModelMissing));

    stage.media(MediaToRoom::Background(BackgroundState::Revealed { left_ms: 60_000 }));
    assert_eq!((status(&mut stage), page(&mut events)), (BackgroundWord::Revealed, Some(false)));
    assert_eq!(stage.view().background, Some(BackgroundView::Revealed { seconds: 60 }));
    for seconds in (0..60).rev() {
        stage.now = stage.desk.deadline(stage.now).unwrap();
        stage.desk.tick(stage.now);
        assert_eq!(stage.view().background, Some(BackgroundView::Revealed { seconds }), "the screen counts down");
    }
    stage.desk.media(stage.now, Heard::Lost);
    assert_eq!((status(&mut stage), stage.view().background), (BackgroundWord::Unknown, None));
}

/// A Raspberry Pi, with what a test adds to its file.
fn board(own: &str) -> subrosa_board::Board {
    let boards = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards");
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("base")).unwrap();
    for base in std::fs::read_dir(boards.join("base")).unwrap().flatten() {
        std::fs::copy(base.path(), folder.path().join("base").join(base.file_name())).unwrap();
    }
    let text = std::fs::read_to_string(boards.join("raspberry-pi-4.toml")).unwrap();
    let path = folder.path().join("raspberry-pi-4.toml");
    std::fs::write(&path, format!("{own}\n{text}")).unwrap();
    subrosa_board::Board::load(&path).unwrap()
}

#[test]
fn a_board_that_was_never_measured_is_told_and_of_two_lags_the_longer() {
    let facts = BoardFacts::of(&board(""));
    assert_eq!((facts.name.as_str(), facts.measured), ("raspberry-pi-4", None));
    let measured = "measured = { date = \"2026-02-28\", camera = { closed-us = 8100, lit-us = 5 }, \
                    microphone = { closed-us = 120, lit-us = 900 } }";
    let expected = Measure { date: "2026-02-28".to_owned(), closed_us: 8100, lit_us: 900 };
    assert_eq!(BoardFacts::of(&board(measured)).measured, Some(expected));
}

#[test]
fn no_more_guests_are_let_in_than_the_board_can_serve() {
    let with = |own: &str, wanted: usize| {
        let mut configuration = Configuration::default();
        configuration.meeting.max_guests = wanted;
        super::within(configuration, &board(own)).meeting.max_guests
    };
    assert_eq!((with("max-guests = 2", 5), with("max-guests = 2", 1), with("", 5)), (2, 1, 5));
}
