//! Lamps, lit one after another.

use std::thread::sleep;
use std::time::Duration;

use subrosa_board::Board;
use subrosa_messages::Capture;
use subrosa_messages::doctor::{DoctorToGuard, Look};
use subrosa_messages::guard::{Lamp, LampId};

use super::super::ask::Guard;
use super::super::finding::{Check, Finding, both};
use super::super::lines;
use super::Person;

/// A lamp is looked at for so long.
const LOOK: Duration = Duration::from_millis(1200);
/// The guard lights a lamp at once; a slow USB adapter takes some of this.
const LIT: Duration = Duration::from_secs(2);

/// Lights every lamp, one after another.
#[must_use]
pub fn lamps(guard: &mut Guard, board: &Board, person: &Person) -> Finding {
    let asleep = both(
        "Der Raum muss dafür schlafen: den Taster zwei Sekunden halten.",
        "The room has to sleep for that: hold the button for two seconds.",
    );
    if guard.look.state.awake {
        return Finding::not_checked(Check::Lamps, both("Der Raum ist wach.", "The room is awake."), asleep);
    }
    let mut dark = Vec::new();
    for (lamp, key) in lines::lamps(board) {
        let words = match lamp {
            LampId::Live(Capture::Camera) => {
                both("Jetzt leuchtet die Lampe der Kamera.", "Now the camera's lamp is lit.")
            }
            LampId::Live(Capture::Microphone) => {
                both("Jetzt leuchtet die weiße Lampe des Mikrofons.", "Now the microphone's white lamp is lit.")
            }
            LampId::Muted(_) => {
                both("Jetzt leuchtet die rote Lampe des Mikrofons.", "Now the microphone's red lamp is lit.")
            }
        };
        guard.say(DoctorToGuard::Show(Some(lamp)));
        let lit = |look: &Look| look.shown == Some(lamp) && seen(look, lamp) == Lamp::Lit;
        if guard.until(LIT, lit) {
            person.ask(&words);
            sleep(LOOK);
        } else {
            dark.push(key);
        }
        if guard.look.state.awake {
            guard.say(DoctorToGuard::Show(None));
            return Finding::not_checked(
                Check::Lamps,
                both("Jemand hat den Raum geweckt.", "Somebody has woken the room."),
                asleep,
            );
        }
    }
    guard.say(DoctorToGuard::Show(None));
    guard.until(LIT, |look| look.shown.is_none());
    if dark.is_empty() {
        let what = both(
            "Jede Lampe wurde einzeln gesetzt und zurückgelesen. War eine nicht zu sehen oder eine andere, ist sie falsch verdrahtet.",
            "Each lamp was lit by itself and read back. If one was not seen, or another one, its wiring is wrong.",
        );
        return Finding::ok(Check::Lamps, what);
    }
    lines::dead_lamps(&dark)
}

fn seen(look: &Look, lamp: LampId) -> Lamp {
    match lamp {
        LampId::Live(capture) => look.state.of(capture).live,
        LampId::Muted(capture) => look.state.of(capture).muted.unwrap_or(Lamp::Unknown),
    }
}
