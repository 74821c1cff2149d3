//! P3: muted means closed.

use std::time::{Duration, Instant};

use subrosa_tests::call::Call;
use subrosa_tests::mute::{Dice, camera_edges, microphone_edges};
use subrosa_tests::needs;
use subrosa_tests::peer::Guest;
use subrosa_tests::room::mode;
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};
use subrosa_tests::truth::holders;

const BOUND: Duration = Duration::from_millis(50);

#[test]
fn p3_no_sound_leaves_later_than_50_ms_after_the_switch() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    for edge in microphone_edges(&call, 12, &mut Dice::new(3)) {
        assert!(edge.last <= BOUND, "{} packets, the last one {:?} after the edge", edge.packets, edge.last);
    }
}

#[test]
fn p3_no_camera_picture_leaves_later_than_50_ms_after_the_shutter() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let seen = camera_edges(&call, 8, false, &mut Dice::new(4));
    assert!(seen.camera_from_card > 3.0 * seen.card_from_card.max(1.0), "card and camera look alike: {seen:?}");
    for edge in &seen.edges {
        assert!(edge.last <= BOUND, "{} packets, the last one {:?} after the edge; {seen:?}", edge.packets, edge.last);
    }
}

#[test]
fn p3_asking_again_for_lost_packets_gets_nothing_that_was_captured() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let seen = camera_edges(&call, 4, true, &mut Dice::new(5));
    for edge in &seen.edges {
        assert!(edge.last <= BOUND, "{} packets, the last one {:?} after the edge; {seen:?}", edge.packets, edge.last);
    }
    assert_eq!(seen.repairs.0, 0, "repairs of the camera's packets after the edge; {seen:?}");
}

#[test]
fn p3_the_device_is_closed_not_silenced() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let nodes = call.room.run_dir().sim_nodes();
    let media = call.room.pid("media");
    assert!(holders(&nodes.join("microphone")).contains(&media) && holders(&nodes.join("camera")).contains(&media));
    call.room.sim.mute(true);
    call.room.sim.shutter(true);
    eventually("nobody has a node open", Duration::from_secs(1), || {
        (holders(&nodes.join("microphone")).is_empty() && holders(&nodes.join("camera")).is_empty()).then_some(())
    });
    for node in ["camera", "microphone"] {
        assert_eq!(mode(&nodes.join(node)), 0o400);
    }
    eventually("the lamps say so", Duration::from_secs(1), || {
        let sim = &call.room.sim;
        (!sim.lit(Line::CameraLive) && !sim.lit(Line::MicrophoneLive) && sim.lit(Line::MicrophoneMuted)).then_some(())
    });
    assert_eq!(call.room.pid("media"), media, "media obeyed and was not killed");
}

#[test]
fn p3_a_media_process_that_does_not_obey_is_killed_at_250_ms() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let call = Call::begin(Guest::default());
    let media = call.room.freeze("media");
    let edge = Instant::now();
    call.room.sim.edge(Line::MicrophoneSwitch, false);
    eventually("media is killed", Duration::from_secs(3), || {
        let gone = std::fs::read_to_string(format!("/proc/{media}/stat")).map_or(true, |stat| stat.contains(") Z"));
        gone.then_some(())
    });
    let after = edge.elapsed();
    assert!(after >= Duration::from_millis(200), "killed after {after:?}, before it had its time to obey");
    assert!(after < Duration::from_millis(500), "killed only after {after:?}");
    eventually("red on proof", Duration::from_secs(2), || call.room.sim.lit(Line::MicrophoneMuted).then_some(()));
    let old = call.peer.link();
    let (link, _) = call.peer.picture_of_new_link(old.as_ref(), Duration::from_secs(5));
    let (_, _, sounds) = link.recording.counts();
    std::thread::sleep(Duration::from_millis(500));
    let heard = link.recording.sounds_from(sounds).iter().any(|sound| sound.level > -60.0);
    assert!(!heard, "the new media process respects the switch");
}
