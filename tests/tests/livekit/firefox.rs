//! Debian's Firefox, which has no H.264, beside Chromium, which has. It does no ICE on a loopback interface alone, hence the second one.

use serde_json::json;
use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::livekit::{Server, Visitor};
use subrosa_tests::namespace::Namespace;
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, Stage, eventually};

use super::meeting::{Meeting, OWN, ROOM, SOON, on, on_old};

const BLUE: [u8; 3] = [20, 90, 220];

#[test]
fn who_has_no_h264_sees_the_room_in_vp8_and_the_others_go_on_in_h264() {
    needs!(Need::LiveKit, Need::Chromium, Need::Firefox, Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    in_a_network(|server| on(server, json!({}), json!({}), Vec::new()));
}

#[test]
fn on_an_old_server_too() {
    needs!(Need::LiveKit, Need::Chromium, Need::Firefox, Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    in_a_network(on_old);
}

fn in_a_network(proposed: impl FnOnce(Server) -> Meeting + Send) {
    let network = Namespace::new();
    network.add_interface("lan", "192.168.7.1/24");
    network.route_by("lan");
    network.run(|| {
        let meeting = proposed(Server::with_media_on("lan", "192.168.7.1"));
        meeting.press();
        let mut anna = meeting.visitor("anna", &json!({}));
        anna.sees(OWN);
        assert_eq!(anna.came(OWN).codec, "video/H264");
        let firefox = Browser::firefox(&BrowserPlan::default());
        let options = json!({"colour": "rgb(20,90,220)"});
        let mut eve = Visitor::join(firefox, &meeting.server, ROOM, "eve", &options);
        eve.sees(OWN);
        eve.hears(OWN);
        assert_eq!(eve.came(OWN).codec, "video/VP8");
        meeting.shows_soon("Eve's picture", BLUE, 0.1, 1.0);
        anna.sees(OWN);
        assert_eq!(anna.came(OWN).codec, "video/H264");
        // It is one picture: what closes it closes it for both.
        meeting.room.sim.shutter(true);
        let is_muted = |of: &mut Visitor| of.came(OWN).muted.contains(&"camera".to_owned()).then_some(());
        eventually("the picture is closed for Anna", SOON, || is_muted(&mut anna));
        eventually("the picture is closed for Eve", SOON, || is_muted(&mut eve));
        meeting.room.sim.shutter(false);
        eve.sees(OWN);
        eve.leaves();
        anna.sees(OWN);
    });
}
