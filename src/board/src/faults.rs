//! Board files with faults: each is refused with file and line, and told what would be right.

use std::fs;
use std::path::Path;

use crate::{Board, BoardError};

const BASE: &str = r#"lines = "gpiochip"
encoders = ["x264enc"]
gpiochip = { labels = ["pinctrl-bcm2711"] }
button = { line = "GPIO4", bias = "pull-down" }
speaker = { sink = "sim" }
screen = { output = "sim" }

[header]
label = "J8"
pins = { 7 = "GPIO4", 15 = "GPIO22", 29 = "GPIO5", 31 = "GPIO6", 32 = "GPIO12", 33 = "GPIO13", 36 = "GPIO16", 37 = "GPIO26" }

[camera]
source = "v4l2"
nodes = ["/dev/video0"]
proof = "module-references"
switch = { line = "GPIO22", bias = "pull-down" }
live = { line = "GPIO5", bias = "pull-up" }

[microphone]
source = "alsa"
nodes = ["/dev/snd/pcmC0D0c"]
proof = "alsa-status"
switch = { line = "GPIO12", bias = "pull-down" }
live = { line = "GPIO6", bias = "pull-up" }
muted = { line = "GPIO13", bias = "pull-down" }
"#;

/// The first line of what is added to the board's own file, which is `board.toml`.
const OWN: &str = "name = \"board\"\ntitle = \"Board\"\nextends = \"usual\"\n";

fn load(base: &str, own: &str) -> Result<Board, BoardError> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("base")).unwrap();
    fs::write(folder.path().join("base/usual.toml"), base).unwrap();
    let path = folder.path().join("board.toml");
    fs::write(&path, format!("{OWN}{own}\n")).unwrap();
    Board::load(&path)
}

#[test]
fn a_board_without_faults_loads_with_all_that_can_be_said() {
    let board = load(
        BASE,
        r#"
bootloader = "u-boot"
max-guests = 2
reveal = { line = "GPIO16" }
match = { device-tree = ["maker,board*"], model = ["M"], dmi = [{ vendor = "V" }] }
system = { name = "debian-13", gstreamer = "1.26.2" }
power = { camera = { line = "GPIO26", bias = "pull-down" } }
[camera]
lamp-tier = 3
switch-tier = 2
[microphone]
echo = "device"
lamp-tier = 3
switch-tier = 3
[measured]
date = "2026-02-28"
with = "Linux 6.12"
camera = { closed-us = 8100, lit-us = 900 }
microphone = { closed-us = 120, lit-us = 900 }
"#,
    )
    .unwrap();
    assert_eq!(board.measured.as_ref().unwrap().camera.closed_us, 8100);
    assert!(board.microphone.cancels_echo() && !board.camera.cancels_echo());
    assert_eq!(u8::from(board.camera.worth().lamp), 3);
    assert_eq!(board.header.as_ref().unwrap().pin("GPIO26"), Some(37));
    assert_eq!(board.wired().len(), 8);
    let bare = load(BASE, "").unwrap();
    assert_eq!((bare.measured, bare.max_guests), (None, None));
    assert_eq!(u8::from(bare.camera.worth().switch), 1);
}

/// A change of the base file or an addition to the board's own, and what the error says.
type Fault<'f> = (&'f str, &'f str, &'f str, &'f [&'f str]);

#[test]
fn each_fault_is_refused_with_its_line_and_what_would_be_right() {
    let faults: &[Fault<'_>] = &[
        // Keys and forms.
        ("", "", "titel = 1", &["board.toml, line 4", "titel"]),
        ("", "", "bootloader = \"magic\"", &["board.toml, line 4", "magic", "`tryboot`"]),
        ("lines = \"gpiochip\"", "lines = \"wires\"", "", &["base/usual.toml, line 1", "wires", "`gpiochip`"]),
        ("button =", "buton =", "", &["base/usual.toml, line 4", "buton"]),
        ("speaker = { sink = \"sim\" }\n", "", "", &["board.toml: missing field `speaker`"]),
        ("", "", "camera = { source = \"alsa\" }", &["board.toml, line 4", "camera.source", "\"v4l2\""]),
        ("", "", "camera = { proof = \"alsa-status\" }", &["line 4", "camera.proof", "\"module-references\""]),
        ("", "", "camera = { echo = \"own\" }", &["line 4", "camera.echo", "[microphone]"]),
        (
            "source = \"alsa\"",
            "source = \"pattern\"",
            "",
            &["base/usual.toml, line 20", "microphone.source", "\"alsa\""],
        ),
        ("\"alsa-status\"", "\"v4l2-priority\"", "", &["base/usual.toml, line 22", "microphone.proof", "alsa-status"]),
        // Encoders.
        ("[\"x264enc\"]", "[]", "", &["base/usual.toml, line 2", "encoders", "x264enc"]),
        ("", "", "encoders = [\"vah264enc\"]", &["board.toml, line 4", "encoders.0", "end with"]),
        ("", "", "encoders = [\n\"x264enc\",\n\"x264enc\"]", &["line 6", "encoders.1", "named twice"]),
        ("", "", "encoders = [7]", &["line 4", "the name of an encoder"]),
        ("", "", "[[encoders]]\nelemnt = \"x264enc\"", &["line 5", "elemnt", "`element`"]),
        ("", "", "[[encoders]]\nelement = \"x264enc\"\nlargest = \"big\"", &["line 6", "1280x720"]),
        ("", "", "[[encoders]]\nelement = \"x264enc\"\nlargest = \"320x180\"", &["line 6", "largest", "640x360"]),
        ("", "", "[[encoders]]\nelement = \"x264enc\"\nframes-per-second = 5", &["line 6", "20 to 120", "EN 301 549"]),
        ("", "", "[[encoders]]\nelement = \"x264enc\"\nlearned = [\"a friend\"]", &["line 6", "no link"]),
        ("", "", "[[encoders]]\nelement = \"x264enc\"\nproperties = { a = [1] }", &["line 6", "a text"]),
        (
            "",
            "",
            "[[encoders]]\nelement = \"x264enc\"\nbitrate = { nibbles = \"b\" }",
            &["line 6", "nibbles", "`bits`"],
        ),
        // Pins.
        ("", "", "camera = { live = { line = \"GPIO99\" } }", &["line 4", "camera.live.line", "on no pin", "GPIO22"]),
        ("", "", "microphone = { live = { line = \"GPIO5\" } }", &["line 4", "microphone.live.line", "used twice"]),
        ("", "", "header = { pins = { 6 = \"GPIO2\" } }", &["line 4", "header.pins.6", "ground"]),
        ("", "", "header = { pins = { 2 = \"GPIO2\" } }", &["line 4", "header.pins.2", "5 V"]),
        ("", "", "header = { pins = { 17 = \"GPIO2\" } }", &["line 4", "header.pins.17", "3.3 V"]),
        ("", "", "header = { pins = { 41 = \"GPIO2\" } }", &["line 4", "header.pins.41", "1 to 40"]),
        ("", "", "header = { pins = { 40 = \"GPIO4\" } }", &["line 4", "header.pins.40", "two pins"]),
        ("", "", "header = { pins = { one = \"GPIO4\" } }", &["line 4", "invalid digit"]),
        // Tiers and power.
        ("", "", "camera = { lamp-tier = 4 }", &["line 4", "0, 1, 2 or 3"]),
        ("", "", "camera = { lamp-tier = 3 }", &["line 4", "camera.lamp-tier", "[power] camera", "switch-tier = 3"]),
        ("", "", "microphone = { lamp-tier = 2 }", &["line 4", "microphone.lamp-tier", "of cameras"]),
        ("", "", "camera = { switch-tier = 2 }", &["line 4", "camera.switch-tier", "[power] camera"]),
        ("", "", "power = { camera = { line = \"GPIO5\" } }", &["line 4", "power.camera.line", "used twice"]),
        ("", "", "power = { camera = { line = \"GPIO26\", bias = \"pull-up\" } }", &["line 4", "dead board"]),
        ("", "", "power = { camera = { line = \"GPIO26\", drive = \"open-drain\" } }", &["line 4", "dead board"]),
        ("", "", "power = { camera = { line = \"GPIO40\" } }", &["line 4", "power.camera.line", "on no pin"]),
        // System, guests, measures.
        ("", "", "system = { name = \"x\", gstreamer = \"1.20\" }", &["line 4", "too old", "unsupported"]),
        ("", "", "system = { name = \"x\", gstreamer = \"new\" }", &["line 4", "no version", "1.22"]),
        ("", "", "max-guests = 0", &["line 4", "1 to 8"]),
        (
            "",
            "",
            "[measured]\ndate = \"yesterday\"\ncamera = { closed-us = 1, lit-us = 1 }\nmicrophone = { closed-us = 1, lit-us = 1 }",
            &["line 5", "2026-12-31"],
        ),
        ("", "", "[measured]\ndate = \"2026-01-01\"\ncamera = { closed-us = -1, lit-us = 1 }", &["line 6", "u32"]),
        ("", "", "match = { devicetree = [\"a\"] }", &["line 4", "devicetree", "`device-tree`"]),
    ];
    for (from, to, own, parts) in faults {
        assert!(BASE.contains(from), "{from}");
        let base = if from.is_empty() { BASE.to_owned() } else { BASE.replacen(from, to, 1) };
        let error =
            load(&base, own).map(|_| format!("{from}{own} was taken")).unwrap_or_else(|error| error.to_string());
        for part in *parts {
            assert!(error.contains(part), "{part} in {error}");
        }
    }
}

#[test]
fn a_simulated_room_claims_nothing_of_a_device() {
    let sim = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml")).unwrap();
    let load = |own: &str| {
        let sim = sim.replacen("name = \"sim\"", "", 1).replacen("title = \"Simulated room\"", "", 1);
        load(&sim, own).map_err(|error| error.to_string())
    };
    assert!(load("").is_ok());
    for (own, part) in [
        ("match = { model = [\"M\"] }", "take a device for a simulated room"),
        ("header = { label = \"J8\", pins = {} }", "leave [header] out"),
        ("camera = { lamp-tier = 1 }", "claims a circuit"),
        ("power = { camera = { line = \"power\", bias = \"pull-down\" } }", "no circuit"),
        (
            "[measured]\ndate = \"2026-01-01\"\ncamera = { closed-us = 1, lit-us = 1 }\n\
             microphone = { closed-us = 1, lit-us = 1 }",
            "leave [measured] out",
        ),
    ] {
        let error = load(own).unwrap_err();
        assert!(error.contains(part) && error.contains("line 4"), "{part} in {error}");
    }
}

#[test]
fn an_unsupported_board_says_why_and_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.toml");
    fs::write(&path, "name = \"old\"\ntitle = \"Old board\"\nunsupported = \"it is too old\"\n").unwrap();
    let error = Board::load(&path).unwrap_err();
    assert!(matches!(error, BoardError::Unsupported { .. }));
    for part in ["Old board", "\"old\"", "not supported", "it is too old"] {
        assert!(error.to_string().contains(part), "{part} in {error}");
    }
    let listed = crate::list(folder.path()).unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].board.as_ref().unwrap_err().contains("it is too old"));
}
