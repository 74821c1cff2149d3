//! What the documents say about boards is made from the board files, and says what they say now.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use subrosa_board::{Board, list, markdown, wiring};

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(tree().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn board(name: &str) -> Board {
    Board::load(&tree().join("boards").join(format!("{name}.toml"))).unwrap()
}

/// The drawings, and the boards that each is for.
const DRAWINGS: &[(&str, &[&str])] = &[
    ("raspberry-pi", &["raspberry-pi-zero-2-w", "raspberry-pi-3", "raspberry-pi-4", "raspberry-pi-5"]),
    ("jetson-orin", &["jetson-orin-nano", "jetson-orin-nx"]),
    ("jetson-agx-orin", &["jetson-agx-orin"]),
    ("rk3588-rock-5b", &["rk3588-rock-5b"]),
    ("pc", &["pc"]),
    ("mini-pc", &["mini-pc"]),
];

#[test]
fn the_readme_has_the_table_of_the_boards() {
    let table = markdown(&list(&tree().join("boards")).unwrap());
    assert!(read("README.md").contains(&table), "put this into README.md (`subrosa boards --markdown`):\n{table}");
}

#[test]
fn the_pins_and_drawings_of_the_documents_are_those_of_the_boards() {
    let text = read("docs/boards.md");
    for (drawing, boards) in DRAWINGS {
        let name = format!("pictures/wiring-{drawing}.svg");
        assert!(text.contains(&name), "docs/boards.md shows {name}");
        for name in *boards {
            let board = board(name);
            let table = wiring::table(&board).unwrap();
            assert!(text.contains(&table), "put this into docs/boards.md (`subrosa boards {name}`):\n{table}");
            let made = wiring::drawing(&board).unwrap();
            let kept = read(&format!("docs/pictures/wiring-{drawing}.svg"));
            assert!(
                kept == made,
                "`subrosa boards {name} --drawing > docs/pictures/wiring-{drawing}.svg` is to be run"
            );
        }
    }
}

#[test]
fn the_codecs_of_the_boards_are_those_that_udev_opens_to_media() {
    let boards = list(&tree().join("boards")).unwrap();
    let boards = boards.iter().filter_map(|listed| listed.board.as_ref().ok());
    let devices: BTreeSet<String> =
        boards.flat_map(|board| &board.encoders).flat_map(|row| row.devices.iter().cloned()).collect();
    let rules = read("systemd/71-subrosa-codecs.rules");
    let lines = rules.lines().filter(|line| !line.starts_with('#') && line.contains("GROUP:=\"subrosa-media\""));
    let mut opened = BTreeSet::new();
    for line in lines.filter(|line| line.contains("video4linux")) {
        assert!(line.contains("DEVPATH!=\"*/usb[0-9]*\""), "a camera can call itself what it likes: {line}");
        assert!(!line.contains("KERNEL"), "numbers change from one start to the next: {line}");
        opened
            .extend(line.split_once("ATTR{name}==\"").and_then(|(_, rest)| rest.split('"').next()).map(str::to_owned));
    }
    assert_eq!(opened, devices);
}

#[test]
fn every_board_that_can_be_wired_is_drawn() {
    for listed in list(&tree().join("boards")).unwrap() {
        let Ok(board) = listed.board else { continue };
        let drawn = DRAWINGS.iter().any(|(_, boards)| boards.contains(&listed.name.as_str()));
        assert_eq!(drawn, wiring::table(&board).is_ok(), "{}", listed.name);
    }
}
