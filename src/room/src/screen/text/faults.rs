//! Faults: what is wrong, and what to do.

use super::super::view::Fault;
use super::Words;
use crate::language::Language;

impl Words {
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
                    "Kabel des Mikrofons prüfen. Andere hören den Raum nicht.",
                    "Check the microphone's cable. Others do not hear the room.",
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
                    "Andere sehen den Raum nicht. Fehlende GStreamer-Pakete mit „make setup“ nachholen.",
                    "Others do not see the room. Install the missing GStreamer packages with \"make setup\".",
                ),
            ),
            Fault::ModelMissing => (
                self.pick("Das Modell zum Verbergen fehlt", "The model for hiding is missing"),
                self.pick(
                    "Andere sehen eine Karte. „make data“ holt das Modell; [blur] mode = \"off\" zeigt den ganzen Raum.",
                    "Others see a card. \"make data\" gets the model; [blur] mode = \"off\" shows the whole room.",
                ),
            ),
            Fault::ModelDamaged => (
                self.pick("Das Modell zum Verbergen ist beschädigt", "The model for hiding is damaged"),
                self.pick(
                    "Andere sehen eine Karte. Datei löschen und mit „make data“ neu holen.",
                    "Others see a card. Delete the file and get it again with \"make data\".",
                ),
            ),
            Fault::Background => (
                self.pick("Der Hintergrund ist nicht zu verbergen", "The background cannot be hidden"),
                self.pick(
                    "Andere sehen eine Karte. Das Gerät versucht es von selbst weiter; sonst das Gerät neu starten.",
                    "Others see a card. The device keeps trying by itself; if not, restart it.",
                ),
            ),
            Fault::BackgroundPicture => (
                self.pick("Das Hintergrundbild ist nicht lesbar", "The background picture cannot be read"),
                self.pick(
                    "Andere sehen eine Farbe. Datei unter [blur] image in subrosa.toml prüfen.",
                    "Others see a colour. Check the file under [blur] image in subrosa.toml.",
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
}
