//! The card that the others see while the camera is closed.

use super::Words;

impl Words {
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
