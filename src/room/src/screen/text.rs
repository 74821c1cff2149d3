//! All texts of the screen, German first. Each is a function, so that none can be asked for that is not there.

use subrosa_messages::Capture;
use subrosa_messages::guard::{Tier, Trust};
use subrosa_messages::media::Cover;

use super::view::Fault;
use crate::language::Language;
use crate::meeting::guest::Encryption;

/// The texts in one language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words(pub Language);

impl Words {
    fn pick(self, german: &'static str, english: &'static str) -> &'static str {
        self.0.pick(german, english)
    }

    // Asleep

    pub fn press_to_wake(self) -> &'static str {
        self.pick("Knopf drücken, um eine Besprechung zu öffnen", "Press the button to open a meeting")
    }

    pub fn nothing_listens(self) -> &'static str {
        self.pick(
            "Kamera und Mikrofon sind geschlossen.\nÖffnen kann sie nur, wer hier im Raum ist.",
            "Camera and microphone are closed.\nOnly somebody here in the room can open them.",
        )
    }

    pub fn something_may_listen(self) -> &'static str {
        self.pick(
            "Kamera oder Mikrofon ist nicht nachweislich geschlossen.\nDie Lampen am Gerät zeigen, welches.",
            "Camera or microphone is not proved to be closed.\nThe lamps on the device show which.",
        )
    }

    // How to get in

    pub fn open_or_scan(self) -> &'static str {
        self.pick("Link im Browser öffnen oder Code scannen", "Open the link in a browser or scan the code")
    }

    pub fn pin(self) -> &'static str {
        self.pick("PIN", "PIN")
    }

    pub fn local_only(self) -> &'static str {
        self.pick("Nur aus diesem Netz", "From this network only")
    }

    pub fn fingerprint(self) -> &'static str {
        self.pick("Fingerabdruck (SHA-256)", "Fingerprint (SHA-256)")
    }

    pub fn compare_fingerprint(self) -> &'static str {
        self.pick(
            "Vom Browser nicht prüfbar, Fingerabdruck vergleichen:",
            "The browser cannot check it, compare the fingerprint:",
        )
    }

    pub fn more_guests(self) -> &'static str {
        self.pick("Weitere Gäste", "More guests")
    }

    pub fn how_in(self) -> &'static str {
        self.pick("So kommt man herein", "How to get in")
    }

    pub fn hold_to_end(self) -> &'static str {
        self.pick("Knopf 2 s halten: Ende", "Hold the button 2 s: end")
    }

    // A guest asks

    pub fn wants_in(self) -> &'static str {
        self.pick("möchte eintreten", "would like to come in")
    }

    pub fn unnamed(self) -> &'static str {
        self.pick("Jemand ohne Namen", "Somebody without a name")
    }

    pub fn press_to_admit(self) -> &'static str {
        self.pick("Knopf drücken: einlassen", "Press the button: let in")
    }

    pub fn until_pressed(self) -> &'static str {
        self.pick("Bis dahin sieht und hört der Gast nichts.", "Until then the guest sees and hears nothing.")
    }

    pub fn more_waiting(self, count: usize) -> String {
        match (self.0, count) {
            (Language::German, 1) => "Danach wartet noch ein Gast".to_owned(),
            (Language::German, count) => format!("Danach warten noch {count} Gäste"),
            (Language::English, 1) => "One more guest is waiting".to_owned(),
            (Language::English, count) => format!("{count} more guests are waiting"),
        }
    }

    // In the call

    pub fn no_picture(self) -> &'static str {
        self.pick("Noch kein Bild", "No picture yet")
    }

    pub fn reconnecting(self) -> &'static str {
        self.pick("Verbindung wird erneuert", "Reconnecting")
    }

    pub fn restarting(self) -> &'static str {
        self.pick("Bild und Ton starten neu", "Picture and sound are restarting")
    }

    pub fn more_guests_in(self, count: usize) -> String {
        match self.0 {
            Language::German => format!("und {count} weitere"),
            Language::English => format!("and {count} more"),
        }
    }

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
            Cover::Late => self.pick("Karte statt Bild:\nPersonensuche steht", "Guests see a card:\nsearch is stuck"),
            Cover::Doubtful => {
                self.pick("Karte statt Bild:\nPersonensuche irrt", "Guests see a card:\nsearch is in doubt")
            }
            Cover::Failed => self.pick("Karte statt Bild:\nPersonensuche defekt", "Guests see a card:\nsearch fails"),
            Cover::ModelMissing => self.pick("Karte statt Bild:\nModell fehlt", "Guests see a card:\nmodel is missing"),
            Cover::ModelDamaged => {
                self.pick("Karte statt Bild:\nModell beschädigt", "Guests see a card:\nmodel is damaged")
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

    // Faults: what is wrong, and what to do

    pub fn fault(self, fault: &Fault) -> (String, String) {
        let (what, help) = match fault {
            Fault::Guard => (
                self.pick("Der Wächter antwortet nicht", "The guard does not answer"),
                self.pick(
                    "Kamera und Mikrofon werden geschlossen. Er startet von selbst neu; sonst das Gerät neu starten.",
                    "Camera and microphone get closed. It restarts by itself; if not, restart the device.",
                ),
            ),
            Fault::CameraMissing => (
                self.pick("Keine Kamera angeschlossen", "No camera is connected"),
                self.pick(
                    "Kabel der Kamera prüfen. Die Besprechung geht mit Ton weiter.",
                    "Check the camera's cable. The meeting goes on with sound.",
                ),
            ),
            Fault::CameraFailed => (
                self.pick("Die Kamera liefert kein Bild", "The camera delivers no picture"),
                self.pick(
                    "Kamera abziehen und wieder anstecken. Das Gerät versucht es von selbst weiter.",
                    "Unplug the camera and plug it in again. The device keeps trying by itself.",
                ),
            ),
            Fault::MicrophoneMissing => (
                self.pick("Kein Mikrofon angeschlossen", "No microphone is connected"),
                self.pick(
                    "Kabel des Mikrofons prüfen. Gäste hören den Raum nicht.",
                    "Check the microphone's cable. Guests do not hear the room.",
                ),
            ),
            Fault::MicrophoneFailed => (
                self.pick("Das Mikrofon liefert keinen Ton", "The microphone delivers no sound"),
                self.pick(
                    "Mikrofon abziehen und wieder anstecken. Das Gerät versucht es von selbst weiter.",
                    "Unplug the microphone and plug it in again. The device keeps trying by itself.",
                ),
            ),
            Fault::Encoder => (
                self.pick("Kein Kodierer arbeitet auf diesem Gerät", "No encoder works on this device"),
                self.pick(
                    "Gäste sehen den Raum nicht. Fehlende GStreamer-Pakete mit „make setup“ nachholen.",
                    "Guests do not see the room. Install the missing GStreamer packages with \"make setup\".",
                ),
            ),
            Fault::ModelMissing => (
                self.pick("Das Modell zum Verbergen fehlt", "The model for hiding is missing"),
                self.pick(
                    "Gäste sehen eine Karte. „make data“ holt das Modell; [blur] mode = \"off\" zeigt den ganzen Raum.",
                    "Guests see a card. \"make data\" gets the model; [blur] mode = \"off\" shows the whole room.",
                ),
            ),
            Fault::ModelDamaged => (
                self.pick("Das Modell zum Verbergen ist beschädigt", "The model for hiding is damaged"),
                self.pick(
                    "Gäste sehen eine Karte. Datei löschen und mit „make data“ neu holen.",
                    "Guests see a card. Delete the file and get it again with \"make data\".",
                ),
            ),
            Fault::Background => (
                self.pick("Der Hintergrund ist nicht zu verbergen", "The background cannot be hidden"),
                self.pick(
                    "Gäste sehen eine Karte. Das Gerät versucht es von selbst weiter; sonst das Gerät neu starten.",
                    "Guests see a card. The device keeps trying by itself; if not, restart it.",
                ),
            ),
            Fault::BackgroundPicture => (
                self.pick("Das Hintergrundbild ist nicht lesbar", "The background picture cannot be read"),
                self.pick(
                    "Gäste sehen eine Farbe. Datei unter [blur] image in subrosa.toml prüfen.",
                    "Guests see a colour. Check the file under [blur] image in subrosa.toml.",
                ),
            ),
            Fault::Certificate => (
                self.pick("Das Zertifikat ist nicht lesbar", "The certificate cannot be read"),
                self.pick(
                    "Es gilt das eigene des Geräts. Dateien unter [tls] in subrosa.toml prüfen.",
                    "The device's own is used. Check the files under [tls] in subrosa.toml.",
                ),
            ),
            Fault::Port(port) => {
                return match self.0 {
                    Language::German => (
                        format!("Anschluss {port} ist belegt"),
                        "Gäste können nicht eintreten. Anderes Programm beenden oder web.listen ändern.".to_owned(),
                    ),
                    Language::English => (
                        format!("Port {port} is taken"),
                        "Guests cannot come in. End the other program or change web.listen.".to_owned(),
                    ),
                };
            }
            Fault::Disk => (
                self.pick("Der Speicher ist voll oder schreibgeschützt", "The disk is full or read-only"),
                self.pick(
                    "Nach jedem Neustart warnen Browser neu. Platz schaffen.",
                    "Browsers will warn again after each restart. Make room on the disk.",
                ),
            ),
            Fault::Clock => (
                self.pick("Die Uhr geht falsch", "The clock is wrong"),
                self.pick(
                    "Browser halten Zertifikate für ungültig. Zeitserver oder Batterie der Uhr prüfen.",
                    "Browsers take certificates for invalid. Check the time server or the clock's battery.",
                ),
            ),
            Fault::Network => (
                self.pick("Kein Netz", "No network"),
                self.pick(
                    "Netzkabel prüfen. Der Link erscheint, sobald das Gerät eine Adresse hat.",
                    "Check the network cable. The link appears when the device has an address.",
                ),
            ),
        };
        (what.to_owned(), help.to_owned())
    }

    pub fn more_faults(self, count: usize) -> String {
        match (self.0, count) {
            (Language::German, 1) => "und eine weitere Störung".to_owned(),
            (Language::German, count) => format!("und {count} weitere Störungen"),
            (Language::English, 1) => "and one more fault".to_owned(),
            (Language::English, count) => format!("and {count} more faults"),
        }
    }

    // The card for guests

    pub fn no_picture_of_the_room(self) -> &'static str {
        self.pick("Kein Bild", "No picture")
    }

    pub fn none_is_taken(self) -> &'static str {
        self.pick("Es wird kein Bild aufgenommen.", "No picture is taken.")
    }

    pub fn none_is_sent(self) -> &'static str {
        self.pick("Der Raum sendet kein Bild.", "The room sends no picture.")
    }

    pub fn closed_remotely(self) -> &'static str {
        self.pick("Sie wurde übers Netz geschlossen", "It was closed remotely")
    }

    pub fn camera_unproved(self) -> &'static str {
        self.pick("Die Kamera ist nicht nachweislich frei", "The camera is not proved to be free")
    }

    pub fn camera_failed(self) -> &'static str {
        self.pick("Die Kamera arbeitet nicht", "The camera does not work")
    }

    pub fn camera_missing(self) -> &'static str {
        self.pick("Es ist keine Kamera angeschlossen", "No camera is connected")
    }

    pub fn model_missing(self) -> &'static str {
        self.pick(
            "Der Hintergrund ist nicht zu verbergen: das Modell fehlt",
            "The background cannot be hidden: the model is missing",
        )
    }

    pub fn model_damaged(self) -> &'static str {
        self.pick(
            "Der Hintergrund ist nicht zu verbergen: das Modell ist beschädigt",
            "The background cannot be hidden: the model is damaged",
        )
    }

    pub fn camera_opening(self) -> &'static str {
        self.pick("Die Kamera öffnet", "The camera is opening")
    }

    pub fn camera_wait(self) -> &'static str {
        self.pick("Einen Moment, bitte", "One moment, please")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text once, by name.
    fn all(words: Words) -> Vec<String> {
        let plain: [fn(Words) -> &'static str; 43] = [
            Words::model_missing,
            Words::model_damaged,
            Words::background_hidden,
            Words::background_not_hidden,
            Words::press_to_wake,
            Words::nothing_listens,
            Words::something_may_listen,
            Words::open_or_scan,
            Words::local_only,
            Words::fingerprint,
            Words::compare_fingerprint,
            Words::more_guests,
            Words::how_in,
            Words::hold_to_end,
            Words::wants_in,
            Words::unnamed,
            Words::press_to_admit,
            Words::until_pressed,
            Words::no_picture,
            Words::reconnecting,
            Words::restarting,
            Words::muted,
            Words::is_closing,
            Words::opened_by_another,
            Words::cannot_be_proved,
            Words::lamp_not_dark,
            Words::guard_silent,
            Words::room_sleeps,
            Words::not_there,
            Words::power_cut,
            Words::in_use,
            Words::node_wrong,
            Words::opens_with_a_guest,
            Words::is_opening,
            Words::no_picture_of_the_room,
            Words::none_is_taken,
            Words::none_is_sent,
            Words::closed_remotely,
            Words::camera_unproved,
            Words::camera_failed,
            Words::camera_missing,
            Words::camera_opening,
            Words::camera_wait,
        ];
        let of_capture: [fn(Words, Capture) -> &'static str; 8] = [
            Words::live,
            Words::perhaps_live,
            Words::closed,
            Words::guests_see_or_hear,
            Words::switch_closed,
            Words::switch_unreadable,
            Words::muted_remotely,
            Words::lamp_fails,
        ];
        let mut texts: Vec<String> = plain.iter().map(|text| text(words).to_owned()).collect();
        for capture in Capture::ALL {
            texts.extend(of_capture.iter().map(|text| text(words, capture).to_owned()));
        }
        for count in [1, 2] {
            texts.extend([words.more_waiting(count), words.more_guests_in(count), words.more_faults(count)]);
        }
        texts.extend(Cover::ALL.map(|cover| words.background_covered(cover).to_owned()));
        texts.push(words.background_revealed(9));
        for encryption in [Encryption::None, Encryption::EndToEnd, Encryption::DeviceNotChecked] {
            let (word, why) = words.encryption(encryption);
            texts.extend([word.to_owned(), why.to_owned()]);
        }
        texts
    }

    #[test]
    fn every_text_is_there_in_both_languages_and_differs() {
        let (german, english) = (all(Words(Language::German)), all(Words(Language::English)));
        for (german, english) in german.iter().zip(&english) {
            assert!(!german.is_empty() && !english.is_empty());
            assert_ne!(german, english);
        }
    }

    #[test]
    fn p8_no_word_is_stronger_than_the_truth() {
        for language in Language::ALL {
            let (word, _) = Words(language).encryption(Encryption::DeviceNotChecked);
            assert!(
                !word.to_lowercase().contains("ende-zu-ende") && !word.to_lowercase().contains("end-to-end"),
                "{word}"
            );
            assert!(word.contains("nicht geprüft") || word.contains("not checked"));
            let (word, _) = Words(language).encryption(Encryption::None);
            assert!(
                !word.to_lowercase().contains("verschlüsselt") && !word.to_lowercase().contains("encrypted"),
                "{word}"
            );
        }
    }

    #[test]
    fn every_fault_says_what_to_do() {
        for language in Language::ALL {
            for fault in super::super::examples::faults() {
                let (what, help) = Words(language).fault(&fault);
                assert!(!what.is_empty() && help.len() > 20, "{fault:?}");
            }
        }
    }
}
