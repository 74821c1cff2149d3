//! How a phone joins the network that the device makes itself: two codes side by side, in the order of the steps, and
//! name and passphrase for those who type.

use super::column::Part;
use super::fonts::Weight;
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, SMALL, Sheet, Style};
use super::view::{Invitation, NetworkView};

/// Between the two codes.
const GAP: f32 = 32.0;
/// What stands over a code.
pub(super) const HEAD: f32 = 60.0;
const TYPED: Style = Style::new(SMALL, Weight::SemiBold, Colour::Paper);

/// How wide the codes are together, on a screen that leaves this width.
pub(super) fn width(free: f32) -> f32 {
    (free * 0.52).min(2.0 * 448.0 + GAP)
}

/// How high they are with what stands over them, as large as the width allows.
pub(super) fn height(width: f32) -> f32 {
    (width - GAP) / 2.0 + HEAD
}

/// Places the two codes: network, meeting.
pub(super) fn codes(sheet: &mut Sheet<'_>, view: &NetworkView, invitation: &Invitation, area: Area) {
    let words = sheet.words;
    let side = (area.height - HEAD).min((area.width - GAP) / 2.0);
    let steps =
        [(words.network_code(), view.code.reveal()), (words.meeting_code(), invitation.link_with_token.reveal())];
    for (index, (head, text)) in steps.into_iter().enumerate() {
        let x = area.x + (area.width - 2.0 * side - GAP) / 2.0 + (side + GAP) * index as f32;
        sheet.line(x, area.y, side, head, Style::WORD, From::Us);
        sheet.code(text, Area { x, y: area.y + HEAD, width: side, height: side });
    }
}

/// Name and passphrase, each behind its word; how much they are `need`ed beside the rest.
pub(super) fn by_hand<'a>(
    sheet: &mut Sheet<'_>,
    view: &'a NetworkView,
    (left, width): (f32, f32),
    need: u8,
) -> Vec<Part<'a>> {
    let words = sheet.words;
    let name = label::printable(&view.name);
    let lines = [(words.network(), name), (words.passphrase(), view.passphrase.reveal().clone())];
    let indent = lines.iter().map(|(word, _)| sheet.measure(word, Style::DIM)).fold(0.0, f32::max) + 24.0;
    let mut parts = Vec::new();
    for (word, text) in lines {
        let text = sheet.paragraph(&text, TYPED, width - indent, 4, Breaks::Link);
        parts.push(Part::new(need, 4.0, text.height(), move |sheet, top, _| {
            sheet.line(left, top, indent, word, Style::DIM, From::Us);
            sheet.write(left + indent, top, Anchor::Start, text, From::Outside);
        }));
    }
    parts
}
