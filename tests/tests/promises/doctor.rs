//! `subrosa doctor` at a simulated room.

use std::fs;
use std::process::Command;

use subrosa_tests::doctor::Visit;
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, program, tree};
use subrosa_tests::truth::holders;

fn doctor(room: &Room, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("subrosa"));
    command.args(["doctor", "--board", "sim", "--run"]).arg(room.run_dir().path());
    command.arg("--state").arg(room.state_dir()).arg("--config").arg(room.configuration());
    command.arg("--share").arg(tree()).args(arguments);
    command
}

/// Does what a doctor asks for; lamps are looked at while they are shown.
fn act(room: &Room, words: &str) {
    let lamps = || [Line::CameraLive, Line::MicrophoneLive, Line::MicrophoneMuted].map(|lamp| room.sim.line(lamp));
    let shown = |expected: [bool; 3]| assert_eq!(lamps(), expected.map(Some), "{words}");
    match words {
        "Now the camera's lamp is lit." => shown([true, false, false]),
        "Now the microphone's white lamp is lit." => shown([false, true, false]),
        "Now the microphone's red lamp is lit." => shown([false, false, true]),
        "camera shutter: please OPEN (capture allowed)." => room.sim.shutter(false),
        "camera shutter: please CLOSE." | "CLOSE the camera shutter." => room.sim.shutter(true),
        "microphone switch: please OPEN (capture allowed)." => room.sim.mute(false),
        "microphone switch: please CLOSE." | "CLOSE the microphone switch." => room.sim.mute(true),
        "… and open it again." => {
            room.sim.shutter(false);
            room.sim.mute(false);
        }
        "Button: please PRESS and release." => room.sim.press(),
        "Button \"show background\": please PRESS and release." => room.sim.reveal(),
        "Press the button: nothing else opens camera and microphone." => room.sim.press(),
        "Hold the button for two seconds: the room sleeps again." => room.sim.hold(),
        "… and release." => {}
        other => panic!("the doctor asks for what nobody knows: {other}"),
    }
}

#[test]
fn a_doctor_finds_a_simulated_room_well_and_opens_nothing_unless_asked() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let visit = Visit::make(doctor(&room, &[]), |words| act(&room, words));
    for check in ["processes", "nodes", "lines", "lamps", "core-dumps"] {
        let verdicts = visit.of(check);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|it| it == "ok"), "{check}: {:#}", visit.report);
    }
    assert_eq!(visit.of("encoders"), ["note"], "software only: {:#}", visit.report);
    assert_eq!((visit.of("certificate"), visit.of("space").len()), (vec!["note".to_owned()], 1));
    assert!(visit.asked.is_empty(), "{:?}", visit.asked);
    for check in ["hardening", "guard-death", "watchdog", "echo", "lag"] {
        assert!(visit.of(check).is_empty(), "{check} in the simulated room: {:#}", visit.report);
    }
    let expected = match visit.report["verdict"].as_str() {
        Some("ok" | "note") => 0,
        Some("wrong") => 1,
        _ => 2,
    };
    assert_eq!(visit.code, Some(expected));
    assert_eq!(room.status()["guard"]["awake"], false);

    // One fault, and it is the one that is found.
    let line = room.run_dir().sim_lines().join(Line::MicrophoneSwitch.file_name());
    fs::rename(&line, line.with_extension("gone")).unwrap();
    let visit = Visit::make(doctor(&room, &[]), |words| act(&room, words));
    fs::rename(line.with_extension("gone"), &line).unwrap();
    assert_eq!((visit.of("lines"), visit.code), (vec!["wrong".to_owned()], Some(1)), "{:#}", visit.report);
    assert!(visit.says("lines").contains("microphone.switch"), "{}", visit.says("lines"));
}

#[test]
fn p1_p2_a_doctor_shows_every_lamp_and_captures_only_after_a_press_of_the_button() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let camera = room.run_dir().sim_nodes().join("camera");
    let visit = Visit::make(doctor(&room, &["--press", "--call", "--sound"]), |words| {
        if words.starts_with("CLOSE") {
            let (open, lit) = (!holders(&camera).is_empty(), room.sim.lit(Line::CameraLive));
            assert!(lit || !open, "the camera is open with a dark lamp");
        }
        act(&room, words);
    });
    assert_eq!(visit.of("lamps"), ["ok", "ok"], "{:#}", visit.report);
    assert_eq!(visit.of("polarity"), ["ok"; 4], "{:#}", visit.report);
    assert_eq!(
        (visit.of("camera"), visit.of("microphone")),
        (vec!["ok".into()], vec!["ok".into()]),
        "{:#}",
        visit.report
    );
    assert_eq!(visit.of("echo"), ["note"], "the simulated microphone does not hear the speaker: {:#}", visit.report);
    assert_eq!(visit.of("lag").len(), 2, "{:#}", visit.report);
    println!("{}", visit.says("lag"));
    let measured = visit.report["measured"].as_str().unwrap();
    assert!(measured.starts_with("[measured]\n") && measured.contains("camera = { closed-us = "), "{measured}");
    assert_eq!(room.status()["guard"]["awake"], false, "asleep again");
    assert!(holders(&camera).is_empty());
}

#[test]
fn p2_without_a_press_a_doctor_opens_nothing() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let camera = room.run_dir().sim_nodes().join("camera");
    let mut command = doctor(&room, &["--call"]);
    command.args(["--patience", "3"]);
    let visit = Visit::make(command, |_| assert!(holders(&camera).is_empty(), "nobody has pressed the button"));
    assert_eq!((visit.of("camera"), visit.of("microphone")), (vec!["not-checked".into()], vec!["not-checked".into()]));
    assert!(visit.of("lag").is_empty() && visit.report["measured"].is_null());
}
