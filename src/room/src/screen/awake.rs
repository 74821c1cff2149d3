//! Awake without a guest: how to get in. And the same with somebody at the door.

use subrosa_messages::Pii;

use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::invitation::{self, Shown};
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Sheet, Style};
use super::view::{Invitation, View};

const LINK: Style = Style::new(66.0, Weight::SemiBold, Colour::Paper);
const LONG_LINK: Style = Style::new(50.0, Weight::SemiBold, Colour::Paper);
const PIN: Style = Style::new(132.0, Weight::Bold, Colour::Paper);

/// Places the scene: link, PIN, code, fingerprint.
pub(super) fn place(sheet: &mut Sheet<'_>, view: &View, invitation: &Invitation, free: Area) {
    let words = sheet.words;
    let tight = !view.faults.is_empty();
    let side = free.height.min(if tight { 520.0 } else { 610.0 });
    let code = Area { x: free.right() - side, y: free.y + (free.height - side) / 2.0, width: side, height: side };
    let left = free.x;
    let width = code.x - 64.0 - left;
    sheet.code(invitation.link_with_token.reveal(), code);

    // The fingerprint stands at the bottom of the column, the rest from the top; the space between takes up the slack.
    let mut bottom = free.bottom();
    if let Some(fingerprint) = &invitation.fingerprint {
        let groups = label::fingerprint_groups(fingerprint);
        let head = sheet.paragraph(words.compare_fingerprint(), Style::DIM, width, 2, Breaks::Words);
        let height = head.height() + 8.0 + invitation::fingerprint_height(groups.len(), 8);
        bottom -= height;
        let below = bottom + head.height() + 8.0;
        sheet.write(left, bottom, Anchor::Start, head, From::Us);
        invitation::fingerprint(sheet, left, below, width, &groups, 8);
    }

    let mut top = free.y;
    let room = label::printable(&view.room);
    if !tight {
        sheet.icon(Icon::Rose, left, top + 1.0, 52.0, Look::Bare { colour: Colour::Rose, ground: Colour::Ink });
        sheet.line(left + 72.0, top, width - 72.0, Anchor::Start, &room, Style::WORD, From::Outside);
        top += Style::WORD.lines(1) + 30.0;
    }
    top += sheet.say(left, top, width, words.open_or_scan(), Style::DIM, 1) + 4.0;
    let link = invitation.link.reveal();
    let style = if sheet.measure(link, LINK) <= width { LINK } else { LONG_LINK };
    let link = sheet.paragraph(link, style, width, 2, Breaks::Link);
    top += sheet.write(left, top, Anchor::Start, link, From::Outside) + 14.0;
    let row = PIN.lines(1);
    if top + row <= bottom {
        let label_width = sheet.line(left, top + row - 70.0, 200.0, Anchor::Start, words.pin(), Style::DIM, From::Us);
        let groups = label::pin_groups(invitation.pin.reveal());
        let mut x = left + label_width + 32.0;
        for group in groups {
            x += sheet.line(x, top, (left + width - x).max(1.0), Anchor::Start, &group, PIN, From::Outside) + 40.0;
        }
        top += row + 6.0;
    }
    if invitation.local_only && top + 58.0 <= bottom {
        sheet.icon(Icon::House, left, top + 1.0, 50.0, Look::Bare { colour: Colour::PaperDim, ground: Colour::Ink });
        sheet.say(left + 70.0, top, width - 70.0, words.local_only(), Style::DIM, 1);
    }
}

/// Places the scene with somebody at the door and nobody in.
pub(super) fn place_asking(sheet: &mut Sheet<'_>, names: &[Pii<String>], invitation: &Invitation, free: Area) {
    let side = invitation::WIDTH;
    let main = Area { width: free.width - side - invitation::GAP, ..free };
    let panel_height = main.height.min(640.0);
    let panel = Area { y: main.y + (main.height - panel_height) / 2.0, height: panel_height, ..main };
    door(sheet, names, panel, true);
    let side = Area { x: main.right() + invitation::GAP, width: side, ..free };
    invitation::place(sheet, invitation, side, Shown::First);
}

/// Who stands at the door and what a press does, dark on paper: the one thing on the screen that asks for an act.
/// Returns the height of the panel.
pub(super) fn door(sheet: &mut Sheet<'_>, names: &[Pii<String>], panel: Area, large: bool) -> f32 {
    let words = sheet.words;
    let scale = if large { 1.0 } else { 0.5 };
    let ink = |size: f32, weight| Style::new(size, weight, Colour::Ink);
    let inside = panel.inset(if large { 64.0 } else { 28.0 });
    let name = names.first().map(|name| label::printable(name.reveal())).unwrap_or_default();
    let (name, from) = if name.is_empty() { (words.unnamed().to_owned(), From::Us) } else { (name, From::Outside) };
    let name_style = ink(if large { 112.0 } else { 52.0 }, Weight::Bold);
    let line_style = ink(if large { 56.0 } else { 41.5 }, Weight::Regular);
    let press_style = ink(if large { 60.0 } else { 41.5 }, Weight::SemiBold);
    let button = if large { 84.0 } else { 48.0 };
    let indent = button + if large { 30.0 } else { 18.0 };
    let name = sheet.paragraph(&name, name_style, inside.width, if large { 2 } else { 1 }, Breaks::Words);
    let wants = sheet.paragraph(words.wants_in(), line_style, inside.width, 1, Breaks::Words);
    let press = sheet.paragraph(words.press_to_admit(), press_style, inside.width - indent, 2, Breaks::Words);
    let more = (names.len() > 1).then(|| words.more_waiting(names.len() - 1));
    let more = more.map(|text| sheet.paragraph(&text, ink(41.5, Weight::Regular), inside.width, 2, Breaks::Words));
    let until = large.then(|| sheet.paragraph(words.until_pressed(), ink(46.0, Weight::Regular), inside.width, 2, Breaks::Words));
    let gap = 40.0 * scale;
    let below = [&more, &until].into_iter().flatten().map(|paragraph| paragraph.height() + gap * 0.6).sum::<f32>();
    let height = name.height() + wants.height() + gap + press.height() + below;
    let panel = if large { panel } else { Area { height: (height + 56.0).min(panel.height), ..panel } };
    sheet.panel(panel, Some(Colour::Paper), None, 20.0);
    let mut top = if large { inside.y + (inside.height - height) / 2.0 } else { inside.y };
    top += sheet.write(inside.x, top, Anchor::Start, name, from);
    top += sheet.write(inside.x, top, Anchor::Start, wants, From::Us) + gap;
    let look = Look::Bare { colour: Colour::Ink, ground: Colour::Paper };
    sheet.icon(Icon::Button, inside.x, top + (press_style.lines(1) - button) / 2.0, button, look);
    top += sheet.write(inside.x + indent, top, Anchor::Start, press, From::Us);
    for paragraph in [until, more].into_iter().flatten() {
        top += gap * 0.6;
        top += sheet.write(inside.x, top, Anchor::Start, paragraph, From::Us);
    }
    panel.height
}

/// How high the small form of [`door`] is at most.
pub(super) const DOOR: f32 = 400.0;
