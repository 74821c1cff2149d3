//! No capture without a lamp: nodes that are not as they should be, that go and that come.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{XattrFlags, setxattr};
use subrosa_messages::Capture::{Camera, Microphone};
use subrosa_tests::devices::{Bench, Kill, Tier};
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::tiers;

const SOON: Duration = Duration::from_secs(2);

#[test]
fn p1_a_mode_that_somebody_opens_is_closed_again() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    fs::set_permissions(bench.node(Camera), Permissions::from_mode(0o666)).unwrap();
    eventually("the mode is closed again", Duration::from_millis(500), || (bench.mode(Camera) == 0o400).then_some(()));
    bench.wait_dark();
}

#[test]
fn p1_a_mode_that_is_closed_under_a_permit_is_granted_again() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let (_room, media) = bench.awake();
    media.ask(Camera);
    // As udev does at an event within the window.
    fs::set_permissions(bench.node(Camera), Permissions::from_mode(0o400)).unwrap();
    eventually("the mode is granted again", SOON, || (bench.mode(Camera) == 0o460).then_some(()));
    assert_eq!(media.open(&bench.node(Camera)), Ok(()));
}

#[test]
fn p1_a_node_with_another_owner_or_group_or_an_access_list_is_never_granted() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let (_room, media) = bench.awake();
    let (node, users) = (bench.node(Microphone), bench.users());
    let refused = |what: &str| {
        media.wait_refusal(Microphone, Some("node"));
        assert_eq!(media.is_refused(Microphone), "node", "{what}");
        assert!(bench.lit(Microphone), "{what}: not the guard's to keep closed, so not proved, so lit");
        assert_eq!(bench.mode(Microphone) & 0o022, 0, "{what}");
    };
    chown(&node, Some(0), None).unwrap();
    refused("owner");
    chown(&node, Some(users.guard.uid), Some(users.sim.gid)).unwrap();
    refused("group");
    chown(&node, None, Some(users.media.gid)).unwrap();
    media.may_ask(Microphone);
    bench.wait_dark();

    // version 2; user::r--, user:65534:rw-, group::---, mask::rw-, other::---
    let mut list = 2_u32.to_le_bytes().to_vec();
    for (tag, bits, id) in
        [(1_u16, 4_u16, u32::MAX), (2, 6, 65_534), (4, 0, u32::MAX), (16, 6, u32::MAX), (32, 0, u32::MAX)]
    {
        list.extend(tag.to_le_bytes().into_iter().chain(bits.to_le_bytes()).chain(id.to_le_bytes()));
    }
    setxattr(&node, "system.posix_acl_access", &list, XattrFlags::empty()).expect("a file system with access lists");
    refused("access list");
    rustix::fs::removexattr(&node, "system.posix_acl_access").unwrap();
    media.may_ask(Microphone);
    bench.wait_dark();
}

#[test]
fn p1_a_node_that_is_pulled_out_stays_lit_until_it_is_closed() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (room, media) = bench.awake();
        let spare = bench.run.sim_spare().join("camera");
        let permit = media.capture(&bench, Camera);
        let mark = media.mark();
        fs::rename(bench.node(Camera), &spare).unwrap();
        let (_, revoked) = media.wait_from(mark, "revoked", |told| told["heard"]["revoke"]["permit"].as_u64());
        assert_eq!(revoked, permit);
        assert!(bench.lit(Camera), "pulled out and still held, {tier:?}");
        media.close();
        bench.wait_dark();
        room.wait_state("the camera is missing", |state| state["camera"]["node"] == "missing");
        media.wait_refusal(Camera, Some("missing"));

        fs::set_permissions(&spare, Permissions::from_mode(0o666)).unwrap();
        fs::rename(&spare, bench.node(Camera)).unwrap();
        media.say(&serde_json::json!({"closed": {"permit": permit}}));
        media.may_ask(Camera);
        assert_eq!(bench.mode(Camera), 0o400, "plugged in as it came, and closed");
        media.ask(Camera);
    }
}

#[test]
fn p1_a_new_node_of_the_same_name_is_not_the_old_one() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let (_room, media) = bench.awake();
    let users = bench.users();
    let other = bench.run.sim_spare().join("other");
    fs::write(&other, "").unwrap();
    let held = File::open(bench.node(Camera)).unwrap();
    fs::rename(&other, bench.node(Camera)).unwrap();
    // As devtmpfs makes it, before udev has given it to anybody.
    eventually("it is root's: lit", SOON, || bench.lit(Camera).then_some(()));
    assert_ne!(media.is_refused(Camera), "");
    chown(bench.node(Camera), Some(users.guard.uid), Some(users.media.gid)).unwrap();
    sleep(Duration::from_millis(1500));
    assert!(bench.lit(Camera), "the old one is still open");
    drop(held);
    bench.wait_dark();
    media.may_ask(Camera);
}

#[test]
fn p1_a_camera_that_is_missing_at_the_start_is_found_when_it_comes() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::prepare(tier, Kill::Pipe);
        let spare = bench.run.sim_spare().join("camera");
        fs::rename(bench.node(Camera), &spare).unwrap();
        bench.start_guard();
        bench.wait_dark();
        let (room, media) = (bench.room(), bench.media());
        bench.press();
        media.wait_refusal(Camera, Some("missing"));
        room.wait_state("the camera is missing", |state| state["camera"]["node"] == "missing");
        fs::rename(&spare, bench.node(Camera)).unwrap();
        media.may_ask(Camera);
        media.capture(&bench, Camera);
    }
}
