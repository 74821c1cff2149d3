//! A room that is named by a link without a token: the token comes from the operator's own endpoint.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::front::Front;
use subrosa_tests::jitsi::visit::Join;
use subrosa_tests::livekit::{Endpoint, Server};
use subrosa_tests::needs;
use subrosa_tests::room::Room;
use subrosa_tests::stage::{Need, Stage, eventually};

use super::meeting::{OWN, ROOM, SOON, room};

/// What the operator's endpoint asks of who asks it.
const SECRET: &str = "a-secret-of-the-operator";

struct Scene {
    room: Room,
    join: Join,
    server: Server,
    front: Front,
    endpoint: Endpoint,
    _to_endpoint: Front,
}

/// A room that has been given the link of a room on LiveKit's server; `known`: the operator has named an endpoint for it.
fn scene(known: bool) -> Scene {
    let (server, endpoint) = (Server::start(), Endpoint::listen());
    let front = Front::before(server.port());
    let to_endpoint = front.beside(endpoint.port());
    let tokens = format!("tokens = \"https://127.0.0.1:{}/token\"\ntokens_secret = \"{SECRET}\"\n", to_endpoint.port());
    let servers =
        format!("host = \"localhost\"\noperator = \"Example Association\"\n{}", if known { &tokens } else { "" });
    let room = room(&front, vec![("[servers]", servers)]);
    let join = Join::start(&room, &format!("livekit+wss://localhost:{}/?room={ROOM}", front.port()));
    Scene { room, join, server, front, endpoint, _to_endpoint: to_endpoint }
}

impl Scene {
    fn url(&self) -> String {
        format!("wss://localhost:{}", self.front.port())
    }

    /// Host and reason, as on the status page.
    fn contacts(&self) -> Vec<(String, String)> {
        let status = self.room.status();
        let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let contacts = status["contacts"].as_array().cloned().unwrap_or_default();
        contacts.iter().map(|one| (text(one, "host"), text(one, "purpose"))).collect()
    }
}

#[test]
fn p5_a_room_joins_with_a_token_of_the_operators_endpoint_and_says_only_both_names_there() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    let mut scene = scene(true);
    scene.endpoint.gives(&scene.server, ROOM, OWN, &scene.url());
    scene.join.says("Press the button");
    // Before anybody is contacted it is said who will be.
    assert!(scene.join.said().contains("127.0.0.1: this room’s operator names it"), "{}", scene.join.said());
    assert!(scene.endpoint.asked().is_empty() && scene.contacts().is_empty());
    scene.room.sim.press();
    scene.join.says("The room is in the meeting");
    eventually("the room is in", SOON, || scene.server.knows(ROOM, OWN));
    let asked = scene.endpoint.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].line, "POST /token HTTP/1.1");
    assert_eq!(asked[0].body, json!({"room_name": ROOM, "participant_name": "Test room"}));
    assert_eq!(asked[0].header("authorization"), Some(format!("Bearer {SECRET}").as_str()));
    let mut names: Vec<&str> = asked[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let usual = ["accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"];
    assert_eq!(names, usual, "nothing of the device");
    let contacts = scene.contacts();
    assert_eq!(contacts.len(), 2, "{contacts:?}");
    assert_eq!(contacts[0].0, "localhost");
    assert!(contacts[1].0 == "127.0.0.1" && contacts[1].1.contains("operator names it"), "{contacts:?}");
    assert!(contacts[1].1.contains(", contacted"), "{contacts:?}");
    scene.room.sim.hold();
    assert_eq!(scene.join.ends(), Some(0));
    let log = scene.room.log();
    for secret in [ROOM, OWN, SECRET, "eyJ", "Test room"] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
}

#[test]
fn a_token_that_the_server_takes_no_longer_is_renewed() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    let mut scene = scene(true);
    scene.endpoint.gives(&scene.server, ROOM, OWN, &scene.url());
    scene.join.says("Press the button");
    scene.room.sim.press();
    eventually("the room is in", SOON, || scene.server.knows(ROOM, OWN));
    scene.server.start_again_with_another_key();
    scene.endpoint.gives(&scene.server, ROOM, OWN, &scene.url());
    eventually("the room is in again", Duration::from_secs(60), || scene.server.knows(ROOM, OWN));
    assert_eq!(scene.endpoint.asked().len(), 2);
}

#[test]
fn where_no_token_comes_it_is_said() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    let scene = scene(true);
    scene.join.says("Press the button");
    scene.room.sim.press();
    scene.join.says("gives it none");
    assert_eq!(scene.front.opened(), 0, "without a token nobody knocks");
    // The token of another server.
    scene.room.sim.hold();
    scene.endpoint.gives(&scene.server, ROOM, OWN, "wss://live.example.org");
    let join = Join::start(&scene.room, &format!("livekit+wss://localhost:{}/?room={ROOM}", scene.front.port()));
    join.says("Press the button");
    scene.room.sim.press();
    join.says("is for another server than the link’s");
    assert_eq!(scene.front.opened(), 0, "it is not used");
}

#[test]
fn a_link_without_a_token_is_not_proposed_where_nobody_has_named_an_endpoint() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    let scene = scene(false);
    scene.join.says("nobody has set up where this room gets one for this server");
    assert!(!scene.join.said().contains("Press the button"));
    scene.room.sim.press();
    std::thread::sleep(Duration::from_secs(1));
    assert!(scene.endpoint.asked().is_empty() && scene.front.opened() == 0 && scene.contacts().is_empty());
}
