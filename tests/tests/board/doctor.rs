//! `subrosa doctor` as an operator runs it: the units, a camera, a sound card and lines that are drivers. What is played on
//! the card is heard on it (`snd-aloop`), so the chirp comes back.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use subrosa_tests::doctor::Visit;
use subrosa_tests::vm::{Boot, inside};

use super::units::{Device, sh};

/// Small pictures, nothing hidden: the machine is slower than any board, and the model is not what is looked at.
const CONFIGURATION: &str =
    "version = 1\n[media]\npicture = \"640x360\"\nframes_per_second = 20\n[blur]\nmode = \"off\"\n";

fn act(device: &Device, words: &str) {
    let lit = |name: &str| device.chip.level(name);
    let shown = |expected: [bool; 3]| {
        let seen = ["camera-live", "microphone-live", "microphone-muted"].map(lit);
        assert_eq!(seen, expected.map(Some), "{words}");
    };
    let open = |line: &str, open: bool| device.chip.pull(line, open);
    match words {
        "Now the camera's lamp is lit." => shown([true, false, false]),
        "Now the microphone's white lamp is lit." => shown([false, true, false]),
        "Now the microphone's red lamp is lit." => shown([false, false, true]),
        "camera shutter: please OPEN (capture allowed)." => open("camera-shutter", true),
        "camera shutter: please CLOSE." | "CLOSE the camera shutter." => open("camera-shutter", false),
        "microphone switch: please OPEN (capture allowed)." => open("microphone-switch", true),
        "microphone switch: please CLOSE." | "CLOSE the microphone switch." => open("microphone-switch", false),
        "… and open it again." => {
            open("camera-shutter", true);
            open("microphone-switch", true);
        }
        "Button: please PRESS and release." | "Press the button: nothing else opens camera and microphone." => {
            device.press()
        }
        "Hold the button for two seconds: the room sleeps again." => {
            device.chip.pull("button", true);
            sleep(Duration::from_millis(2300));
            device.chip.pull("button", false);
        }
        "… and release." => {}
        other => panic!("the doctor asks for what nobody knows: {other}"),
    }
}

fn doctor(arguments: &[&str]) -> Command {
    let mut command = Command::new("/usr/bin/subrosa");
    command.arg("doctor").args(arguments);
    command
}

#[test]
fn p1_p3_a_doctor_sees_a_whole_device_its_lamps_one_by_one_and_measures_its_lags() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::install();
    fs::write("/etc/subrosa/subrosa.toml", CONFIGURATION).unwrap();
    sh("ip address add 192.0.2.7/24 dev lo");
    let before = Visit::make(doctor(&[]), |words| act(&device, words));
    assert_eq!(before.of("processes"), ["not-checked"], "{:#}", before.report);
    assert_eq!((before.of("lines"), before.of("lamps")), (vec!["ok".into()], vec!["ok".into()]), "{:#}", before.report);
    let device = device.run_units();

    let visit = Visit::make(doctor(&["--press", "--call", "--sound"]), |words| act(&device, words));
    println!("{:#}", visit.report);
    for check in ["processes", "users", "nodes", "lines", "lamps", "polarity", "guard-death", "core-dumps", "swap"] {
        let verdicts = visit.of(check);
        assert!(!verdicts.is_empty() && verdicts.iter().all(|it| it == "ok"), "{check}: {verdicts:?}");
    }
    assert_eq!(visit.of("microphone"), ["ok"]);
    assert!(visit.says("microphone").contains("Hz"), "{}", visit.says("microphone"));
    assert!(matches!(visit.of("camera")[..], [ref it] if it == "ok" || it == "note"), "{:?}", visit.of("camera"));
    assert!(visit.says("camera").contains("video/x-raw"), "{}", visit.says("camera"));
    // The card hears itself. How long that takes is not always to be told where sound is dropped for want of time.
    assert!(matches!(visit.of("echo")[..], [ref it] if it == "ok" || it == "note"), "{}", visit.says("echo"));
    assert_eq!(visit.of("lag").len(), 2);
    println!("{}\n{}", visit.says("echo"), visit.says("lag"));
    assert!(visit.report["measured"].as_str().unwrap().contains("microphone = { closed-us = "));
    assert!(!visit.of("hardening").is_empty() && visit.of("watchdog") == ["note"]);

    // One fault at a time, each as it happens to operators.
    sh("usermod -aG video subrosa-media && systemctl restart subrosa.target");
    let device = device.run_units();
    let visit = Visit::make(doctor(&[]), |words| act(&device, words));
    assert_eq!((visit.of("users"), visit.code), (vec!["wrong".into()], Some(1)), "{:#}", visit.report);
    sh("gpasswd -d subrosa-media video && chmod 0666 /dev/snd/pcmC0D0c");
    let visit = Visit::make(doctor(&[]), |words| act(&device, words));
    assert_eq!((visit.of("nodes"), visit.code), (vec!["wrong".into()], Some(1)), "{:#}", visit.report);
}
