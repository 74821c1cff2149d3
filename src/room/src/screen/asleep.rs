//! Asleep: whose room it is, how to wake it, and that nothing listens.

use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::lamps::{self, Says};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Sheet, Style};
use super::view::View;
use super::fonts::Weight;
use subrosa_messages::Capture;

const NAME: Style = Style::new(136.0, Weight::Bold, Colour::Paper);
const WAKE: Style = Style::new(60.0, Weight::SemiBold, Colour::Paper);
const PRIVACY: Style = Style::new(46.0, Weight::Regular, Colour::PaperDim);

/// Places the scene in what the strip and the faults have left.
pub(super) fn place(sheet: &mut Sheet<'_>, view: &View, free: Area) {
    let words = sheet.words;
    let width = free.width.min(1560.0);
    let left = free.x + 32.0;
    let room = label::printable(&view.room);
    let faults = !view.faults.is_empty();
    let room = sheet.paragraph(&room, NAME, width, if faults { 1 } else { 2 }, Breaks::Words);
    let wake = sheet.paragraph(words.press_to_wake(), WAKE, width - 92.0, 2, Breaks::Words);
    let closed = Capture::ALL.into_iter().all(|capture| {
        let state = match capture {
            Capture::Camera => view.camera.as_ref(),
            Capture::Microphone => view.microphone.as_ref(),
        };
        lamps::says(words, capture, state, false).0 == Says::Closed
    });
    let sentence = if closed { words.nothing_listens() } else { words.something_may_listen() };
    let sentence = sheet.paragraph(sentence, PRIVACY, width, 2, Breaks::Words);
    let rose = if faults { 0.0 } else { 124.0 };
    let gaps = if faults { 24.0 } else { 44.0 };
    let height = rose + room.height() + wake.height() + sentence.height() + gaps * if faults { 2.0 } else { 3.0 };
    // A little above the middle, where the eye expects it.
    let mut top = free.y + ((free.height - height) * 0.44).max(0.0);
    if !faults {
        sheet.icon(Icon::Rose, left, top, rose, Look::Bare { colour: Colour::Rose, ground: Colour::Ink });
        top += rose + gaps;
    }
    top += sheet.write(left, top, Anchor::Start, room, From::Outside) + gaps;
    sheet.icon(Icon::Button, left + 2.0, top + 5.0, 64.0, Look::Bare { colour: Colour::Rose, ground: Colour::Ink });
    top += sheet.write(left + 92.0, top, Anchor::Start, wake, From::Us) + gaps;
    sheet.write(left, top, Anchor::Start, sentence, From::Us);
}
