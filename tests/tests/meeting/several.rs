//! Several guests see and hear each other and the room.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::call::camera_moves;
use subrosa_tests::needs;
use subrosa_tests::peer::LinkPlan;
use subrosa_tests::room::Plan;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::hall::{Attendee, Hall, LONG, guest};

fn all_see_and_hear_each_other(attendees: &[Attendee], lumas: &[u8]) {
    for attendee in attendees {
        for (other, luma) in attendees.iter().zip(lumas).filter(|(other, _)| other.name != attendee.name) {
            attendee.sees(&other.name, *luma);
            attendee.hears(&other.name);
        }
    }
}

#[test]
fn three_guests_see_and_hear_each_other_and_the_room_and_who_is_removed_is_nowhere() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(3, Plan::default());
    let (guests, lumas): (Vec<_>, Vec<_>) = (0..3).map(|number| guest(number, false)).unzip();
    let mut attendees: Vec<Attendee> = guests.iter().map(|guest| hall.enter(guest)).collect();
    all_see_and_hear_each_other(&attendees, &lumas);
    for attendee in &attendees {
        assert!(camera_moves(&attendee.link(), LONG), "{} does not see the room", attendee.name);
        let heard = attendee.link().recording.wait_for_sound(0, LONG, |sound| sound.level > -50.0);
        assert!(heard.is_some(), "{} does not hear the room", attendee.name);
    }
    // A screen that is shown.
    let reply = attendees[0].peer.wish(&json!({"wish": "present", "on": true}));
    assert_eq!(reply.status, 204, "{reply:?}");
    attendees[0].link().show_screen(true);
    for attendee in &attendees[1..] {
        let screen = attendee.link().slot("screen");
        let frame = screen.wait_for_frame(0, LONG, |frame| (frame.width, frame.height) == (960, 540));
        assert!(frame.is_some(), "{} does not see the screen: {:?}", attendee.name, screen.counts());
    }
    // Whoever is removed is nowhere, and the others go on.
    let gone = attendees.remove(1);
    let slots: Vec<_> =
        attendees.iter().map(|attendee| ["video", "audio"].map(|kind| attendee.slot(&gone.name, kind))).collect();
    let number = attendees[0].peer.room()["people"]
        .as_array()
        .and_then(|people| people.iter().find(|person| person["name"] == gone.name.as_str()).cloned())
        .expect("they are in the list")["number"]
        .clone();
    hall.chair(&json!({"wish": "remove", "guest": number}));
    gone.peer.told(0, "removed", Duration::from_secs(5), |event| event["reason"] == "removed");
    for (attendee, slots) in attendees.iter().zip(&slots) {
        attendee.is_spared(slots);
    }
    attendees[0].sees("Guest 2", lumas[2]);
    attendees[1].hears("Guest 0");
}

#[test]
fn five_guests_see_and_hear_each_other_write_and_read() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(5, Plan::default());
    let (guests, lumas): (Vec<_>, Vec<_>) = (0..5).map(|number| guest(number, true)).unzip();
    let attendees: Vec<Attendee> = guests
        .iter()
        .map(|guest| {
            let mut guest = guest.clone();
            guest.link = LinkPlan { decodes: false, ..guest.link };
            hall.enter(&guest)
        })
        .collect();
    all_see_and_hear_each_other(&attendees, &lumas);
    assert!(attendees.iter().all(|attendee| attendee.link().recording.counts().0 > 100), "the room's packets");
    for attendee in &attendees {
        let channels = &attendee.link().channels;
        eventually("the channel for chat is open", LONG, || channels.open().contains(&"chat".to_owned()).then_some(()));
        assert_eq!(channels.protocol("text").as_deref(), Some("t140"));
        assert!(channels.say("chat", &format!("a line of {}", attendee.name)));
    }
    for attendee in &attendees {
        eventually("everybody's line is read", LONG, || {
            let said = attendee.link().channels.said("chat").join("\n");
            attendees.iter().all(|other| said.contains(&format!("a line of {}", other.name))).then_some(())
        });
    }
}
