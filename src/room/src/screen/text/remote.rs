//! What the screen says of phones that may give the room a link.

use subrosa_messages::Capture;

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

    /// What a phone asks of the people in the room, and who decides.
    pub fn asked(self, capture: Capture) -> (&'static str, &'static str) {
        match capture {
            Capture::Camera => (
                self.pick("Ein Telefon bittet um die Kamera", "A phone asks for the camera"),
                self.pick(
                    "Öffnen kann sie nur, wer hier im Raum ist: mit der Blende am Gerät.",
                    "Only somebody here in the room can open it: by the shutter on the device.",
                ),
            ),
            Capture::Microphone => (
                self.pick("Ein Telefon bittet um das Mikrofon", "A phone asks for the microphone"),
                self.pick(
                    "Öffnen kann es nur, wer hier im Raum ist: mit dem Schalter am Gerät.",
                    "Only somebody here in the room can open it: by the switch on the device.",
                ),
            ),
        }
    }

    pub fn given_by_phone(self) -> &'static str {
        self.pick("Den Link gab ein gekoppeltes Telefon.", "A paired phone gave the link.")
    }

    pub fn password_on_the_phone(self) -> &'static str {
        self.pick("Es wird auf dem gekoppelten Telefon eingegeben.", "It is entered on the paired phone.")
    }
}
