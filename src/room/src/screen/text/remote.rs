//! What the screen says of phones that may give the room a link.

use super::Words;
use crate::language::Language;

impl Words {
    pub fn pair_a_phone(self) -> &'static str {
        self.pick("Telefon koppeln", "Pair a phone")
    }

    pub fn for_a_minute(self) -> &'static str {
        self.pick("1 min lang", "for 1 min")
    }

    /// Where the remote is, in place of the link that stands beside it.
    pub fn remote_page(self) -> &'static str {
        "…/remote"
    }

    pub fn press_to_pair(self) -> &'static str {
        self.pick("Knopf drücken: Telefon koppeln", "Press the button: pair a phone")
    }

    pub fn phones(self, count: usize) -> String {
        match (self.0, count) {
            (Language::German, 1) => "1 Telefon ist gekoppelt".to_owned(),
            (Language::German, count) => format!("{count} Telefone sind gekoppelt"),
            (Language::English, 1) => "1 phone is paired".to_owned(),
            (Language::English, count) => format!("{count} phones are paired"),
        }
    }

    pub fn given_by_phone(self) -> &'static str {
        self.pick("Den Link gab ein gekoppeltes Telefon.", "A paired phone gave the link.")
    }

    pub fn password_on_the_phone(self) -> &'static str {
        self.pick("Es wird auf dem gekoppelten Telefon eingegeben.", "It is entered on the paired phone.")
    }
}
