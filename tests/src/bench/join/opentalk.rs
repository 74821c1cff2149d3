//! A meeting of OpenTalk's: its own room server before LiveKit's, and a double of the controller.

use std::sync::Arc;
use std::time::Duration;

use subrosa_tests::front::Front;
use subrosa_tests::livekit::{self, Takes};
use subrosa_tests::opentalk::{Client, Controller, INVITE, LiveKit, Room as Meeting, Server, Who};

use super::hall::{Hall, Place};

/// Listens, so that the room server does not take them for gone, for as long as the meeting is there.
fn stays(mut client: Client, meeting: &Arc<()>) {
    let meeting = Arc::downgrade(meeting);
    std::thread::spawn(move || {
        while client.is_open() && meeting.strong_count() > 0 {
            let _nothing_to_do = client.hear(Duration::from_millis(500));
        }
    });
}

/// A room of this program's that stands before it; one who sends a large picture is in, and takes this of others.
pub fn open(takes: Takes) -> Hall {
    let (server, media) = (Arc::new(Server::start()), livekit::Server::start());
    let to_rooms = Front::before(server.port());
    let to_media = to_rooms.beside(media.port());
    let at = |front: &Front| format!("https://localhost:{}", front.port());
    let public = LiveKit { public: at(&to_media), ..media.for_rooms() };
    let meeting = Meeting { livekit: Some(public), ..Meeting::open() };
    let controller = Controller::listen(&server, &meeting);
    let to_controller = to_rooms.beside(controller.port());
    controller.is_at(&at(&to_controller), &at(&to_rooms));
    let link = format!("{}/room/{}?invite={INVITE}", at(&to_controller), meeting.id);
    let authority = to_rooms.authority();
    let there = Arc::new(());
    let around = (there.clone(), controller, [to_controller, to_rooms, to_media]);
    let enter = move |number: usize| {
        let who = if number == 0 { Who::Owner } else { Who::User };
        let mut client = server.join(&meeting, who, &format!("Other {number}"));
        let welcome = client.wait_for("core", "join_success");
        stays(client, &there);
        welcome["module_data"]["livekit"]["token"].as_str().expect("a token").to_owned()
    };
    let place = Place::new(media, Box::new(enter), Box::new(around), takes);
    Hall::before(place, &authority, &link)
}
