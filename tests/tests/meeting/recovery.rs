//! Media aborts in the middle of a meeting.

use std::time::{Duration, Instant};

use subrosa_tests::needs;
use subrosa_tests::room::Plan;
use subrosa_tests::stage::{Need, Stage};

use crate::hall::{Attendee, Hall, guest};

#[test]
fn p10_media_aborts_and_three_guests_are_back_without_the_lobby() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(3, Plan::default());
    let (guests, lumas): (Vec<_>, Vec<_>) = (0..3).map(|number| guest(number, true)).unzip();
    let attendees: Vec<Attendee> = guests.iter().map(|guest| hall.enter(guest)).collect();
    let links: Vec<_> = attendees.iter().map(Attendee::link).collect();
    let marks: Vec<_> = attendees.iter().map(|attendee| attendee.peer.mark()).collect();
    let killed = hall.room.kill("media");
    // The promise is three seconds; a machine that runs other tests beside this one is given more.
    let mut back = Duration::ZERO;
    for ((attendee, old), mark) in attendees.iter().zip(&links).zip(marks) {
        let left = Duration::from_secs(10).saturating_sub(killed.elapsed());
        let (_link, frame) = attendee.peer.picture_of_new_link(Some(old), left);
        back = back.max(frame.at.saturating_duration_since(killed));
        let events = attendee.peer.events();
        let lobby = events[mark..].iter().any(|(_, event)| event["event"] == "waiting");
        assert!(!lobby, "{} was asked to wait", attendee.name);
    }
    println!("three guests are back after {back:?}");
    let seen = Instant::now();
    for attendee in &attendees {
        for (other, luma) in attendees.iter().zip(&lumas).filter(|(other, _)| other.name != attendee.name) {
            attendee.sees(&other.name, *luma);
        }
    }
    println!("they see each other {:?} later", seen.elapsed());
}
