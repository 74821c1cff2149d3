//! A meeting from the first message to the last, and in any order.

use std::time::{Duration, Instant};

use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::signal_response::Message as Said;
use livekit_protocol::{
    DisconnectReason, LeaveRequest, MuteTrackRequest, ParticipantInfo, ParticipantUpdate, Room, RoomUpdate,
    SignalRequest, SpeakerInfo, SpeakersChanged, StreamState, StreamStateInfo, StreamStateUpdate, TrackInfo,
    TrackPublishedResponse, TrickleRequest, encryption,
};
use proptest::prelude::*;
use prost::Message;
use subrosa_messages::Capture;
use subrosa_messages::media::{DescriptionKind, Kind, LinkState, Mid, RoomToMedia, Size, Source as Sent};

use super::*;
use crate::meeting::elsewhere::event::Reply;
use crate::signalling::livekit::stage::{OFFER, answer, camera, join, microphone, person, said};

fn settings(leaves: bool) -> Settings {
    Settings {
        host: Pii::new("live.example.org".to_owned()),
        server: Pii::new(Url::parse("wss://live.example.org/media/").unwrap()),
        entrance: Entrance::Token(Pii::new("token-1".to_owned())),
        leaves_when_recorded: leaves,
        inside: inside::Settings {
            screen: Size { width: 1920, height: 1080 },
            pictures: 6,
            picture: Size { width: 1280, height: 720 },
            links: 7,
        },
    }
}

struct Stage {
    meeting: Joined,
    now: Instant,
}

impl Stage {
    fn new(leaves: bool) -> Self {
        let now = Instant::now();
        let mut stage = Stage { meeting: Joined::new(now, settings(leaves)), now };
        stage.device(Device::MediaReady { h264: true });
        stage
    }

    fn device(&mut self, event: Device) -> Vec<Action> {
        self.meeting.step(self.now, Event::Device(event))
    }

    fn socket(&mut self, said: FromSocket) -> Vec<Action> {
        self.meeting.step(self.now, Event::Socket(self.meeting.socket, said))
    }

    fn hear(&mut self, message: Said) -> Vec<Action> {
        self.socket(FromSocket::Frame(Frame::Binary(Pii::new(said(message)))))
    }

    fn wait(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.device(Device::Tick)
    }

    fn view(&self) -> JoinedView {
        match self.meeting.phase(true) {
            Phase::Joined { meeting, .. } => meeting,
            other => panic!("{other:?}"),
        }
    }

    fn over(&self) -> Option<Failure> {
        match self.meeting.phase(true) {
            Phase::Joining { says: JoiningView::Over(failure), .. } => Some(failure),
            _ => None,
        }
    }

    fn greeted(leaves: bool, people: &[ParticipantInfo]) -> Self {
        let mut stage = Stage::new(leaves);
        stage.device(Device::Tick);
        stage.socket(FromSocket::Opened);
        stage.hear(Said::Join(join(people)));
        stage
    }

    /// With everything that goes both ways.
    fn in_call(people: &[ParticipantInfo], slots: &[(&str, &str)]) -> Self {
        let mut stage = Stage::greeted(true, people);
        let link = stage.link();
        stage.device(Device::Described { link, kind: DescriptionKind::Offer, sdp: Pii::new(OFFER.to_owned()) });
        for (cid, sid) in [("cid-video", "TR_OV"), ("cid-audio", "TR_OA")] {
            let track = Some(TrackInfo { sid: sid.to_owned(), ..TrackInfo::default() });
            stage.hear(Said::TrackPublished(TrackPublishedResponse { cid: cid.to_owned(), track }));
        }
        stage.hear(answer(1, slots));
        stage.hear(Said::Trickle(TrickleRequest { r#final: true, ..TrickleRequest::default() }));
        stage.device(Device::Link { link, state: LinkState::Verified });
        for (mid, _) in slots {
            let kind = if mid.ends_with("audio") { Kind::Audio } else { Kind::Video };
            stage.device(Device::Track(TrackId { link, mid: Mid((*mid).to_owned()) }, kind));
        }
        stage
    }

    fn link(&self) -> LinkId {
        self.meeting.sending().expect("a link")
    }

    fn moves(&mut self, mid: &str, moves: bool) {
        let track = TrackId { link: self.link(), mid: Mid(mid.to_owned()) };
        self.device(Device::Picture(track, moves));
    }
}

fn asked(out: &[Action]) -> Vec<Ask> {
    let bytes = out.iter().filter_map(|action| match action {
        Action::Socket(_, ToSocket::Send(Frame::Binary(bytes))) => Some(bytes.reveal().clone()),
        _ => None,
    });
    bytes.filter_map(|bytes| SignalRequest::decode(bytes.as_slice()).unwrap().message).collect()
}

fn two() -> [ParticipantInfo; 2] {
    [
        ParticipantInfo { name: "Anna".to_owned(), ..person("PA_1", &[camera("TR_V1"), microphone("TR_A1")]) },
        person("PA_2", &[camera("TR_V2")]),
    ]
}

const SLOTS: [(&str, &str); 3] = [("slot-0-video", "TR_V1"), ("slot-1-video", "TR_V2"), ("slot-0-audio", "TR_A1")];

#[test]
fn it_knocks_with_the_token_in_a_header_and_nowhere_else() {
    let mut stage = Stage::new(true);
    assert!(matches!(stage.meeting.phase(true), Phase::Joining { says: JoiningView::Connecting, .. }));
    let out = stage.device(Device::Tick);
    let [Action::Socket(1, ToSocket::Connect { url, bearer: Some(bearer), binary: true })] = out.as_slice() else {
        panic!("{out:?}")
    };
    assert!(url.reveal().as_str().starts_with("wss://live.example.org/media/rtc/v1?join_request="), "{url:?}");
    assert!(!url.reveal().as_str().contains("token") && bearer.reveal() == "token-1");
    assert!(!format!("{out:?}").contains("token-1"), "p9");
    assert_eq!(stage.meeting.hosts().declared().len(), 1);
}

#[test]
fn people_and_pictures_are_shown_as_they_come() {
    let mut stage = Stage::in_call(&two(), &SLOTS);
    let view = stage.view();
    assert_eq!(view.others.len(), 2);
    let names: Vec<_> = view.stage.iter().map(|one| one.name.as_ref().unwrap().reveal().as_str()).collect();
    assert_eq!(names, ["Anna", "id-PA_2"]);
    assert!(view.stage.iter().all(|one| one.picture.is_some() && !one.moving && !one.missing));
    assert!(!view.stage[0].muted && view.stage[1].muted, "who has no microphone is muted");
    stage.moves("slot-0-video", true);
    assert!(stage.view().stage[0].moving);
    // The second does not come.
    assert!(stage.meeting.deadline().unwrap() <= stage.now + Duration::from_secs(4));
    stage.wait(Duration::from_secs(5));
    let view = stage.view();
    assert!(!view.stage[0].missing && view.stage[1].missing);
    // Who speaks is large.
    stage.hear(Said::SpeakersChanged(SpeakersChanged {
        speakers: vec![SpeakerInfo { sid: "PA_2".to_owned(), level: 1.0, active: true }],
    }));
    assert_eq!(stage.view().stage[0].name.as_ref().unwrap().reveal(), "id-PA_2");
    assert_eq!(stage.meeting.heard().len(), 1);
    // The server says itself that it holds one back.
    stage.moves("slot-0-video", false);
    let state = StreamStateInfo {
        participant_sid: "PA_1".to_owned(),
        track_sid: "TR_V1".to_owned(),
        state: StreamState::Paused.into(),
    };
    stage.hear(Said::StreamStateUpdate(StreamStateUpdate { stream_states: vec![state] }));
    assert!(stage.view().stage[1].missing);
}

#[test]
fn p2_a_mute_is_obeyed_and_an_unmute_is_not() {
    let mut stage = Stage::in_call(&two(), &SLOTS);
    stage.device(Device::Sends(Sends { picture: true, sound: true }));
    let mute = |muted| Said::Mute(MuteTrackRequest { sid: "TR_OA".to_owned(), muted });
    let out = stage.hear(mute(true));
    assert!(out.iter().any(|action| matches!(action, Action::Mute(Capture::Microphone))), "{out:?}");
    stage.device(Device::Sends(Sends { picture: true, sound: false }));
    let out = stage.hear(mute(false));
    assert!(matches!(asked(&out).as_slice(), [Ask::Mute(MuteTrackRequest { muted: true, .. })]), "{out:?}");
}

#[test]
fn p5_what_media_contacts_is_declared() {
    let mut stage = Stage::in_call(&two(), &[]);
    let answer =
        "v=0\r\ns=-\r\nm=video 9 RTP 96\r\na=candidate:1 1 udp 1 192.0.2.7 7882 typ host\r\na=mid:room-video\r\n";
    let hosts = |stage: &Stage| {
        stage.meeting.hosts().declared().iter().map(|host| host.host.reveal().clone()).collect::<Vec<_>>()
    };
    assert_eq!(hosts(&stage), ["live.example.org"]);
    let mut described = answer_of(answer);
    described.id = 1;
    stage.hear(Said::Answer(described));
    assert_eq!(hosts(&stage), ["live.example.org", "192.0.2.7"]);
}

fn answer_of(sdp: &str) -> livekit_protocol::SessionDescription {
    livekit_protocol::SessionDescription {
        r#type: "answer".to_owned(),
        sdp: sdp.to_owned(),
        ..livekit_protocol::SessionDescription::default()
    }
}

// {"video":{"room":"Rose","roomJoin":true}}
const TOKEN: &str = "e30.eyJ2aWRlbyI6eyJyb29tIjoiUm9zZSIsInJvb21Kb2luIjp0cnVlfX0.c2ln";

/// On the way with an errand, which has asked; the number of its request.
fn on_an_errand() -> (Stage, u64) {
    let url = Url::parse("https://tokens.example.org/").unwrap();
    let entrance = Entrance::Errand(errand::Settings {
        tokens: crate::servers::Tokens { url: Pii::new(url), secret: None },
        room: Pii::new("Rose".to_owned()),
        name: Pii::new("Room one".to_owned()),
        host: Pii::new("live.example.org".to_owned()),
    });
    let now = Instant::now();
    let mut stage = Stage { meeting: Joined::new(now, Settings { entrance, ..settings(true) }), now };
    stage.device(Device::Sends(Sends { picture: true, sound: true }));
    stage.device(Device::MediaReady { h264: true });
    let number = question(&stage.device(Device::Tick)).expect("a request");
    (stage, number)
}

fn question(out: &[Action]) -> Option<u64> {
    out.iter().find_map(|action| match action {
        Action::Ask(number, _) => Some(*number),
        _ => None,
    })
}

fn bearer(out: &[Action]) -> Option<String> {
    out.iter().find_map(|action| match action {
        Action::Socket(_, ToSocket::Connect { bearer, .. }) => Some(bearer.as_ref()?.reveal().clone()),
        _ => None,
    })
}

impl Stage {
    fn answered(&mut self, number: u64, status: u16, body: &str) -> Vec<Action> {
        let reply = Reply { status, location: None, body: Pii::new(body.to_owned()) };
        self.meeting.step(self.now, Event::Answered(number, Ok(reply)))
    }

    fn given(&mut self, number: u64) -> Vec<Action> {
        self.answered(number, 201, &format!(r#"{{"participant_token":"{TOKEN}"}}"#))
    }

    fn refused(&mut self, status: u16) -> Vec<Action> {
        self.socket(FromSocket::Closed(Some(OutboundError::Refused(status))))
    }
}

#[test]
fn p5_a_token_is_asked_for_where_it_was_declared_and_then_the_server_is() {
    let (mut stage, number) = on_an_errand();
    let declared = stage.meeting.hosts().declared();
    let hosts: Vec<_> = declared.iter().map(|host| (host.host.reveal().as_str(), host.named)).collect();
    assert_eq!(hosts, [("live.example.org", Named::ByLink), ("tokens.example.org", Named::ByOperator)]);
    assert!(matches!(stage.meeting.phase(true), Phase::Joining { says: JoiningView::Connecting, .. }));
    assert!(!stage.meeting.is_connected() && stage.meeting.deadline().is_none());
    let out = stage.given(number);
    assert_eq!(bearer(&out).as_deref(), Some(TOKEN));
    stage.socket(FromSocket::Opened);
    let out = stage.hear(Said::Join(join(&two())));
    assert!(out.iter().any(|action| matches!(action, Action::Media(RoomToMedia::OpenLink { .. }))), "media is there");
    assert_eq!(stage.view().others.len(), 2);
}

#[test]
fn where_no_token_comes_it_is_over_with_the_reason() {
    for (status, body, failure) in
        [(403, "", Failure::TokenDenied), (500, "", Failure::TokenUnavailable), (200, "<html>", Failure::TokenWrong)]
    {
        let (mut stage, number) = on_an_errand();
        let out = stage.answered(number, status, body);
        assert!(matches!(out.as_slice(), [Action::Over(told)] if *told == failure), "{out:?}");
        assert_eq!((stage.over(), stage.meeting.deadline()), (Some(failure), None));
    }
    // One that the server does not take: not the link is wrong.
    let (mut stage, number) = on_an_errand();
    stage.given(number);
    stage.refused(401);
    assert_eq!(stage.over(), Some(Failure::TokenWrong));
    // Nobody waits for it any more.
    let (mut stage, number) = on_an_errand();
    stage.device(Device::Leave);
    assert!(stage.given(number).is_empty());
}

#[test]
fn a_token_that_is_no_longer_taken_is_renewed_and_not_for_ever() {
    let (mut stage, number) = on_an_errand();
    stage.given(number);
    stage.hear(Said::Join(join(&two())));
    let links = stage.meeting.links();
    let mut asked = 0;
    for _ in 0..1000 {
        // The server forgets the room each time.
        if stage.meeting.is_connected() {
            stage.socket(FromSocket::Closed(None));
        }
        let out = stage.wait(Duration::from_secs(1));
        let out = match question(&out) {
            Some(number) => {
                asked += 1;
                assert!(stage.view().reconnecting, "the room stays on the screen of the meeting");
                stage.given(number)
            }
            None => out,
        };
        if bearer(&out).is_some() {
            stage.refused(401);
        }
        if stage.over().is_some() {
            break;
        }
    }
    assert_eq!((stage.over(), asked), (Some(Failure::TokenWrong), 5));
    assert_eq!(stage.meeting.links(), links);
    // The server takes the next one.
    let (mut stage, number) = on_an_errand();
    stage.given(number);
    stage.hear(Said::Join(join(&two())));
    let link = stage.link();
    stage.socket(FromSocket::Closed(None));
    let number = loop {
        let out = stage.wait(Duration::from_secs(1));
        if bearer(&out).is_some() {
            stage.refused(401);
        }
        if let Some(number) = question(&out) {
            break number;
        }
    };
    assert!(bearer(&stage.given(number)).is_some());
    stage.socket(FromSocket::Opened);
    stage.hear(Said::Join(join(&two())));
    assert!(!stage.view().reconnecting && stage.view().others.len() == 2);
    assert!(stage.link() > link, "a link of its own");
}

#[test]
fn who_was_sent_away_asks_for_no_token() {
    for (reason, failure) in
        [(DisconnectReason::ParticipantRemoved, Failure::Kicked), (DisconnectReason::RoomDeleted, Failure::Ended)]
    {
        let (mut stage, number) = on_an_errand();
        stage.given(number);
        stage.hear(Said::Join(join(&two())));
        stage.hear(Said::Leave(LeaveRequest { reason: reason.into(), ..LeaveRequest::default() }));
        assert_eq!(stage.over(), Some(failure));
        assert!(stage.wait(Duration::from_secs(60)).is_empty() && stage.meeting.deadline().is_none());
    }
}

#[test]
fn how_it_ends_is_told() {
    for (reason, failure) in [
        (DisconnectReason::DuplicateIdentity, Failure::JoinedTwice),
        (DisconnectReason::ParticipantRemoved, Failure::Kicked),
        (DisconnectReason::RoomDeleted, Failure::Ended),
        (DisconnectReason::ServerShutdown, Failure::ServerStopped),
    ] {
        let mut stage = Stage::in_call(&two(), &SLOTS);
        let out = stage.hear(Said::Leave(LeaveRequest { reason: reason.into(), ..LeaveRequest::default() }));
        assert!(out.iter().any(|action| matches!(action, Action::Over(told) if *told == failure)), "{out:?}");
        assert!(out.iter().any(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. }))), "{out:?}");
        assert_eq!(
            (stage.over(), stage.meeting.deadline(), stage.meeting.is_connected()),
            (Some(failure), None, false)
        );
        assert!(stage.device(Device::Tick).is_empty() && stage.hear(Said::Join(join(&two()))).is_empty());
    }
    for (trouble, failure) in [
        (Some(OutboundError::Certificate), Failure::CertificateWrong),
        (Some(OutboundError::Refused(401)), Failure::LinkNotValid),
        (Some(OutboundError::Refused(500)), Failure::Full),
    ] {
        let mut stage = Stage::new(true);
        stage.device(Device::Tick);
        stage.socket(FromSocket::Closed(trouble));
        assert_eq!(stage.over(), Some(failure));
    }
    // Nobody answers: not for ever.
    let mut stage = Stage::new(true);
    let start = stage.now;
    while stage.over().is_none() {
        assert!(stage.now < start + Duration::from_secs(40));
        stage.wait(Duration::from_secs(1));
        stage.socket(FromSocket::Closed(Some(OutboundError::NoConnection)));
    }
    assert_eq!(stage.over(), Some(Failure::NotReachable));
}

#[test]
fn p7_by_the_operators_rule_the_room_leaves_when_the_server_records() {
    for leaves in [true, false] {
        let mut stage = Stage::greeted(leaves, &two());
        let room = Some(Room { active_recording: true, ..Room::default() });
        stage.hear(Said::RoomUpdate(RoomUpdate { room }));
        if leaves {
            assert_eq!(stage.over(), Some(Failure::RecordingPolicy));
        } else {
            assert!(stage.view().records);
        }
    }
}

#[test]
fn what_cannot_be_understood_is_left_with_the_reason() {
    let mut stage = Stage::in_call(&two(), &SLOTS);
    let track = TrackInfo { encryption: encryption::Type::Gcm.into(), ..camera("TR_E") };
    let participants = vec![person("PA_3", &[track])];
    stage.hear(Said::Update(ParticipantUpdate { participants }));
    assert_eq!(stage.over(), Some(Failure::EndToEndOn));
}

#[test]
fn lines_go_both_ways_and_a_cut_connection_is_told() {
    let mut stage = Stage::in_call(&two(), &SLOTS);
    let link = stage.link();
    let channel = || CHANNEL.to_owned();
    let say = || Device::Say(Pii::new("hello".to_owned()), 1_700_000_000_000);
    assert!(stage.device(say()).is_empty(), "there is no channel yet");
    stage.device(Device::Channel { link, channel: channel(), open: true });
    let packets: Vec<Vec<u8>> = stage
        .device(say())
        .into_iter()
        .map(|action| match action {
            Action::Data(_, _, bytes) => bytes.reveal().clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    // The server puts the identity of who has sent it into it.
    for packet in packets {
        let mut packet = livekit_protocol::DataPacket::decode(packet.as_slice()).unwrap();
        packet.participant_identity = "id-PA_1".to_owned();
        stage.device(Device::Data { link, channel: channel(), bytes: Pii::new(packet.encode_to_vec()) });
    }
    let view = stage.view();
    assert_eq!((view.lines.len(), view.lines[0].name.as_ref().unwrap().reveal().as_str()), (1, "Anna"));
    stage.socket(FromSocket::Closed(None));
    assert!(stage.view().reconnecting && stage.meeting.is_connected());
    stage.wait(Duration::from_secs(31));
    assert!(stage.view().lines.is_empty());
}

#[test]
fn nobody_looks_and_the_picture_rests() {
    use livekit_protocol::{SubscribedCodec, SubscribedQuality, SubscribedQualityUpdate, VideoQuality};
    let mut stage = Stage::in_call(&two(), &SLOTS);
    let update = |enabled| {
        let qualities = vec![SubscribedQuality { quality: VideoQuality::High.into(), enabled }];
        let codec = SubscribedCodec { codec: "h264".to_owned(), qualities };
        Said::SubscribedQualityUpdate(SubscribedQualityUpdate {
            track_sid: "TR_OV".to_owned(),
            subscribed_codecs: vec![codec],
            ..SubscribedQualityUpdate::default()
        })
    };
    let sent = |out: Vec<Action>| {
        out.into_iter().find_map(|action| match action {
            Action::Media(RoomToMedia::Send { source, .. }) => Some(source),
            _ => None,
        })
    };
    assert_eq!(sent(stage.hear(update(false))), Some(Sent::Nothing));
    assert_eq!(sent(stage.hear(update(true))), Some(Sent::RoomVideo));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn in_any_order_nothing_breaks_and_nothing_is_opened(events in prop::collection::vec((0_u8..16, any::<u8>()), 0..60)) {
        let mut stage = Stage::in_call(&two(), &SLOTS);
        for (which, number) in events {
            let link = LinkId(u64::from(number % 12));
            let track = TrackId { link, mid: Mid(format!("slot-{}-video", number % 3)) };
            let out = match which {
                0 => stage.device(Device::MediaReady { h264: number % 2 == 0 }),
                1 => stage.device(Device::MediaLost),
                2 => stage.device(Device::Described { link, kind: DescriptionKind::Offer, sdp: Pii::new(OFFER.to_owned()) }),
                3 => stage.device(Device::Link { link, state: if number % 3 == 0 { LinkState::Silent } else { LinkState::Verified } }),
                4 => stage.device(Device::Track(track, Kind::Video)),
                5 => stage.device(Device::Picture(track, number % 2 == 0)),
                6 => stage.device(Device::Sends(Sends { picture: number % 2 == 0, sound: number % 3 == 0 })),
                7 => stage.device(Device::Press(1)),
                8 => stage.wait(Duration::from_millis(u64::from(number) * 40)),
                9 => stage.socket(FromSocket::Closed(None)),
                10 => stage.socket(FromSocket::Opened),
                11 => stage.hear(Said::Join(join(&two()))),
                12 => stage.hear(answer(u32::from(number % 4), &SLOTS)),
                13 => stage.hear(Said::Mute(MuteTrackRequest { sid: "TR_OA".to_owned(), muted: number % 2 == 0 })),
                14 => stage.hear(Said::Update(ParticipantUpdate { participants: vec![person("PA_2", &[camera("TR_V2")])] })),
                _ => stage.socket(FromSocket::Frame(Frame::Binary(Pii::new(vec![number; 5])))),
            };
            let _phase = (stage.meeting.phase(true), stage.meeting.heard(), stage.meeting.deadline());
            // After the end nothing is said any more.
            prop_assert!(stage.over().is_none() || !out.is_empty() || stage.device(Device::Tick).is_empty());
        }
        let out = stage.device(Device::Leave);
        prop_assert!(stage.meeting.left);
        prop_assert!(out.iter().all(|action| !matches!(action, Action::Over(_))));
    }
}
