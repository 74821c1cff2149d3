//! What stands in the place of a picture that does not move: an icon, and why in a few words where they fit.

use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label::Breaks;
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Sheet, Style};

const LARGE: Style = Style::new(56.0, Weight::SemiBold, Colour::Paper);

pub(super) fn place(sheet: &mut Sheet<'_>, place: Area, icon: Icon, text: &str) {
    sheet.panel(place, Some(Colour::Raised), None, 0.0);
    let side = (place.height * 0.3).min(150.0);
    let style = if place.width > 900.0 { LARGE } else { Style::DIM };
    let text = sheet.paragraph(text, style, place.width - 48.0, 2, Breaks::Words);
    let fits = text.is_whole() && side + 20.0 + text.height() <= place.height - 24.0;
    let side = if fits { side } else { (place.height * 0.45).min(150.0) };
    let height = if fits { side + 20.0 + text.height() } else { side };
    let top = place.y + (place.height - height) / 2.0;
    let look = Look::Bare { colour: Colour::PaperDim, ground: Colour::Raised };
    sheet.icon(icon, place.x + (place.width - side) / 2.0, top, side, look);
    if fits {
        sheet.write(place.x + place.width / 2.0, top + side + 20.0, Anchor::Middle, text, From::Us);
    }
}
