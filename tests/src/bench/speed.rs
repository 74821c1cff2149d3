//! How fast a call is: start, join, crash, mute.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use subrosa_tests::call::{Call, camera_moves};
use subrosa_tests::mute::{Dice, camera_edges, microphone_edges};
use subrosa_tests::peer::{Guest, LinkPlan, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::eventually;

use crate::report::Report;

/// Start of `subrosa run` → the page is served.
pub fn start(report: &mut Report, times: usize) {
    report.doing("starts");
    let state = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(state.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    let mut first = Vec::new();
    let mut later = Vec::new();
    for round in 0..=times {
        let plan = Plan { ready: false, state: Some(state.path().to_owned()), ..Plan::default() };
        let mut room = Room::start(plan);
        let served = room.wait_until_served();
        if round == 0 { first.push(served) } else { later.push(served) }
    }
    report.add_times("first start → page served (keys are made)", &first, None);
    report.add_times("start → page served", &later, Some(300.0));
}

/// Admitted → first decoded frame, at a guest.
pub fn join(report: &mut Report, times: usize) {
    report.doing("joins");
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut pictures = Vec::new();
    let mut cameras = Vec::new();
    for _ in 0..times {
        let peer = Peer::ask(&invitation, &Guest::default());
        std::thread::sleep(Duration::from_millis(500));
        room.sim.press();
        let (admitted, _) = peer.told(0, "let in", Duration::from_secs(5), |event| event["event"] == "admitted");
        let (link, frame) = peer.picture_of_new_link(None, Duration::from_secs(10));
        pictures.push(frame.at.duration_since(admitted));
        if camera_moves(&link, Duration::from_secs(10)) {
            cameras.push(admitted.elapsed());
        }
        peer.leave();
        eventually("the room is empty", Duration::from_secs(10), || (!room.sim.lit(Line::CameraLive)).then_some(()));
    }
    report.add_times("admitted → first decoded frame", &pictures, Some(500.0));
    report.add_times("admitted → the camera's picture moves", &cameras, None);
}

/// Media aborts → the picture is back at the guest.
pub fn crash(report: &mut Report, times: usize) {
    report.doing("crashes of media");
    let call = Call::begin(Guest::default());
    let mut pictures = Vec::new();
    let mut dice = Dice::new(20);
    for _ in 0..times {
        std::thread::sleep(dice.between(Duration::from_millis(500), Duration::from_millis(1500)));
        let old = call.peer.link();
        let (_, aborted) = call.room.signal("media", Signal::ABORT);
        let (link, frame) = call.peer.picture_of_new_link(old.as_ref(), Duration::from_secs(15));
        pictures.push(frame.at.duration_since(aborted));
        assert!(camera_moves(&link, Duration::from_secs(10)), "the camera is open again");
        // A process that lives for ten seconds is restarted at once the next time.
        std::thread::sleep(Duration::from_secs(10).saturating_sub(Instant::now().duration_since(frame.at)));
    }
    report.add_times("media aborts → picture is back", &pictures, Some(3000.0));
}

/// Edge of a switch → last packet with something captured, at the tap.
pub fn mute(report: &mut Report, edges: usize) {
    if edges == 0 {
        return;
    }
    report.doing(&format!("{edges} edges of the mute switch"));
    let link = LinkPlan { keeps: false, ..LinkPlan::default() };
    let call = Call::begin(Guest { link, ..Guest::default() });
    let last: Vec<Duration> = microphone_edges(&call, edges, &mut Dice::new(21)).iter().map(|edge| edge.last).collect();
    report.add_times("mute edge → last packet of sound", &last, Some(50.0));
    drop(call);
    let count = (edges / 4).max(1);
    report.doing(&format!("{count} edges of the shutter"));
    let mut last = Vec::new();
    for part in 0..count.div_ceil(10) {
        // In parts: what was received is kept in memory until it is decoded.
        let call = Call::begin(Guest::default());
        let edges = camera_edges(&call, 10.min(count - part * 10), false, &mut Dice::new(22 + part as u64));
        last.extend(edges.edges.iter().map(|edge| edge.last));
    }
    report.add_times("shutter edge → last packet of the camera", &last, Some(50.0));
}
