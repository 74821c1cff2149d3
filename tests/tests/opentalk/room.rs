//! The whole room in a meeting of OpenTalk's: its own room server, LiveKit's own server, a double of the controller, a moderator by hand, and
//! people in a browser.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::front::Front;
use subrosa_tests::jitsi::visit::Join;
use subrosa_tests::livekit::{self, Visitor};
use subrosa_tests::needs;
use subrosa_tests::opentalk::{Client, Controller, INVITE, Room as Meeting, Server, Services, Who};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, artefact, eventually};

const SOON: Duration = Duration::from_secs(20);
/// What the room is called.
const NAME: &str = "Test room";

/// A room that has been given the link: the next press joins.
struct Scene {
    room: Room,
    join: Join,
    rosa: Client,
    welcome: Value,
    livekit: livekit::Server,
    controller: Controller,
    /// Before the controller, the room server, LiveKit.
    fronts: [Front; 3],
    server: Arc<Server>,
    meeting: Meeting,
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let picture = self.room.sim.screen().unwrap_or_default();
            let _unwritable = std::fs::write(artefact("opentalk-screen.jpg"), picture);
            eprintln!("the controller was asked {:?}", self.controller.asked());
        }
    }
}

fn scene(waiting_room: &'static str, recorder: Option<String>, servers: &str) -> Scene {
    let (server, livekit) = (Arc::new(Server::start()), livekit::Server::start());
    let to_rooms = Front::before(server.port());
    let to_livekit = to_rooms.beside(livekit.port());
    let at = |front: &Front| format!("https://localhost:{}", front.port());
    let media = subrosa_tests::opentalk::LiveKit { public: at(&to_livekit), ..livekit.for_rooms() };
    let meeting = Meeting { waiting_room, recorder, livekit: Some(media), ..Meeting::open() };
    let controller = Controller::listen(&server, &meeting);
    let to_controller = to_rooms.beside(controller.port());
    controller.is_at(&at(&to_controller), &at(&to_rooms));
    let mut rosa = server.join(&meeting, Who::Owner, "Rosa");
    let welcome = rosa.wait_for("core", "join_success");
    let joining = format!("authority = \"{}\"\nunknown_servers = \"allow\"\n", to_rooms.authority().display());
    let mut more = vec![("joining", joining)];
    if !servers.is_empty() {
        more.push(("[servers]", servers.to_owned()));
    }
    let room = Room::start(Plan { more, ..Plan::default() });
    let join = Join::start(&room, &format!("{}/room/{}?invite={INVITE}", at(&to_controller), meeting.id));
    join.says("Press the button");
    let fronts = [to_controller, to_rooms, to_livekit];
    Scene { room, join, rosa, welcome, livekit, controller, fronts, server, meeting }
}

impl Scene {
    #[track_caller]
    fn enter(&mut self) -> Value {
        self.room.sim.press();
        self.join.says("The room is in the meeting");
        let came = self.rosa.wait_for("core", "participant_connected");
        assert_eq!(came["peer_data"]["core"]["display_name"], NAME);
        came
    }

    /// Rosa's browser, with the token that the room server gave her.
    fn rosa_in_chromium(&self, options: &Value) -> Visitor {
        let token = self.welcome["module_data"]["livekit"]["token"].as_str().expect("a token");
        let browser = Browser::chromium(&BrowserPlan { small: true, ..BrowserPlan::default() });
        Visitor::with(browser, &self.livekit, token, options)
    }
}

fn participant(came: &Value) -> String {
    came["participant_id"].as_str().expect("an id").to_owned()
}

fn identity(came: &Value) -> String {
    format!("{}:{}", participant(came), came["connection_id"].as_str().expect("an id"))
}

#[test]
fn a_room_joins_is_seen_and_heard_writes_raises_its_hand_and_leaves() {
    needs!(Need::OpenTalk, Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let mut scene = scene("disabled", None, "");
    let mut browser = scene.rosa_in_chromium(&json!({"colour": "rgb(20,90,220)"}));
    let came = scene.enter();
    let own = identity(&came);
    browser.sees(&own);
    browser.hears(&own);
    eventually("Rosa's picture", SOON, || (scene.room.sim.shows([20, 90, 220]) > 0.1).then_some(()));
    scene.join.types("hello from the room");
    assert_eq!(scene.rosa.wait_for("chat", "message_sent")["content"], "hello from the room");
    scene.room.sim.press();
    assert_eq!(scene.rosa.wait_for("raise_hands", "hand_raised")["participant"], participant(&came).as_str());
    scene.room.sim.press();
    scene.rosa.wait_for("raise_hands", "hand_lowered");
    // P5: every host that was contacted was named before, with who named it.
    let contacts = scene.room.status()["contacts"].clone();
    let hosts: Vec<&str> = contacts.as_array().unwrap().iter().filter_map(|one| one["host"].as_str()).collect();
    assert_eq!(hosts, ["localhost", "127.0.0.1"], "{contacts}");
    scene.room.sim.hold();
    scene.rosa.wait_for("core", "participant_disconnected");
    assert_eq!(scene.join.ends(), Some(0));
    // P9, and whoever comes twice is not known again: the secret is new each time.
    let log = scene.room.log();
    for secret in [INVITE, "Rosa", "hello", "eyJ", &own] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
    let secrets = |scene: &Scene| {
        let asked = scene.controller.asked().into_iter();
        asked.filter_map(|(_, body)| Some(body["device_secret"].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let first = secrets(&scene);
    assert_eq!(first.len(), 1);
    scene.join = Join::start(&scene.room, &format!("https://localhost:{}/invite/{INVITE}", scene.fronts[0].port()));
    scene.join.says("Press the button");
    scene.enter();
    let second = secrets(&scene);
    assert!(second.len() == 2 && second[0] != second[1] && second[1].len() >= 16);
}

#[test]
fn password_waiting_room_mute_and_kick() {
    needs!(Need::OpenTalk, Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let mut scene = scene("for_guests", None, "");
    scene.controller.password("letmein");
    scene.room.sim.press();
    scene.join.says("This meeting has a password");
    scene.join.types("wrong");
    scene.join.says("The password is not right");
    scene.join.types("letmein");
    scene.join.says("waits in the lobby");
    let waits = scene.rosa.wait_for("core", "joined_waiting_room");
    let own = participant(&waits);
    assert!(!scene.room.sim.lit(Line::CameraLive) && !scene.room.sim.lit(Line::MicrophoneLive));
    scene.rosa.act("moderation", &json!({"action": "accept", "target": own}));
    scene.join.says("The room is in the meeting");
    let came = scene.rosa.wait_for("core", "participant_connected");
    // A page that captures sound may play it.
    let mut browser = scene.rosa_in_chromium(&json!({}));
    browser.hears(&identity(&came));
    assert!(scene.room.sim.lit(Line::MicrophoneLive));
    // P2: a moderator closes it, and only the room opens it again.
    scene.rosa.act("moderation", &json!({"action": "mute", "participants": [own]}));
    eventually("the microphone is closed", SOON, || (!scene.room.sim.lit(Line::MicrophoneLive)).then_some(()));
    assert!(scene.room.sim.lit(Line::CameraLive));
    scene.rosa.act("moderation", &json!({"action": "kick", "target": own}));
    scene.join.says("removed this room");
    assert_eq!(scene.join.ends(), Some(1));
}

#[test]
fn nobody_is_recorded_who_has_not_agreed_at_the_device() {
    needs!(Need::OpenTalk, Need::LiveKit);
    let _stage = Stage::take();
    let services = Services::listen();
    let servers = "host = \"localhost\"\noperator = \"Ourselves\"\nown = true\nrecording = \"tell\"\n";
    let mut scene = scene("disabled", Some(services.recorder()), servers);
    let came = scene.enter();
    scene.rosa.act("recording", &json!({"action": "start_recording"}));
    scene.rosa.wait_for("recording", "recording_updated");
    // The screen asks. A press in the same moment is none: nobody has read it.
    scene.room.sim.press();
    std::thread::sleep(Duration::from_secs(3));
    let picture = scene.room.sim.screen().unwrap_or_default();
    let _for_people = std::fs::write(artefact("screen-opentalk-consent.jpg"), picture);
    scene.room.sim.press();
    let consent = scene.rosa.wait_for("recording", "consent_updated");
    assert_eq!((&consent["participant"], &consent["consents"]), (&came["participant_id"], &json!(true)));
    // Taken back as easily as it was given.
    scene.room.sim.press();
    assert_eq!(scene.rosa.wait_for("recording", "consent_updated")["consents"], json!(false));
}

#[test]
fn a_room_server_that_is_cut_off_is_joined_again() {
    needs!(Need::OpenTalk, Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let mut scene = scene("disabled", None, "");
    let mut browser = scene.rosa_in_chromium(&json!({"colour": "rgb(20,90,220)"}));
    let came = scene.enter();
    browser.sees(&identity(&came));
    scene.fronts[1].cut();
    let again = scene.rosa.wait_for("core", "participant_connected");
    browser.sees(&identity(&again));
    browser.hears(&identity(&again));
    eventually("Rosa's picture", SOON, || (scene.room.sim.shows([20, 90, 220]) > 0.1).then_some(()));
}

#[test]
fn p7_by_the_operators_rule_the_room_leaves_when_it_is_recorded() {
    needs!(Need::OpenTalk, Need::LiveKit);
    let _stage = Stage::take();
    let services = Services::listen();
    let mut scene = scene("disabled", Some(services.recorder()), "");
    scene.enter();
    scene.rosa.act("recording", &json!({"action": "start_recording"}));
    let mut recorder = scene.server.join(&scene.meeting, Who::Recorder, "");
    recorder.wait_for("core", "join_success");
    // Asked for is not begun.
    eventually("the camera is open", SOON, || scene.room.sim.lit(Line::CameraLive).then_some(()));
    let runs = json!({"action": "service", "command": {"kind": "recording_updated", "status": "active"}});
    recorder.act("recording", &runs);
    scene.join.says("By the operator's rule this room has left it");
}
