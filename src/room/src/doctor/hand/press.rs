//! Switches and buttons, moved by a hand.

use std::time::{Duration, Instant};

use subrosa_board::Board;
use subrosa_messages::doctor::Look;
use subrosa_messages::guard::Level;

use super::super::ask::Guard;
use super::super::finding::{Both, Check, Finding, both};
use super::super::lines;
use super::Person;
use crate::language::Language;

/// What came of asking a person to put an input somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// It is read as asked for.
    AsAsked,
    /// It was read otherwise than asked for, all the time, though it moved.
    OtherWay,
    /// Nothing was seen to move.
    Never,
}

/// A switch stands where the guard takes it to stand: a key that toggles has no position of its own.
fn level(look: &Look, key: &str) -> Option<bool> {
    let position = |level| match level {
        Level::Open => Some(true),
        Level::Closed => Some(false),
        Level::Unknown => None,
    };
    match key {
        "camera.switch" => position(look.state.camera.switch),
        "microphone.switch" => position(look.state.microphone.switch),
        _ => look.inputs.iter().find(|input| input.key == key).and_then(|input| input.level),
    }
}

fn put(guard: &mut Guard, key: &str, to: bool, words: &Both, person: &Person) -> Moved {
    guard.catch_up(Duration::from_millis(1));
    person.ask(words);
    let mut moved = false;
    let end = Instant::now() + person.patience;
    loop {
        if level(&guard.look, key) == Some(to) {
            return Moved::AsAsked;
        }
        let before = level(&guard.look, key);
        let left = end.saturating_duration_since(Instant::now());
        if !guard.until(left, |look| level(look, key) != before) {
            return if moved { Moved::OtherWay } else { Moved::Never };
        }
        moved = true;
    }
}

/// Has the person move every switch and press every button, and sees whether the guard reads what was asked for.
#[must_use]
pub fn press(guard: &mut Guard, board: &Board, person: &Person) -> Vec<Finding> {
    let mut findings = Vec::new();
    for key in ["camera.switch", "microphone.switch"] {
        let what = lines::name(key);
        let words = |open: bool| {
            let (german, english) = (what.text(Language::German), what.text(Language::English));
            match open {
                true => both(
                    format!("{german}: bitte ÖFFNEN (Aufnahme erlaubt)."),
                    format!("{english}: please OPEN (capture allowed)."),
                ),
                false => both(format!("{german}: bitte SCHLIESSEN."), format!("{english}: please CLOSE.")),
            }
        };
        // Three positions: with its polarity the other way round, one of them is never read.
        let moves: Vec<Moved> = [true, false, true].map(|open| put(guard, key, open, &words(open), person)).into();
        findings.push(polarity(key, &moves));
    }
    let mut buttons =
        vec![("button", both("Taster: bitte DRÜCKEN und loslassen.", "Button: please PRESS and release."))];
    if board.reveal.is_some() {
        buttons.push((
            "reveal",
            both(
                "Taster „Hintergrund zeigen“: bitte DRÜCKEN und loslassen.",
                "Button \"show background\": please PRESS and release.",
            ),
        ));
    }
    for (key, words) in buttons {
        guard.catch_up(Duration::from_millis(1));
        let rest = if level(&guard.look, key) == Some(false) { Moved::AsAsked } else { Moved::OtherWay };
        let down = put(guard, key, true, &words, person);
        let up = put(guard, key, false, &both("… und loslassen.", "… and release."), person);
        findings.push(polarity(key, &[rest, down, up]));
    }
    findings
}

fn polarity(key: &str, moves: &[Moved]) -> Finding {
    let name = lines::name(key);
    let (german, english) = (name.text(Language::German), name.text(Language::English));
    if moves.iter().all(|moved| *moved == Moved::AsAsked) {
        return Finding::ok(
            Check::Polarity,
            both(
                format!("{german}: wird gelesen, wie die Hand es stellt."),
                format!("The {english} is read as the hand puts it."),
            ),
        );
    }
    // Asked for both positions and got one of them: it does move, or stands where it was not asked to be.
    let reads = moves.contains(&Moved::AsAsked) || moves.contains(&Moved::OtherWay);
    if reads && !moves.iter().all(|moved| *moved == Moved::Never) {
        return Finding::wrong(
            Check::Polarity,
            both(
                format!("{german} ({key}): wird anders gelesen, als die Hand es stellt."),
                format!("The {english} ({key}) is read otherwise than the hand puts it."),
            ),
            both(
                "Wurde bewegt, was gemeint war? Dann active-low in der Board-Datei umkehren, und den Pull dazu.",
                "Was the right one moved? Then turn active-low round in the board file, and the pull with it.",
            ),
        );
    }
    Finding::wrong(
        Check::Polarity,
        both(
            format!("{german} ({key}): keine Bewegung zu sehen."),
            format!("The {english} ({key}) was not seen to move."),
        ),
        both(
            "Leitung in der Board-Datei und Kabel prüfen: gpiomon zeigt, welche sich bewegt.",
            "Check line in the board file and cable: gpiomon shows which one moves.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Verdict;
    use super::*;

    #[test]
    fn positions_say_whether_a_switch_is_wired_the_right_way_round() {
        use Moved::{AsAsked, Never, OtherWay};
        for (moves, verdict) in [
            ([AsAsked, AsAsked, AsAsked], Verdict::Ok),
            ([AsAsked, Never, AsAsked], Verdict::Wrong),
            ([OtherWay, OtherWay, OtherWay], Verdict::Wrong),
            ([Never, Never, Never], Verdict::Wrong),
        ] {
            assert_eq!(polarity("camera.switch", &moves).verdict, verdict, "{moves:?}");
        }
        let says = |moves: &[Moved]| polarity("button", moves).what.text(Language::English).to_owned();
        assert!(says(&[Never, Never, Never]).contains("not seen to move"));
        assert!(says(&[AsAsked, Never, AsAsked]).contains("otherwise"));
    }
}
