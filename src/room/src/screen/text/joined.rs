//! What the screen says of meetings elsewhere: the link that was given, the way in, and the meeting.

use super::Words;
use crate::language::Language;

impl Words {
    // A link was given

    pub fn invited_to(self) -> &'static str {
        self.pick("Konferenz auf dem Server", "A meeting on the server")
    }

    pub fn run_by(self, operator: &str) -> String {
        match self.0 {
            Language::German => format!("Betrieben von {operator}"),
            Language::English => format!("Run by {operator}"),
        }
    }

    pub fn nobody_on_record(self) -> &'static str {
        self.pick("Wer ihn betreibt, ist nicht hinterlegt", "Who runs it is not on record")
    }

    pub fn press_to_join(self) -> &'static str {
        self.pick("Knopf drücken: beitreten", "Press the button: join")
    }

    pub fn forgotten_by_itself(self) -> &'static str {
        self.pick("Nach 2 min vergessen", "Forgotten after 2 min")
    }

    pub fn may_not_join(self) -> &'static str {
        self.pick("Dieser Raum darf hier nicht beitreten", "This room may not join here")
    }

    pub fn more_where_it_was_given(self) -> &'static str {
        self.pick("Alles Weitere sagt „subrosa join“.", "“subrosa join” says the rest.")
    }

    // On the way in

    pub fn on_the_way(self) -> &'static str {
        self.pick("Auf dem Weg in die Konferenz", "On the way into the meeting")
    }

    pub fn not_in_it(self) -> &'static str {
        self.pick("Nicht in der Konferenz", "Not in the meeting")
    }

    pub fn connecting(self) -> &'static str {
        self.pick("Verbindung wird hergestellt", "Connecting")
    }

    pub fn password_where(self) -> &'static str {
        self.pick("Es wird dort eingegeben, wo „subrosa join“ läuft.", "It is entered where “subrosa join” runs.")
    }

    pub fn hold_to_leave(self) -> &'static str {
        self.pick("Knopf 2 s halten: verlassen", "Hold the button 2 s: leave")
    }

    pub fn goes_away(self) -> &'static str {
        self.pick("Diese Anzeige verschwindet von selbst.", "This message goes away by itself.")
    }

    // In the meeting

    pub fn transport(self) -> &'static str {
        self.pick("Transportverschlüsselt", "Transport encryption")
    }

    pub fn server_sees(self) -> &'static str {
        self.pick("Server sieht und hört mit:", "The server sees and hears:")
    }

    pub fn records(self) -> &'static str {
        self.pick("Aufzeichnung oder Mitschrift läuft", "Recording or transcription is on")
    }

    pub fn consent_asked(self) -> &'static str {
        self.pick("Diesen Raum aufnehmen? Knopf: ja", "Record this room? Button: yes")
    }

    pub fn consent_asked_to_stream(self) -> &'static str {
        self.pick("Diesen Raum übertragen? Knopf: ja", "Stream this room? Button: yes")
    }

    pub fn consent_given(self) -> &'static str {
        self.pick("Raum ist dabei. Knopf: nicht mehr", "This room is in it. Button: no longer")
    }

    pub fn ask_to_speak(self) -> &'static str {
        self.pick("Sprechen erst nach Freigabe", "Speaking needs permission")
    }

    pub fn hand_raised(self) -> &'static str {
        self.pick("Hand ist gehoben", "Hand is raised")
    }

    pub fn no_bridge(self) -> &'static str {
        self.pick(
            "Der Server gibt gerade weder Bild noch Ton weiter",
            "The server passes on neither picture nor sound at the moment",
        )
    }

    pub fn reconnecting_to_server(self) -> &'static str {
        self.pick("Die Verbindung zum Server wird erneuert", "The connection to the server is being made again")
    }

    pub fn too_narrow(self) -> &'static str {
        self.pick("Das Netz ist zu schmal", "The network is too slow")
    }

    pub fn shares(self) -> &'static str {
        self.pick("teilt Bildschirm", "shares a screen")
    }

    pub fn nobody_else(self) -> &'static str {
        self.pick("Noch ist niemand sonst da", "Nobody else is here yet")
    }

    pub fn nobody_shows(self) -> &'static str {
        self.pick("Niemand zeigt ein Bild", "Nobody shows a picture")
    }
}
