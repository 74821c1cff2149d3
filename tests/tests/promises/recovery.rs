//! What else goes wrong: each has a defined outcome and a clear message (P10).

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use subrosa_tests::call::{Call, camera_moves};
use subrosa_tests::needs;
use subrosa_tests::peer::Guest;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually, program, tree};

#[test]
fn p10_an_unplugged_camera_comes_back_when_it_is_plugged_in() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let link = call.peer.link().unwrap();
    call.room.sim.unplug("camera");
    eventually("the guard says that it is missing", Duration::from_secs(5), || {
        (call.room.status()["guard"]["camera"]["node"] == "missing").then_some(())
    });
    std::thread::sleep(Duration::from_secs(2));
    assert!(!camera_moves(&link, Duration::from_millis(1500)), "the card is shown");
    let (_, _, sounds) = link.recording.counts();
    assert!(
        link.recording.wait_for_sound(sounds, Duration::from_secs(3), |sound| sound.level > -50.0).is_some(),
        "sound goes on"
    );
    call.room.sim.plug("camera");
    assert!(camera_moves(&link, Duration::from_secs(8)), "the picture is back on the same link");
    assert!(call.room.sim.lit(Line::CameraLive));
}

#[test]
fn p10_an_unplugged_microphone_comes_back_when_it_is_plugged_in() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let link = call.peer.link().unwrap();
    call.room.sim.unplug("microphone");
    eventually("the guard says that it is missing", Duration::from_secs(5), || {
        (call.room.status()["guard"]["microphone"]["node"] == "missing").then_some(())
    });
    assert!(camera_moves(&link, Duration::from_secs(3)), "the picture goes on");
    call.room.sim.plug("microphone");
    let (_, _, sounds) = link.recording.counts();
    assert!(
        link.recording.wait_for_sound(sounds, Duration::from_secs(8), |sound| sound.level > -50.0).is_some(),
        "sound is back"
    );
}

#[test]
fn p10_a_frozen_media_process_is_replaced() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let old = call.peer.link();
    let frozen = call.room.freeze("media");
    let (link, _) = call.peer.picture_of_new_link(old.as_ref(), Duration::from_secs(30));
    assert_ne!(call.room.pid("media"), frozen);
    assert!(camera_moves(&link, Duration::from_secs(5)));
}

#[test]
fn p10_a_taken_port_is_named_and_served_once_it_is_free() {
    let _stage = Stage::take();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut room = Room::start(Plan { port: Some(port), ready: false, ..Plan::default() });
    eventually("the log names the port", Duration::from_secs(15), || {
        room.log().contains(&format!("the page cannot be served on port {port}")).then_some(())
    });
    drop(taken);
    room.wait_until_served();
    assert!(!room.status().is_null());
}

#[test]
fn p10_an_unreadable_certificate_is_named_and_the_devices_own_is_used() {
    let _stage = Stage::take();
    let lines = "certificate = \"/nonexistent/chain.pem\"\nkey = \"/nonexistent/key.pem\"\n".to_owned();
    let room = Room::start(Plan { more: vec![("web", lines)], ..Plan::default() });
    let invitation = room.wake();
    assert_eq!(room.client().fingerprint().unwrap(), invitation.fingerprint);
    let log = room.log();
    let said = ["the operator's certificate is not used", "/nonexistent/chain.pem"];
    assert!(said.iter().all(|words| log.contains(words)), "the log says what is wrong: {log}");
}

/// A full disk: a file system in memory that has no byte left.
struct FullDisk(tempfile::TempDir);

impl FullDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64k,mode=755", "subrosa-test"])
            .arg(folder.path())
            .status();
        assert!(mount.unwrap().success());
        let mut file = fs::File::create(folder.path().join("full")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        FullDisk(folder)
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[test]
fn p10_a_full_disk_does_not_keep_anybody_out() {
    needs!(Need::Root, Need::Program("mount"));
    let _stage = Stage::take();
    let disk = FullDisk::new();
    let room = Room::start(Plan { state: Some(disk.0.path().to_owned()), ..Plan::default() });
    let invitation = room.wake();
    assert_eq!(room.client().fingerprint().unwrap(), invitation.fingerprint);
    eventually("the log says what could not be kept", Duration::from_secs(3), || {
        room.log().contains("the device's certificate cannot be kept").then_some(())
    });
}

#[test]
fn p10_a_state_folder_that_cannot_be_made_is_named() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let state = folder.path().join("file/state");
    let run = Command::new(program("subrosa"))
        .args(["run", "--board", "sim", "--state"])
        .arg(&state)
        .arg("--run")
        .arg(folder.path().join("run"))
        .arg("--share")
        .arg(tree())
        .output();
    let run = run.unwrap();
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("--state") && said.contains(state.to_str().unwrap()), "{said}");
}

#[test]
fn p10_a_guest_who_vanishes_is_noticed_and_comes_back_without_the_lobby() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let guests = call.guests().unwrap();
    let set = |state: &str| {
        let down = ["-n", guests.name(), "link", "set", subrosa_tests::namespace::Wire::INTERFACE, state];
        assert!(Command::new("ip").args(down).status().unwrap().success());
    };
    let (old, mark) = (call.peer.link(), call.peer.mark());
    set("down");
    std::thread::sleep(Duration::from_secs(8));
    set("up");
    let route = ["-n", guests.name(), "route", "replace", "default", "dev", subrosa_tests::namespace::Wire::INTERFACE];
    assert!(Command::new("ip").args(route).status().unwrap().success());
    // Either the old link goes on, or a new one is offered; in both cases the picture moves again.
    eventually("the picture moves again", Duration::from_secs(25), || {
        call.peer.link().filter(|link| camera_moves(link, Duration::from_millis(800)))
    });
    drop(old);
    let asked = call.peer.events().into_iter().skip(mark).any(|(_, event)| event["event"] == "waiting");
    assert!(!asked, "the guest had to wait in the lobby again");
}

#[test]
fn p10_a_guest_who_is_gone_for_good_closes_the_captures() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    call.peer.hang_up();
    eventually("captures close, nobody is watched", Duration::from_secs(90), || {
        (!call.room.sim.lit(Line::CameraLive) && !call.room.sim.lit(Line::MicrophoneLive)).then_some(())
    });
    assert_eq!(call.room.status()["guests"], 0);
}
