//! Guests come and go.

use std::time::Duration;

use subrosa_tests::figures::Figures;
use subrosa_tests::needs;
use subrosa_tests::room::Plan;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::hall::{Hall, LONG, guest};

#[test]
fn thirty_guests_come_and_go_one_after_the_other_and_leave_nothing_behind() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let hall = Hall::open(3, Plan::default());
    let (first, luma) = guest(0, true);
    let stays = hall.enter(&first);
    let link = stays.link();
    let look = || {
        std::thread::sleep(Duration::from_secs(1));
        Figures::of(hall.room.pid("media")).unwrap_or_default()
    };
    let mut before = None;
    for round in 1..=30 {
        let (guest, of_guest) = guest(1 + round % 6, true);
        let comes = hall.enter(&guest);
        stays.sees(&comes.name, of_guest);
        comes.sees(&stays.name, luma);
        comes.peer.leave();
        eventually("who left is gone", LONG, || stays.peer.line_of(&comes.name, "video").is_none().then_some(()));
        if round == 10 {
            before = Some(look());
        }
    }
    let (before, after) = (before.expect("ten rounds"), look());
    assert!(std::sync::Arc::ptr_eq(&link, &stays.link()), "one link, and one offer, for all of it");
    assert!(after.threads <= before.threads + 6, "threads: {} → {}", before.threads, after.threads);
    assert!(after.descriptors <= before.descriptors + 6, "{} → {}", before.descriptors, after.descriptors);
}
