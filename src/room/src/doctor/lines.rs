//! Switches, buttons, lamps: what the guard reads of them, or what was read where no guard runs.

use subrosa_board::Board;
use subrosa_messages::doctor::{InputLook, Lag, LinesLook, Look};
use subrosa_messages::guard::{Lamp, LampId, NodeState};
use subrosa_messages::{Capture, doctor};

use super::finding::{Both, Check, Finding, both};

/// What a closed device may take (P3), in microseconds.
const CLOSED_BY: u64 = 50_000;
/// Media is killed then (P3), in microseconds.
const KILLED_AT: u64 = 250_000;

/// The lamps of a board, in the order in which they are shown, with their keys in the board file.
#[must_use]
pub fn lamps(board: &Board) -> Vec<(LampId, &'static str)> {
    let mut lamps =
        vec![(LampId::Live(Capture::Camera), "camera.live"), (LampId::Live(Capture::Microphone), "microphone.live")];
    if board.microphone.muted.is_some() {
        lamps.push((LampId::Muted(Capture::Microphone), "microphone.muted"));
    }
    lamps
}

/// What people call an input of the board file.
#[must_use]
pub fn name(key: &str) -> Both {
    match key {
        "button" => both("Taster", "button"),
        "reveal" => both("Taster „Hintergrund zeigen“", "button \"show background\""),
        "camera.switch" => both("Kameraklappe", "camera shutter"),
        "microphone.switch" => both("Mikrofonschalter", "microphone switch"),
        other => both(other, other),
    }
}

fn unreadable(inputs: &[InputLook]) -> Finding {
    let missing: Vec<&str> = inputs.iter().filter(|it| it.level.is_none()).map(|it| it.key.as_str()).collect();
    if missing.is_empty() {
        let number = inputs.len();
        let what = both(format!("Alle {number} Eingänge sind lesbar."), format!("All {number} inputs can be read."));
        return Finding::ok(Check::Lines, what);
    }
    let list = missing.join(", ");
    Finding::wrong(
        Check::Lines,
        both(
            format!("Nicht lesbar: {list}. So lange bleibt zu, was daran hängt."),
            format!("Cannot be read: {list}. What depends on it stays closed."),
        ),
        both(
            "gpiodetect und gpioinfo zeigen Chip und Leitung; journalctl -u subrosa-guard, was fehlt oder wer sie benutzt.",
            "gpiodetect and gpioinfo show chip and line; journalctl -u subrosa-guard what is missing or who uses it.",
        ),
    )
}

/// The lamps that cannot be set and read back, by their keys in the board file.
pub(super) fn dead_lamps(keys: &[&str]) -> Finding {
    if keys.is_empty() {
        let what = both("Alle Lampen lassen sich setzen und zurücklesen.", "All lamps can be set and read back.");
        return Finding::ok(Check::Lamps, what);
    }
    let list = keys.join(", ");
    Finding::wrong(
        Check::Lamps,
        both(
            format!("Nicht zu setzen oder nicht zurückzulesen: {list}."),
            format!("Cannot be set or read back: {list}."),
        ),
        both("Leitung und Beschaltung prüfen: gpioinfo.", "Check line and circuit: gpioinfo."),
    )
}

/// What was found without a guard.
#[must_use]
pub fn judge_without_guard(look: &LinesLook) -> Vec<Finding> {
    let dead: Vec<&str> = look.lamps.iter().filter(|it| !it.1).map(|it| it.0.as_str()).collect();
    vec![unreadable(&look.inputs), dead_lamps(&dead)]
}

/// What a running guard says.
#[must_use]
pub fn judge(look: &Look) -> Vec<Finding> {
    let mut dead = Vec::new();
    for (capture, live, muted) in
        [(Capture::Camera, "camera.live", "camera.muted"), (Capture::Microphone, "microphone.live", "microphone.muted")]
    {
        let state = look.state.of(capture);
        if state.live == Lamp::Unknown {
            dead.push(live);
        }
        if state.muted == Some(Lamp::Unknown) {
            dead.push(muted);
        }
    }
    let mut findings = vec![unreadable(&look.inputs), dead_lamps(&dead)];
    for capture in Capture::ALL {
        findings.extend(device(capture, look.state.of(capture).node));
    }
    findings
}

fn device(capture: Capture, node: NodeState) -> Option<Finding> {
    let (check, word) = match capture {
        Capture::Camera => (Check::Camera, both("Kamera", "camera")),
        Capture::Microphone => (Check::Microphone, both("Mikrofon", "microphone")),
    };
    let (german, english) =
        (word.text(crate::language::Language::German), word.text(crate::language::Language::English));
    match node {
        NodeState::Closed | NodeState::Open | NodeState::Closing => None,
        NodeState::Missing => Some(Finding::wrong(
            check,
            both(format!("{german}: nicht da."), format!("The {english} is not there.")),
            both(
                "Einstecken, oder den Knoten in der Board-Datei berichtigen.",
                "Plug it in, or correct the node in the board file.",
            ),
        )),
        NodeState::Foreign => Some(Finding::wrong(
            check,
            both(
                format!("{german}: Ein anderes Programm hat das Gerät offen."),
                format!("Another program has the {english} open."),
            ),
            both(
                "Finden und beenden: fuser -v /dev/video* /dev/snd/*",
                "Find and end it: fuser -v /dev/video* /dev/snd/*",
            ),
        )),
        NodeState::Unknown => Some(Finding::wrong(
            check,
            both(
                format!("{german}: Dass niemand das Gerät offen hat, ist nicht zu beweisen."),
                format!("That nobody has the {english} open cannot be proved."),
            ),
            both(
                "Den Beweis (proof) in der Board-Datei prüfen, und Besitzer und Rechte des Knotens.",
                "Check the proof in the board file, and owner and mode of the node.",
            ),
        )),
    }
}

/// How long lamps and closures took.
#[must_use]
pub fn judge_lag(look: &Look) -> Vec<Finding> {
    Capture::ALL.into_iter().filter_map(|capture| lag(capture, look.lag(capture))).collect()
}

fn lag(capture: Capture, lag: Lag) -> Option<Finding> {
    let word = match capture {
        Capture::Camera => both("Klappe → Kamera zu", "shutter → camera closed"),
        Capture::Microphone => both("Schalter → Mikrofon zu", "switch → microphone closed"),
    };
    let closed = lag.edge_to_closed_us?;
    let lit = lag.permit_to_lamp_us.unwrap_or_default();
    let words = |language, longest: &str, lamp: &str| {
        format!(
            "{}: {:.1} ms ({longest} {}); {lamp}: {:.1} ms.",
            word.text(language),
            closed as f64 / 1000.0,
            lag.edges,
            lit as f64 / 1000.0
        )
    };
    let what = both(
        words(crate::language::Language::German, "längste von", "Erlaubnis → Lampe"),
        words(crate::language::Language::English, "longest of", "permit → lamp"),
    );
    let slow = both(
        "Hängt der Treiber beim Schließen? journalctl -u subrosa-media; ein anderes Gerät versuchen.",
        "Does the driver hang when it closes? journalctl -u subrosa-media; try another device.",
    );
    Some(match closed {
        0..=CLOSED_BY => Finding::ok(Check::Lag, what),
        _ if closed <= KILLED_AT => Finding::note(Check::Lag, what, slow),
        _ => Finding::wrong(Check::Lag, what, slow),
    })
}

/// What the board file says of its own lags.
#[must_use]
pub fn judge_board(board: &Board) -> Finding {
    match &board.measured {
        Some(measured) => {
            let date = &measured.date;
            let what = both(format!("Gemessen am {date}."), format!("Measured on {date}."));
            Finding::ok(Check::Board, what)
        }
        None => Finding::note(
            Check::Board,
            both("Dieses Board hat noch niemand gemessen.", "Nobody has measured this board yet."),
            both(
                "subrosa doctor --call misst es und druckt die Zeilen für die Board-Datei.",
                "subrosa doctor --call measures it and prints the lines for the board file.",
            ),
        ),
    }
}

/// The lags as a table of the board file, where all four are known. `date`: today, as `2026-11-28`.
#[must_use]
pub fn measured(look: &doctor::Look, date: &str, with: &str) -> Option<String> {
    let line = |capture, name| {
        let lag = look.lag(capture);
        Some(format!("{name} = {{ closed-us = {}, lit-us = {} }}\n", lag.edge_to_closed_us?, lag.permit_to_lamp_us?))
    };
    let (camera, microphone) = (line(Capture::Camera, "camera")?, line(Capture::Microphone, "microphone")?);
    Some(format!("[measured]\ndate = \"{date}\"\nwith = \"{with}\"\n{camera}{microphone}"))
}

#[cfg(test)]
pub mod tests {
    use subrosa_messages::guard::{CaptureState, GuardState, Level, Trust};

    use super::super::finding::{Verdict, verdicts};
    use super::*;

    pub fn asleep() -> Look {
        let capture = |muted| CaptureState {
            switch: Level::Open,
            node: NodeState::Closed,
            live: Lamp::Dark,
            muted,
            refusal: None,
        };
        let state = GuardState {
            awake: false,
            camera: capture(None),
            microphone: capture(Some(Lamp::Dark)),
            media: true,
            trust: Trust::SimulatedUsers,
        };
        let input = |key: &str, level| InputLook { key: key.into(), level };
        let inputs = vec![
            input("button", Some(false)),
            input("camera.switch", Some(true)),
            input("microphone.switch", Some(true)),
        ];
        Look { state, inputs, shown: None, lags: [Lag::default(); 2] }
    }

    #[test]
    fn one_fault_at_a_time_is_found_and_nothing_else() {
        type Fault = fn(&mut Look);
        let table: [(Fault, Check); 6] = [
            (|it| it.inputs[1].level = None, Check::Lines),
            (|it| it.state.camera.live = Lamp::Unknown, Check::Lamps),
            (|it| it.state.microphone.muted = Some(Lamp::Unknown), Check::Lamps),
            (|it| it.state.camera.node = NodeState::Missing, Check::Camera),
            (|it| it.state.camera.node = NodeState::Foreign, Check::Camera),
            (|it| it.state.microphone.node = NodeState::Unknown, Check::Microphone),
        ];
        assert!(verdicts(&judge(&asleep())).iter().all(|it| it.1 == Verdict::Ok));
        for (fault, check) in table {
            let mut look = asleep();
            fault(&mut look);
            let found: Vec<_> = verdicts(&judge(&look)).into_iter().filter(|it| it.1 != Verdict::Ok).collect();
            assert_eq!(found, [(check, Verdict::Wrong)]);
        }
        let dark = LinesLook { inputs: Vec::new(), lamps: vec![("camera.live".into(), false)] };
        assert_eq!(verdicts(&judge_without_guard(&dark))[1], (Check::Lamps, Verdict::Wrong));
    }

    #[test]
    fn p3_lags_are_judged_by_the_promise_and_printed_for_the_board_file() {
        let mut look = asleep();
        assert!(judge_lag(&look).is_empty() && measured(&look, "2026-11-28", "Linux").is_none());
        for (closed, verdict) in [(50_000, Verdict::Ok), (50_001, Verdict::Note), (250_001, Verdict::Wrong)] {
            look.lags = [Lag { permit_to_lamp_us: Some(900), edge_to_closed_us: Some(closed), edges: 3 }; 2];
            assert_eq!(verdicts(&judge_lag(&look)), [(Check::Lag, verdict), (Check::Lag, verdict)]);
        }
        let text = measured(&look, "2026-11-28", "Linux 6.12").unwrap();
        let table: toml::Table = text.parse().unwrap();
        let camera = &table["measured"]["camera"];
        assert_eq!((camera["closed-us"].as_integer(), camera["lit-us"].as_integer()), (Some(250_001), Some(900)));
    }
}
