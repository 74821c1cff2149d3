//! The column at the right of a call: how further guests get in, and the fingerprint while the device is not checked.
//! What has no room is left out, the least needed first.

use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, SMALL, Sheet, Style};
use super::view::Invitation;

/// Width of the column.
pub(super) const WIDTH: f32 = 500.0;

/// Between the column and what is left of it.
pub(super) const GAP: f32 = 56.0;

const LINK: Style = Style::new(SMALL, Weight::SemiBold, Colour::Paper);
const PIN: Style = Style::new(56.0, Weight::Bold, Colour::Paper);
const DIGITS: Style = Style::new(SMALL, Weight::Regular, Colour::Paper);

/// Smaller than this a code is no use from a chair.
const SMALLEST_CODE: f32 = 200.0;
const BETWEEN: f32 = 16.0;

/// Whom the column is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nobody is in yet.
    First,
    /// Guests are in; this is for more.
    More,
}

/// A part of the column and its height, in the order in which they stand.
enum Part {
    Head,
    Code,
    Link(super::sheet::Paragraph),
    Pin,
    Local,
    Fingerprint(Vec<String>),
    Hold(super::sheet::Paragraph),
}

impl Part {
    fn height(&self) -> f32 {
        match self {
            Part::Head => Style::WORD.lines(1),
            Part::Code => SMALLEST_CODE,
            Part::Link(link) => link.height(),
            Part::Pin => PIN.lines(1),
            Part::Local => Style::DIM.lines(1),
            Part::Fingerprint(groups) => Style::DIM.lines(1) + fingerprint_height(groups.len(), 4),
            Part::Hold(text) => text.height(),
        }
    }

    /// Who goes last when there is no room: the fingerprint (P8), then what lets guests in.
    fn need(&self) -> u8 {
        match self {
            Part::Fingerprint(_) => 6,
            Part::Pin => 5,
            Part::Link(_) => 4,
            Part::Head => 3,
            Part::Local => 2,
            Part::Code => 1,
            Part::Hold(_) => 0,
        }
    }
}

/// Places the column.
pub(super) fn place(sheet: &mut Sheet<'_>, invitation: &Invitation, area: Area, shown: Shown) {
    let words = sheet.words;
    let link = sheet.paragraph(invitation.link.reveal(), LINK, area.width, 3, Breaks::Link);
    let hold = sheet.paragraph(words.hold_to_end(), Style::DIM, area.width, 2, Breaks::Words);
    let mut parts = vec![Part::Head, Part::Code, Part::Link(link), Part::Pin];
    if invitation.local_only {
        parts.push(Part::Local);
    }
    if let Some(fingerprint) = &invitation.fingerprint {
        parts.push(Part::Fingerprint(label::fingerprint_groups(fingerprint)));
    }
    parts.push(Part::Hold(hold));
    let height = |parts: &[Part]| parts.iter().map(|part| part.height() + BETWEEN).sum::<f32>() - BETWEEN;
    while height(&parts) > area.height && !parts.is_empty() {
        let least = parts.iter().map(Part::need).min().unwrap_or_default();
        parts.retain(|part| part.need() != least);
    }
    // The code takes the space that is left.
    let spare = (area.height - height(&parts)).max(0.0);
    let code = (SMALLEST_CODE + spare).min(area.width * 0.84);
    let mut top = area.y;
    for part in parts {
        top += match part {
            Part::Head => {
                let head = match shown {
                    Shown::First => words.how_in(),
                    Shown::More => words.more_guests(),
                };
                sheet.line(area.x, top, area.width, Anchor::Start, head, Style::WORD, From::Us);
                Style::WORD.lines(1)
            }
            Part::Code => {
                let place = Area { x: area.x, y: top, width: code, height: code };
                if sheet.code(invitation.link_with_token.reveal(), place) { code } else { -BETWEEN }
            }
            Part::Link(link) => sheet.write(area.x, top, Anchor::Start, link, From::Outside),
            Part::Pin => {
                let label = sheet.line(area.x, top + 11.0, 140.0, Anchor::Start, words.pin(), Style::DIM, From::Us);
                let mut x = area.x + label + 22.0;
                for group in label::pin_groups(invitation.pin.reveal()) {
                    x += sheet.line(x, top, (area.right() - x).max(1.0), Anchor::Start, &group, PIN, From::Outside) + 18.0;
                }
                PIN.lines(1)
            }
            Part::Local => {
                let look = Look::Bare { colour: Colour::PaperDim, ground: Colour::Ink };
                sheet.icon(Icon::House, area.x, top + 3.0, 44.0, look);
                sheet.line(area.x + 60.0, top, area.width - 60.0, Anchor::Start, words.local_only(), Style::DIM, From::Us);
                Style::DIM.lines(1)
            }
            Part::Fingerprint(groups) => {
                let head = sheet.say(area.x, top, area.width, words.fingerprint(), Style::DIM, 1);
                fingerprint(sheet, area.x, top + head, area.width, &groups, 4);
                head + fingerprint_height(groups.len(), 4)
            }
            Part::Hold(text) => sheet.write(area.x, top, Anchor::Start, text, From::Us),
        };
        top += BETWEEN;
    }
}

/// The height of a fingerprint of so many groups.
pub(super) fn fingerprint_height(groups: usize, on_a_line: usize) -> f32 {
    DIGITS.lines(groups.div_ceil(on_a_line))
}

/// A fingerprint in columns, so that the eye can go back to where it was.
pub(super) fn fingerprint(sheet: &mut Sheet<'_>, x: f32, top: f32, width: f32, groups: &[String], on_a_line: usize) {
    let column = (width / on_a_line as f32).min(124.0);
    for (row, line) in groups.chunks(on_a_line).enumerate() {
        for (index, group) in line.iter().enumerate() {
            let left = x + column * index as f32;
            sheet.line(left, top + DIGITS.lines(row), column - 8.0, Anchor::Start, group, DIGITS, From::Outside);
        }
    }
}
