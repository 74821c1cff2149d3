//! From the link to the end of a meeting, with a server that the test plays by hand. Conversations with OpenTalk's own room server are in
//! `tests/tests/opentalk`.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};
use subrosa_messages::media::{LinkId, LinkState, Size};

use super::*;
use crate::screen::view::{ConsentView, JoinedView, JoiningView, Phase};
use crate::signalling::livekit::stage::{join, said};

const ROOM: &str = "6f0a3c2e-5d1b-4c8f-9a7e-2b3c4d5e6f71";
const INVITE: &str = "6f0a3c2e-5d1b-4c8f-9a7e-2b3c4d5e6f70";

struct Stage {
    meeting: Joined,
    now: Instant,
}

impl Stage {
    fn new(leaves: bool) -> Self {
        let now = Instant::now();
        let link = Link::read(&format!("https://talk.example.org/room/{ROOM}?invite={INVITE}")).unwrap();
        let settings = Settings {
            link,
            name: Pii::new("Room 4".to_owned()),
            secret: Pii::new("a secret of sixteen".to_owned()),
            leaves_when_recorded: leaves,
            inside: inside::Settings {
                screen: Size { width: 1920, height: 1080 },
                pictures: 6,
                picture: Size { width: 1280, height: 720 },
                links: 7,
            },
        };
        let mut stage = Stage { meeting: Joined::new(now, settings), now };
        stage.device(Device::MediaReady { h264: true });
        stage
    }

    fn device(&mut self, event: Device) -> Vec<Action> {
        self.meeting.step(self.now, Event::Device(event))
    }

    fn wait(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.device(Device::Tick)
    }

    fn answer(&mut self, status: u16, body: &Value) -> Vec<Action> {
        let body = Pii::new(body.to_string());
        self.meeting.step(self.now, Event::Answered(self.meeting.question, Ok(Reply { status, location: None, body })))
    }

    /// Up to the WebSocket to the room server.
    fn way(&mut self, rooms: &str) -> Vec<Action> {
        self.wait(Duration::ZERO);
        let controller = "https://controller.example.org";
        self.answer(200, &json!({"opentalk_controller": {"base_url": controller}}));
        self.answer(200, &json!({"room_id": ROOM, "password_required": false}));
        self.answer(200, &json!({"token": "ticket", "roomserver_address": rooms}))
    }

    fn room(&mut self, said: FromSocket) -> Vec<Action> {
        self.meeting.step(self.now, Event::Socket(self.meeting.room_socket, said))
    }

    fn hear(&mut self, namespace: &str, payload: &Value) -> Vec<Action> {
        let text = json!({"namespace": namespace, "payload": payload}).to_string();
        self.room(FromSocket::Frame(Frame::Text(Pii::new(text))))
    }

    /// In the meeting, with a token for this LiveKit.
    fn joined(leaves: bool, media: &str) -> (Self, Vec<Action>) {
        let mut stage = Stage::new(leaves);
        stage.way("https://rooms.example.org");
        stage.room(FromSocket::Opened);
        let livekit = json!({"room": "r", "token": "media-token", "public_url": media,
            "microphone_restriction_state": {"type": "disabled"}});
        let rosa = json!({"id": "p1", "connections": [{"connection_id": "c1"}],
            "module_data": {"core": {"display_name": "Rosa", "role": "moderator", "participation_kind": "registered"}}});
        let out = stage.hear(
            "core",
            &json!({"message": "join_success", "id": "own", "connection_id": "c0",
            "participants": [rosa], "module_data": {"livekit": livekit}}),
        );
        (stage, out)
    }

    fn hosts(&self) -> Vec<String> {
        self.meeting.hosts().declared().iter().map(|host| host.host.reveal().clone()).collect()
    }

    fn over(&self) -> Option<Failure> {
        match self.meeting.phase(true) {
            Phase::Joining { says: JoiningView::Over(failure), .. } => Some(failure),
            _ => None,
        }
    }

    fn view(&self) -> JoinedView {
        match self.meeting.phase(true) {
            Phase::Joined { meeting, .. } => meeting,
            other => panic!("{other:?}"),
        }
    }
}

fn connects(out: &[Action]) -> Vec<(String, Option<String>)> {
    let opened = out.iter().filter_map(|action| match action {
        Action::Socket(_, ToSocket::Connect { url, bearer, .. }) => {
            Some((url.reveal().to_string(), bearer.as_ref().map(|token| token.reveal().clone())))
        }
        _ => None,
    });
    opened.collect()
}

fn texts(out: &[Action]) -> String {
    let said = out.iter().filter_map(|action| match action {
        Action::Socket(_, ToSocket::Send(Frame::Text(text))) => Some(text.reveal().as_str()),
        _ => None,
    });
    said.collect()
}

#[test]
fn p5_every_host_is_declared_before_it_is_asked() {
    let mut stage = Stage::new(true);
    assert_eq!(stage.hosts(), ["talk.example.org"]);
    let out = stage.way("https://rooms.example.org");
    assert_eq!(stage.hosts(), ["talk.example.org", "controller.example.org", "rooms.example.org"]);
    assert_eq!(connects(&out), [("wss://rooms.example.org/v1/signaling/ticket".to_owned(), None)]);
    let (stage, out) = Stage::joined(true, "https://media.example.org/v1/livekit");
    assert_eq!(stage.hosts().last().unwrap(), "media.example.org");
    let [(url, bearer)] = connects(&out).try_into().unwrap();
    assert!(url.starts_with("wss://media.example.org/v1/livekit/rtc/v1?join_request="), "{url}");
    assert_eq!(bearer.as_deref(), Some("media-token"));
    assert!(!format!("{out:?}").contains("media-token"), "p9");
}

#[test]
fn p8_nothing_is_spoken_without_tls() {
    for media in ["http://media.example.org/", "ws://media.example.org/", "ftp://media.example.org/", "media", ""] {
        let (stage, out) = Stage::joined(true, media);
        assert!(connects(&out).is_empty(), "{media}");
        assert!(stage.over().is_some() || stage.view().no_bridge, "{media}");
    }
    let mut stage = Stage::new(true);
    stage.way("http://rooms.example.org");
    assert_eq!(stage.over(), Some(Failure::Unencrypted));
}

#[test]
fn a_password_is_asked_for_until_it_is_right() {
    let mut stage = Stage::new(true);
    stage.wait(Duration::ZERO);
    stage.answer(200, &json!({"opentalk_controller": {"base_url": "https://talk.example.org"}}));
    stage.answer(200, &json!({"room_id": ROOM, "password_required": true}));
    let waits = |stage: &Stage| match stage.meeting.phase(true) {
        Phase::Joining { says: JoiningView::Waits(failure), .. } => failure,
        other => panic!("{other:?}"),
    };
    assert_eq!(waits(&stage), Failure::PasswordWanted);
    for (given, wrong) in [("a", true), ("b", false)] {
        let out = stage.device(Device::Password(Pii::new(given.to_owned())));
        let [Action::Ask(_, request)] = out.as_slice() else { panic!("{out:?}") };
        assert!(request.body.as_ref().unwrap().reveal().contains(&format!("\"password\":\"{given}\"")));
        if wrong {
            stage.answer(401, &json!({"code": "wrong_room_password"}));
            assert_eq!(waits(&stage), Failure::PasswordWrong);
        }
    }
    let out = stage.answer(200, &json!({"token": "t", "roomserver_address": "https://talk.example.org"}));
    assert_eq!(connects(&out).len(), 1);
}

#[test]
fn people_hands_and_lines_are_shown() {
    let (mut stage, _) = Stage::joined(true, "https://media.example.org");
    let view = stage.view();
    assert_eq!((view.others.len(), view.others[0].name.as_ref().unwrap().reveal().as_str()), (1, "Rosa"));
    assert!(view.others[0].muted, "LiveKit has said nothing of her");
    stage.hear("raise_hands", &json!({"message": "hand_raised", "participant": "p1"}));
    assert!(stage.view().others[0].hand && !stage.view().hand);
    let out = stage.device(Device::Press(1));
    assert!(texts(&out).contains("raise_hand"), "{}", texts(&out));
    stage.hear("raise_hands", &json!({"message": "hand_raised", "participant": "own"}));
    assert!(stage.view().hand);
    let line = json!({"message": "message_sent", "id": "1", "source": "p1", "content": "hello", "scope": "global"});
    stage.hear("chat", &line);
    assert_eq!(stage.view().lines[0].text.reveal(), "hello");
}

#[test]
fn p2_a_moderator_closes_the_microphone_and_nothing_opens_it() {
    let (mut stage, _) = Stage::joined(true, "https://media.example.org");
    let closes = |out: &[Action]| out.iter().any(|action| matches!(action, Action::Mute(Capture::Microphone)));
    assert!(closes(&stage.hear("moderation", &json!({"message": "muted", "moderator": "p1"}))));
    let only = json!({"message": "microphone_restrictions_enabled", "unrestricted_participants": []});
    assert!(closes(&stage.hear("moderation", &only)));
    assert!(stage.view().ask_to_speak);
    let both = Device::Sends(Sends { picture: true, sound: true });
    assert!(closes(&stage.device(both)), "what nobody gets is not left open");
}

#[test]
fn p6_only_a_press_after_the_question_was_read_agrees_and_the_next_takes_it_back() {
    let (mut stage, _) = Stage::joined(false, "https://media.example.org");
    stage.hear("recording", &json!({"message": "recording_updated", "status": "requested"}));
    assert_eq!(stage.view().consent, ConsentView::Asked);
    assert_eq!(texts(&stage.device(Device::Press(1))), "", "nobody can have read it");
    stage.wait(Duration::from_secs(2));
    let out = stage.device(Device::Press(2));
    assert!(texts(&out).contains("\"consent\":true"), "{}", texts(&out));
    assert_eq!(stage.view().consent, ConsentView::Given);
    let out = stage.device(Device::Press(3));
    assert!(texts(&out).contains("\"consent\":false"), "{}", texts(&out));
    assert_eq!(stage.view().consent, ConsentView::Nothing);
    assert!(texts(&stage.device(Device::Press(4))).contains("raise_hand"));
    // P7: or the operator's rule is to leave.
    let (mut stage, _) = Stage::joined(true, "https://media.example.org");
    stage.hear("recording", &json!({"message": "recording_updated", "status": "requested"}));
    assert_eq!(stage.view().consent, ConsentView::Nothing, "who will leave is asked nothing");
    stage.wait(Duration::from_secs(2));
    assert!(!texts(&stage.device(Device::Press(1))).contains("consent"));
    stage.hear("recording", &json!({"message": "recording_updated", "status": "active"}));
    assert_eq!(stage.over(), Some(Failure::RecordingPolicy));
}

#[test]
fn a_livekit_that_refuses_gets_another_token_and_not_for_ever() {
    let (mut stage, _) = Stage::joined(true, "https://media.example.org");
    let refuse = |stage: &mut Stage| {
        let closed = FromSocket::Closed(Some(OutboundError::Refused(401)));
        stage.meeting.step(stage.now, Event::Socket(stage.meeting.media_socket, closed))
    };
    for turn in 0.. {
        refuse(&mut stage);
        if stage.over().is_some() {
            assert!((2..10).contains(&turn));
            break;
        }
        assert!(stage.view().no_bridge);
        let mut asked = String::new();
        for _ in 0..40 {
            asked += &texts(&stage.wait(Duration::from_secs(1)));
        }
        assert!(asked.contains("create_new_access_token") || stage.over().is_some(), "{asked}");
        let token =
            json!({"message": "credentials", "room": "r", "token": "again", "public_url": "https://media.example.org"});
        stage.hear("livekit", &token);
    }
    assert_eq!(stage.over(), Some(Failure::LinkNotValid));
}

#[test]
fn a_room_server_that_is_gone_is_joined_again_by_the_whole_way() {
    let (mut stage, _) = Stage::joined(true, "https://media.example.org");
    stage.room(FromSocket::Closed(None));
    assert!(stage.view().reconnecting && !stage.meeting.is_connected());
    let out = stage.wait(Duration::from_secs(2));
    assert!(matches!(out.as_slice(), [Action::Ask(..)]), "{out:?}");
    for _ in 0..ATTEMPTS {
        let number = stage.meeting.question;
        stage.meeting.step(stage.now, Event::Answered(number, Err(OutboundError::NoConnection)));
        stage.wait(Duration::from_secs(70));
    }
    assert_eq!(stage.over(), Some(Failure::ConnectionLost));
}

#[test]
fn how_it_ends_is_told() {
    for (namespace, payload, failure) in [
        ("moderation", json!({"message": "kicked", "reason": "kicked"}), Failure::Kicked),
        ("moderation", json!({"message": "banned"}), Failure::Banned),
        ("core", json!({"message": "closing", "reason": "graceful_shutdown"}), Failure::ServerStopped),
    ] {
        let (mut stage, _) = Stage::joined(true, "https://media.example.org");
        let out = stage.hear(namespace, &payload);
        assert_eq!(stage.over(), Some(failure), "{out:?}");
        assert!(stage.device(Device::Tick).is_empty() && stage.meeting.deadline().is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn in_any_order_nothing_breaks_and_nobody_agrees_unasked(events in prop::collection::vec((0_u8..15, any::<u8>()), 0..60)) {
        let (mut stage, _) = Stage::joined(false, "https://media.example.org");
        for (which, number) in events {
            let word = ["requested", "active", "inactive"][usize::from(number % 3)];
            let asked = stage.over().is_none() && stage.meeting.consent.is_some();
            let out = match which {
                0 => stage.device(Device::Press(1)),
                1 => stage.wait(Duration::from_millis(u64::from(number) * 50)),
                2 => stage.room(FromSocket::Closed(None)),
                3 => stage.room(FromSocket::Opened),
                4 => stage.answer([200, 404, 401, 500][usize::from(number % 4)], &json!({"token": "t", "roomserver_address": "https://rooms.example.org", "room_id": ROOM})),
                5 => stage.hear("recording", &json!({"message": "recording_updated", "status": word})),
                6 => stage.hear("livekit", &json!({"message": "credentials", "room": "r", "token": "t", "public_url": "https://media.example.org"})),
                7 => stage.hear("moderation", &json!({"message": "sent_to_waiting_room"})),
                8 => stage.hear("moderation", &json!({"message": "accepted"})),
                9 => {
                    let bytes = said(livekit_protocol::signal_response::Message::Join(join(&[])));
                    let frame = FromSocket::Frame(Frame::Binary(Pii::new(bytes)));
                    stage.meeting.step(stage.now, Event::Socket(stage.meeting.media_socket, frame))
                }
                10 => stage.device(Device::MediaLost),
                11 => stage.device(Device::MediaReady { h264: true }),
                12 => stage.device(Device::Link { link: LinkId(u64::from(number % 16)), state: LinkState::Verified }),
                13 => stage.device(Device::Password(Pii::new("x".to_owned()))),
                _ => stage.meeting.step(stage.now, Event::Socket(stage.meeting.media_socket, FromSocket::Closed(None))),
            };
            let _phase = (stage.meeting.phase(true), stage.meeting.heard(), stage.meeting.deadline());
            prop_assert!(!texts(&out).contains("\"consent\":true") || (which == 0 && asked));
        }
        let out = stage.device(Device::Leave);
        prop_assert!(out.iter().all(|action| !matches!(action, Action::Over(_))));
        prop_assert!(stage.device(Device::Tick).is_empty());
    }
}
