//! Asleep: whose room it is, how to wake it, and that nothing listens.

use subrosa_messages::Capture;

use super::column::{self, Part};
use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::lamps;
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Paragraph, Sheet, Style};
use super::view::View;

/// The largest in which the room's name fits is taken.
const NAMES: [Style; 3] = [
    Style::new(136.0, Weight::Bold, Colour::Paper),
    Style::new(104.0, Weight::Bold, Colour::Paper),
    Style::new(80.0, Weight::Bold, Colour::Paper),
];
const WAKE: Style = Style::new(60.0, Weight::SemiBold, Colour::Paper);
const PRIVACY: Style = Style::new(48.0, Weight::Regular, Colour::PaperDim);
const ROSE: f32 = 132.0;

/// Places the scene in what the strip and the faults have left.
pub(super) fn place(sheet: &mut Sheet<'_>, view: &View, free: Area) {
    let words = sheet.words;
    let width = free.width.min(1620.0);
    let left = free.x + 24.0;
    let tight = !view.faults.is_empty();
    let name = label::printable(&view.room);
    let [large, middle, small] =
        NAMES.map(|style| sheet.paragraph(&name, style, width, if tight { 1 } else { 2 }, Breaks::Words));
    let room = [large, middle].into_iter().find(Paragraph::is_whole).unwrap_or(small);
    let wake = sheet.paragraph(words.press_to_wake(), WAKE, width - 92.0, 2, Breaks::Words);
    let closed = Capture::ALL.into_iter().all(|capture| {
        let state = match capture {
            Capture::Camera => view.camera.as_ref(),
            Capture::Microphone => view.microphone.as_ref(),
        };
        lamps::says(words, capture, state, lamps::Company::Nobody).0.is_closed()
    });
    let sentence = if closed { words.nothing_listens() } else { words.something_may_listen() };
    let sentence = sheet.paragraph(sentence, PRIVACY, width, 3, Breaks::Words);
    let gap = if tight { 22.0 } else { 40.0 };
    let accent = Look::Bare { colour: Colour::Rose, ground: Colour::Ink };
    let mut parts = vec![
        Part::new(0, 0.0, ROSE, move |sheet, top, side| sheet.icon(Icon::Rose, left, top, side, accent)),
        Part::new(1, gap, room.height(), move |sheet, top, _| {
            sheet.write(left, top, Anchor::Start, room, From::Outside);
        }),
        Part::new(3, gap, wake.height(), move |sheet, top, _| {
            sheet.icon(Icon::Button, left + 2.0, top + 5.0, 64.0, accent);
            sheet.write(left + 92.0, top, Anchor::Start, wake, From::Us);
        }),
        Part::new(2, gap, sentence.height(), move |sheet, top, _| {
            sheet.write(left, top, Anchor::Start, sentence, From::Us);
        }),
    ];
    column::fit(&mut parts, free.height);
    // A little above the middle, where the eye expects it.
    let top = free.y + (free.height - column::total(&parts)) * 0.44;
    column::place(sheet, parts, top, free.height);
}
