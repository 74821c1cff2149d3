//! The privacy card: what guests see in place of the room while its camera is closed. It says so in words, and why.

use subrosa_messages::Capture;
use subrosa_messages::guard::Refusal;
use subrosa_messages::media::{Cover, Size};

use super::draw::draw;
use super::fonts::{Fonts, Weight};
use super::icon::{Icon, Look};
use super::label::Breaks;
use super::palette::Colour;
use super::scene::{Anchor, Scene};
use super::sheet::{From, Sheet, Style};
use super::text::Words;
use crate::language::Language;

/// Why there is no picture of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardReason {
    /// The guard refuses the camera.
    Refused(Refusal),
    /// The guard does not answer.
    NoGuard,
    /// The camera does not work.
    Failed,
    /// It is being opened.
    Opening,
    /// What stands behind people cannot be hidden.
    Covered(Cover),
}

const WORD: Style = Style::new(128.0, Weight::Bold, Colour::Paper);
const WHY: Style = Style::new(72.0, Weight::SemiBold, Colour::Paper);
const MORE: Style = Style::new(60.0, Weight::Regular, Colour::PaperDim);

/// Draws the card: RGBA, opaque, `size.width * size.height * 4` bytes. Letters are large, since a guest's window may
/// be small.
#[must_use]
pub fn card(language: Language, reason: CardReason, size: Size, fonts: &Fonts) -> Vec<u8> {
    draw(&card_scene(language, reason, size, fonts), fonts)
}

pub(super) fn card_scene(language: Language, reason: CardReason, size: Size, fonts: &Fonts) -> Scene {
    let mut sheet = Sheet::new(size, language, fonts);
    let (icon, word, why, more) = card_text(sheet.words, reason);
    let width = sheet.width - 2.0 * 128.0;
    let word = sheet.paragraph(word, WORD, width, 2, Breaks::Words);
    let why = sheet.paragraph(why, WHY, width, 2, Breaks::Words);
    let more = sheet.paragraph(more, MORE, width, 2, Breaks::Words);
    let side = 208.0;
    let height = side + 56.0 + word.height() + 20.0 + why.height() + 32.0 + more.height();
    let middle = sheet.width / 2.0;
    let mut top = (sheet.height - height) / 2.0;
    let look = Look::Hollow { ring: Colour::PaperDim, glyph: Colour::Paper, ground: Colour::Ink };
    sheet.icon(icon, middle - side / 2.0, top, side, look);
    top += side + 56.0;
    top += sheet.write(middle, top, Anchor::Middle, word, From::Us) + 20.0;
    top += sheet.write(middle, top, Anchor::Middle, why, From::Us) + 32.0;
    sheet.write(middle, top, Anchor::Middle, more, From::Us);
    sheet.into_scene()
}

fn card_text(words: Words, reason: CardReason) -> (Icon, &'static str, &'static str, &'static str) {
    let closed = |why| (Icon::CameraClosed, words.closed(Capture::Camera), why, words.none_is_taken());
    // *Closed* is said only where the guard has proved it.
    let unproved = |why| (Icon::CameraClosed, words.no_picture_of_the_room(), why, words.none_is_sent());
    match reason {
        CardReason::Refused(Refusal::Asleep) => closed(words.room_sleeps()),
        CardReason::Refused(Refusal::Switch) => closed(words.switch_closed(Capture::Camera)),
        CardReason::Refused(Refusal::SwitchUnknown) => closed(words.switch_unreadable(Capture::Camera)),
        CardReason::Refused(Refusal::Muted) => closed(words.closed_remotely()),
        CardReason::Refused(Refusal::Lamp) => closed(words.lamp_fails(Capture::Camera)),
        CardReason::Refused(Refusal::Power) => unproved(words.power_cut()),
        CardReason::Refused(Refusal::Missing) => unproved(words.camera_missing()),
        CardReason::Refused(Refusal::Unproved | Refusal::Node) => unproved(words.camera_unproved()),
        CardReason::NoGuard => unproved(words.guard_silent()),
        CardReason::Failed => unproved(words.camera_failed()),
        CardReason::Covered(Cover::Late | Cover::Doubtful | Cover::Failed) => unproved(words.background_not_hidden()),
        CardReason::Covered(Cover::ModelMissing) => unproved(words.model_missing()),
        CardReason::Covered(Cover::ModelDamaged) => unproved(words.model_damaged()),
        // The guard says *busy* while it is open or being opened: what follows is a picture.
        CardReason::Refused(Refusal::Busy) | CardReason::Opening | CardReason::Covered(Cover::Starting) => {
            (Icon::Camera, words.camera_opening(), words.camera_wait(), words.none_is_sent())
        }
    }
}
