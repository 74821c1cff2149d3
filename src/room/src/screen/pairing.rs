//! How a phone is paired, in the column of the invitation's code, for as long as that can be done.

use super::fonts::Weight;
use super::invitation;
use super::palette::Colour;
use super::scene::Area;
use super::sheet::{From, Sheet, Style};
use super::view::CodeView;

/// Between the invitation's code and the panel.
pub(super) const GAP: f32 = 24.0;

/// The height of the panel: with a code to scan, and where that would leave too little for the invitation's.
const LARGE: f32 = 320.0;
const SMALL: f32 = 176.0;

/// A smaller code of the invitation is not worth the other one.
const LEAST: f32 = 400.0;

const MARGIN: f32 = 24.0;
const DIGITS: Style = Style::new(76.0, Weight::Bold, Colour::Paper);

/// The height that the panel takes of a column this high.
pub(super) fn height(column: f32) -> f32 {
    if column - LARGE - GAP >= LEAST { LARGE } else { SMALL }
}

/// Places the panel.
pub(super) fn place(sheet: &mut Sheet<'_>, code: &CodeView, area: Area) {
    let words = sheet.words;
    let inside = area.inset(MARGIN);
    sheet.panel(area, None, Some(Colour::Rose), 20.0);
    let head = inside.y - 6.0;
    sheet.line(inside.x, head, inside.width, words.pair_a_phone(), Style::WORD, From::Us);
    let top = head + Style::WORD.lines(1) + 10.0;
    let height = inside.bottom() - top;
    let left = if area.height >= LARGE {
        sheet.code(code.link_with_token.reveal(), Area { x: inside.x, y: top, width: height, height });
        inside.x + height + 28.0
    } else {
        inside.x
    };
    let width = inside.right() - left;
    if area.height >= LARGE {
        sheet.line(left, top, width, words.remote_page(), Style::WORD, From::Us);
        invitation::pin(sheet, left, top + Style::WORD.lines(1), width, code.code.reveal(), DIGITS);
        let last = inside.bottom() - Style::DIM.lines(1) + 4.0;
        sheet.line(left, last, width, words.for_a_minute(), Style::DIM, From::Us);
    } else {
        let page = sheet.line(left, top + 10.0, width, words.remote_page(), Style::WORD, From::Us);
        let small = Style { size: 64.0, ..DIGITS };
        invitation::pin(sheet, left + page + 32.0, top - 8.0, width - page - 32.0, code.code.reveal(), small);
    }
}
