//! The column at the right of a call: how further guests get in, and the fingerprint while the device is not checked.

use super::column::{self, Part};
use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::network;
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, SMALL, Sheet, Style};
use super::view::Invitation;

/// Width of the column.
pub(super) const WIDTH: f32 = 520.0;

/// Between the column and what is left of it.
pub(super) const GAP: f32 = 48.0;

const LINK: Style = Style::new(SMALL, Weight::SemiBold, Colour::Paper);
const PIN: Style = Style::new(56.0, Weight::Bold, Colour::Paper);
const DIGITS: Style = Style::new(SMALL, Weight::Regular, Colour::Paper);

/// A smaller code could not be scanned from a metre away.
const SMALLEST_CODE: f32 = 180.0;
const BETWEEN: f32 = 14.0;

/// Whom the column is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nobody is in yet.
    First,
    /// Guests are in; this is for more.
    More,
    /// So many are in as can be.
    Full(usize),
    /// Nobody else can knock.
    Locked,
}

impl Shown {
    /// There is no way in that would be worth showing.
    fn is_closed(self) -> bool {
        match self {
            Shown::First | Shown::More | Shown::Full(_) => false,
            Shown::Locked => true,
        }
    }
}

/// Places the column. The fingerprint is needed most (P8), link and PIN go together.
pub(super) fn place(sheet: &mut Sheet<'_>, invitation: &Invitation, area: Area, shown: Shown) {
    let words = sheet.words;
    let Area { x: left, width, .. } = area;
    let link = sheet.paragraph(invitation.link.reveal(), LINK, width, 3, Breaks::Link);
    let hold = sheet.paragraph(words.hold_to_end(), Style::DIM, width, 2, Breaks::Words);
    let head = match shown {
        Shown::First => words.how_in().to_owned(),
        Shown::More => words.more_guests().to_owned(),
        Shown::Full(most) => words.full(most),
        Shown::Locked => words.locked().to_owned(),
    };
    let mut parts = vec![Part::new(3, 0.0, Style::WORD.lines(1), move |sheet, top, _| {
        let lock = if shown.is_closed() { 58.0 } else { 0.0 };
        if shown.is_closed() {
            let look = Look::Bare { colour: Colour::Paper, ground: Colour::Ink };
            sheet.icon(Icon::Lock, left, top + 4.0, 44.0, look);
        }
        sheet.line(left + lock, top, width - lock, &head, Style::WORD, From::Us);
    })];
    let code = match &invitation.network {
        None => Part::new(1, BETWEEN, SMALLEST_CODE, move |sheet, top, side| {
            sheet.code(invitation.link_with_token.reveal(), Area { x: left, y: top, width, height: side });
        })
        .growing(width * 0.86 - SMALLEST_CODE),
        Some(network) => {
            let least = network::HEAD + SMALLEST_CODE;
            Part::new(1, BETWEEN, least, move |sheet, top, height| {
                network::codes(sheet, network, invitation, Area { x: left, y: top, width, height });
            })
            .growing((network::height(width) - least).max(0.0))
        }
    };
    let by_hand = invitation.network.as_ref().map(|view| network::by_hand(sheet, view, (left, width), 4));
    let way_in = [
        code,
        Part::new(5, BETWEEN, link.height(), move |sheet, top, _| {
            sheet.write(left, top, Anchor::Start, link, From::Outside);
        }),
        Part::new(5, BETWEEN, PIN.lines(1), move |sheet, top, _| {
            let label = sheet.line(left, top + 13.0, 140.0, words.pin(), Style::DIM, From::Us);
            pin(sheet, left + label + 20.0, top, width - label - 20.0, invitation.pin.reveal(), PIN);
        }),
    ];
    if !shown.is_closed() {
        parts.extend(by_hand.into_iter().flatten());
        parts.extend(way_in);
    }
    if invitation.local_only && !shown.is_closed() {
        parts
            .push(Part::new(2, BETWEEN, Style::DIM.lines(1), move |sheet, top, _| local_only(sheet, left, top, width)));
    }
    if let Some(fingerprint_) = &invitation.fingerprint {
        let groups = label::fingerprint_groups(fingerprint_);
        let head = Style::DIM.lines(1);
        parts.push(Part::new(6, BETWEEN, head + fingerprint_height(groups.len(), 4), move |sheet, top, _| {
            sheet.say(left, top, width, words.fingerprint(), Style::DIM, 1);
            fingerprint(sheet, left, top + head, width, &groups, 4);
        }));
    }
    parts.push(Part::new(0, BETWEEN, hold.height(), move |sheet, top, _| {
        sheet.write(left, top, Anchor::Start, hold, From::Us);
    }));
    column::place(sheet, parts, area.y, area.height);
}

/// The height of what must not be missing.
pub(super) fn least(invitation: &Invitation) -> f32 {
    let groups = invitation.fingerprint.as_deref().map(label::fingerprint_groups);
    groups.map_or(0.0, |groups| Style::DIM.lines(1) + fingerprint_height(groups.len(), 4))
}

/// *From this network only*, with its icon.
pub(super) fn local_only(sheet: &mut Sheet<'_>, left: f32, top: f32, width: f32) {
    let look = Look::Bare { colour: Colour::PaperDim, ground: Colour::Ink };
    sheet.icon(Icon::House, left, top + 2.0, 44.0, look);
    let words = sheet.words;
    sheet.line(left + 58.0, top, width - 58.0, words.local_only(), Style::DIM, From::Us);
}

/// A PIN in its groups, as large as the style says or as the width allows; never shortened.
pub(super) fn pin(sheet: &mut Sheet<'_>, left: f32, top: f32, width: f32, pin: &str, style: Style) {
    let groups = label::pin_groups(pin);
    let between = 0.3;
    let of_one = Style { size: 1.0, ..style };
    let widths: Vec<f32> = groups.iter().map(|group| sheet.measure(group, of_one)).collect();
    let whole: f32 = widths.iter().map(|width| width + between).sum::<f32>() - between;
    let size = style.size.min(width / whole.max(0.1));
    // On the same line as if it had its full size.
    let top = top + (style.size - size) * 0.97;
    let mut x = left;
    for (group, group_width) in groups.iter().zip(widths) {
        sheet.line(x, top, group_width * size + 1.0, group, Style { size, ..style }, From::Outside);
        x += (group_width + between) * size;
    }
}

/// The height of a fingerprint of so many groups.
pub(super) fn fingerprint_height(groups: usize, on_a_line: usize) -> f32 {
    DIGITS.lines(groups.div_ceil(on_a_line))
}

/// A fingerprint in columns, so that the eye can go back to where it was.
pub(super) fn fingerprint(sheet: &mut Sheet<'_>, x: f32, top: f32, width: f32, groups: &[String], on_a_line: usize) {
    let column = (width / on_a_line as f32).min(130.0);
    for (row, line) in groups.chunks(on_a_line).enumerate() {
        for (index, group) in line.iter().enumerate() {
            let left = x + column * index as f32;
            sheet.line(left, top + DIGITS.lines(row), column - 8.0, group, DIGITS, From::Outside);
        }
    }
}
