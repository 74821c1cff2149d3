//! What takes a hand, an eye or an ear in the room: lamps one after another, switches and buttons, a capture as in a
//! call. The person is asked in words, on standard error; who does nothing is waited for, and then it goes on.
//!
//! Nothing here opens anything: media is told that a capture is wanted, as the room tells it for a meeting; the guard
//! lights the lamp and grants it, if the room was woken at its button and the switch stands open.

mod call;
mod lamps;
mod press;

use std::io::{self, Write};
use std::time::Duration;

use subrosa_messages::doctor::Look;

use super::ask::Guard;
use super::finding::{Both, both};
use crate::language::Language;
pub use call::call;
pub use lamps::lamps;
pub use press::press;

/// Whom to ask, and how long to wait for an answer.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// In which language.
    pub language: Language,
    /// For each act.
    pub patience: Duration,
}

impl Person {
    fn ask(&self, words: &Both) {
        // Who reads nothing is waited for all the same.
        let _nobody_reads = writeln!(io::stderr(), "  → {}", words.text(self.language));
    }

    /// Asks for an act and waits until the guard has seen it.
    fn wait(&self, guard: &mut Guard, words: &Both, so: impl Fn(&Look) -> bool) -> bool {
        guard.catch_up(Duration::from_millis(1));
        if so(&guard.look) {
            return true;
        }
        self.ask(words);
        guard.until(self.patience, so)
    }
}

/// Has the person put the room to sleep again.
pub fn rest(guard: &mut Guard, person: &Person) {
    let words = both(
        "Den Taster zwei Sekunden halten: Der Raum schläft wieder.",
        "Hold the button for two seconds: the room sleeps again.",
    );
    let _or_it_stays_awake = person.wait(guard, &words, |look| !look.state.awake);
}
