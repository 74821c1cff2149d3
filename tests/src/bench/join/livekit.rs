//! A room on a LiveKit server.

use serde_json::json;
use subrosa_tests::front::Front;
use subrosa_tests::livekit::{Server, Takes, link, token};

use super::hall::{Hall, Place};

const MEETING: &str = "rose";

/// A room of this program's that stands before it; one who sends a large picture is in, and takes this of others.
pub fn open(takes: Takes) -> Hall {
    let server = Server::start();
    let front = Front::before(server.port());
    let link = link(&front, &token(MEETING, "the-room", json!({}), json!({"name": "Room one"})));
    let enter = |number: usize| token(MEETING, &format!("other-{number}"), json!({}), json!({}));
    let authority = front.authority();
    let place = Place::new(server, Box::new(enter), Box::new(front), takes);
    Hall::before(place, &authority, &link)
}
