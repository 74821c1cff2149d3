//! What the screen says of meetings on this device, from sleep to the last guest.

use super::Words;
use crate::language::Language;

impl Words {
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

    /// The first of two steps, where the device makes the network itself.
    pub fn join_network(self) -> &'static str {
        self.pick("1. Mit diesem WLAN verbinden", "1. Join this Wi-Fi network")
    }

    /// The second.
    pub fn then_open_or_scan(self) -> &'static str {
        self.pick("2. Link im Browser öffnen oder Code scannen", "2. Open the link in a browser or scan the code")
    }

    /// Over the code of the network.
    pub fn network_code(self) -> &'static str {
        self.pick("1. WLAN", "1. Wi-Fi")
    }

    /// Over the code of the meeting.
    pub fn meeting_code(self) -> &'static str {
        self.pick("2. Eintreten", "2. Come in")
    }

    pub fn network(self) -> &'static str {
        self.pick("WLAN", "Wi-Fi")
    }

    pub fn passphrase(self) -> &'static str {
        self.pick("Passwort", "Password")
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

    pub fn up_to(self, most: usize) -> String {
        match self.0 {
            Language::German => format!("Für bis zu {most} Gäste"),
            Language::English => format!("For up to {most} guests"),
        }
    }

    pub fn full(self, most: usize) -> String {
        match self.0 {
            Language::German => format!("Voll: {most} Gäste"),
            Language::English => format!("Full: {most} guests"),
        }
    }

    pub fn locked(self) -> &'static str {
        self.pick("Abgeschlossen", "Locked")
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
}
