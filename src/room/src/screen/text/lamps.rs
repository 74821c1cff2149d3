//! What the strip of lamps says.

use subrosa_messages::Capture;
use subrosa_messages::guard::{Tier, Trust};
use subrosa_messages::media::Cover;

use super::Words;
use crate::language::Language;
use crate::meeting::guest::Encryption;

impl Words {
    // What the lamps say, in words

    pub fn live(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Kamera an", "Camera live"),
            Capture::Microphone => self.pick("Mikrofon an", "Microphone live"),
        }
    }

    pub fn perhaps_live(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Kamera vielleicht an", "Camera may be live"),
            Capture::Microphone => self.pick("Mikrofon vielleicht an", "Microphone may be live"),
        }
    }

    pub fn closed(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Kamera geschlossen", "Camera closed"),
            Capture::Microphone => self.pick("Mikrofon geschlossen", "Microphone closed"),
        }
    }

    pub fn muted(self) -> &'static str {
        self.pick("Mikrofon stumm", "Microphone muted")
    }

    pub fn guests_see_or_hear(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Gäste sehen den Raum", "Guests see the room"),
            Capture::Microphone => self.pick("Gäste hören den Raum", "Guests hear the room"),
        }
    }

    pub fn others_see_or_hear(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Andere sehen den Raum", "Others see the room"),
            Capture::Microphone => self.pick("Andere hören den Raum", "Others hear the room"),
        }
    }

    pub fn is_closing(self) -> &'static str {
        self.pick("Wird gerade geschlossen", "Closing now")
    }

    pub fn opened_by_another(self) -> &'static str {
        self.pick("Von einem anderen Programm geöffnet", "Opened by another program")
    }

    pub fn cannot_be_proved(self) -> &'static str {
        self.pick("Zustand nicht nachweisbar", "Cannot be proved")
    }

    pub fn lamp_not_dark(self) -> &'static str {
        self.pick("Lampe leuchtet oder ist nicht lesbar", "Its lamp is not dark")
    }

    pub fn guard_silent(self) -> &'static str {
        self.pick("Der Wächter antwortet nicht", "The guard is silent")
    }

    pub fn room_sleeps(self) -> &'static str {
        self.pick("Der Raum schläft", "The room sleeps")
    }

    pub fn switch_closed(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Die Blende am Gerät ist zu", "Shutter on the device is closed"),
            Capture::Microphone => self.pick("Am Schalter geschlossen", "Closed at the switch"),
        }
    }

    pub fn switch_unreadable(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Blende nicht lesbar", "Shutter unreadable"),
            Capture::Microphone => self.pick("Schalter nicht lesbar", "Switch unreadable"),
        }
    }

    pub fn muted_remotely(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => {
                self.pick("Übers Netz. Blende öffnet wieder", "Over the network. The shutter reopens it")
            }
            Capture::Microphone => {
                self.pick("Übers Netz. Schalter öffnet wieder", "Over the network. The switch reopens it")
            }
        }
    }

    pub fn lamp_fails(self, capture: Capture) -> &'static str {
        match capture {
            Capture::Camera => self.pick("Ihre Lampe lässt sich nicht schalten", "Its lamp cannot be lit"),
            Capture::Microphone => self.pick("Seine Lampe lässt sich nicht schalten", "Its lamp cannot be lit"),
        }
    }

    pub fn not_there(self) -> &'static str {
        self.pick("Nicht angeschlossen", "Not connected")
    }

    pub fn power_cut(self) -> &'static str {
        self.pick("Strom ist aus. Taste schaltet ein", "Power was cut. The button restores it")
    }

    pub fn in_use(self) -> &'static str {
        self.pick("Von anderem Programm belegt", "In use by another program")
    }

    pub fn node_wrong(self) -> &'static str {
        self.pick("Rechte der Gerätedatei sind falsch", "The device file has wrong permissions")
    }

    pub fn opens_with_a_guest(self) -> &'static str {
        self.pick("Öffnet für einen Gast", "Opens for a guest")
    }

    pub fn opens_on_joining(self) -> &'static str {
        self.pick("Öffnet in der Konferenz", "Opens in the meeting")
    }

    pub fn is_opening(self) -> &'static str {
        self.pick("Wird geöffnet", "Opening")
    }

    // What stands behind people

    pub fn background_hidden(self) -> &'static str {
        self.pick("Mit verborgenem\nHintergrund", "With the background\nhidden")
    }

    pub fn background_revealed(self, seconds: u32) -> String {
        match self.0 {
            Language::German => format!("Hintergrund zu sehen,\nnoch {seconds} s"),
            Language::English => format!("Background visible,\n{seconds} s left"),
        }
    }

    pub fn background_covered(self, cover: Cover) -> &'static str {
        match cover {
            Cover::Starting => self.is_opening(),
            Cover::Late => self.pick("Karte statt Bild:\nPersonensuche steht", "A card is shown:\nsearch is stuck"),
            Cover::Doubtful => {
                self.pick("Karte statt Bild:\nPersonensuche irrt", "A card is shown:\nsearch is in doubt")
            }
            Cover::Failed => self.pick("Karte statt Bild:\nPersonensuche defekt", "A card is shown:\nsearch fails"),
            Cover::ModelMissing => self.pick("Karte statt Bild:\nModell fehlt", "A card is shown:\nmodel is missing"),
            Cover::ModelDamaged => {
                self.pick("Karte statt Bild:\nModell beschädigt", "A card is shown:\nmodel is damaged")
            }
        }
    }

    pub fn background_not_hidden(self) -> &'static str {
        self.pick("Der Hintergrund ist nicht zu verbergen", "The background cannot be hidden")
    }

    // What the lamps' word is worth

    pub fn trust(self, trust: Option<Trust>, measured: bool) -> (&'static str, &'static str) {
        match trust {
            None => (self.pick("Lampen ungewiss", "Lamps uncertain"), self.guard_silent()),
            Some(Trust::SimulatedOneUser) => (
                self.pick("Simuliert, ein Benutzer", "Simulated, one user"),
                self.pick("Die Sperre hält Versehen\nauf, keinen Angriff", "The lock stops mistakes,\nnot an attack"),
            ),
            Some(Trust::SimulatedUsers) => (
                self.pick("Simulierter Raum", "Simulated room"),
                self.pick("Die Sperre ist echt,\ndie Lampen sind gezeichnet", "The lock is real,\nthe lamps are drawn"),
            ),
            Some(Trust::Real { camera, microphone }) => {
                let (lamp, switch) = (camera.lamp.min(microphone.lamp), camera.switch.min(microphone.switch));
                // The weaker of the two is what holds.
                let why = if switch < lamp { self.switch_tier(switch) } else { self.lamp_tier(lamp) };
                (self.tier(lamp.min(switch), measured), why)
            }
        }
    }

    fn tier(self, tier: Tier, measured: bool) -> &'static str {
        match (tier, measured) {
            (Tier::Attached, true) => self.pick("Lampen, Stufe 0", "Lamps, tier 0"),
            (Tier::Guard, true) => self.pick("Lampen, Stufe 1", "Lamps, tier 1"),
            (Tier::Kernel, true) => self.pick("Lampen, Stufe 2", "Lamps, tier 2"),
            (Tier::Power, true) => self.pick("Lampen, Stufe 3", "Lamps, tier 3"),
            (Tier::Attached, false) => self.pick("Stufe 0, nie gemessen", "Tier 0, never measured"),
            (Tier::Guard, false) => self.pick("Stufe 1, nie gemessen", "Tier 1, never measured"),
            (Tier::Kernel, false) => self.pick("Stufe 2, nie gemessen", "Tier 2, never measured"),
            (Tier::Power, false) => self.pick("Stufe 3, nie gemessen", "Tier 3, never measured"),
        }
    }

    fn lamp_tier(self, tier: Tier) -> &'static str {
        match tier {
            Tier::Attached => self.pick("Eine Lampe gehört einem fremden Gerät", "A lamp belongs to a foreign device"),
            Tier::Guard => self
                .pick("Der Wächter schaltet sie und sperrt die Geräte", "The guard drives them and locks the devices"),
            Tier::Kernel => {
                self.pick("Der Kernel schaltet die Lampe der Kamera", "The kernel drives the camera's lamp")
            }
            Tier::Power => self.pick("Lampe und Schalter liegen im Strompfad", "Lamp and switch are in the power path"),
        }
    }

    fn switch_tier(self, tier: Tier) -> &'static str {
        match tier {
            Tier::Attached => {
                self.pick("Ein Schalter ist nur Taste eines Geräts", "A switch is only a key of a device")
            }
            Tier::Guard => self.pick("Der Wächter liest die Schalter", "The guard reads the switches"),
            Tier::Kernel => self.pick("Was nicht schließt, verliert den Strom", "What does not close loses its power"),
            Tier::Power => self.pick("Der Schalter trennt den Strom", "The switch cuts the power"),
        }
    }

    // How the call is encrypted

    pub fn encryption(self, encryption: Encryption) -> (&'static str, &'static str) {
        match encryption {
            Encryption::None => (
                self.pick("Noch nicht verbunden", "Not connected yet"),
                self.pick("Kein Bild, kein Ton fließt", "No picture, no sound flows"),
            ),
            Encryption::EndToEnd => (
                self.pick("Ende-zu-Ende verschlüsselt", "End-to-end encrypted"),
                self.pick("Mit geprüftem Zertifikat", "With a checked certificate"),
            ),
            Encryption::DeviceNotChecked => (
                self.pick("Verschlüsselt,\nGerät nicht geprüft", "Encrypted,\ndevice not checked"),
                self.pick("Fingerabdruck vergleichen", "Compare the fingerprint"),
            ),
        }
    }
}
