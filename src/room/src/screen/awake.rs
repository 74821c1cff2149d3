//! Awake without a guest: how to get in. And the same with somebody at the door.

use subrosa_messages::Pii;

use super::column::{self, Part};
use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::invitation::{self, Shown};
use super::label::{self, Breaks};
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, SMALL, Sheet, Style};
use super::view::{HostedView, Invitation, View};
use super::{network, pairing};

/// The link is as large as its line allows, within these.
const LINK: (f32, f32) = (50.0, 84.0);
/// The PIN, and the PIN where faults take its room.
const PIN: Style = Style::new(136.0, Weight::Bold, Colour::Paper);
const SMALL_PIN: Style = Style::new(84.0, Weight::Bold, Colour::Paper);

/// Places the scene: link, PIN, code, fingerprint.
pub(super) fn place(sheet: &mut Sheet<'_>, view: &View, (invitation, meeting): (&Invitation, &HostedView), free: Area) {
    let words = sheet.words;
    let tight = !view.faults.is_empty() || !view.asked.is_empty();
    let largest = free.height.min(if tight { 520.0 } else { 616.0 });
    let island = invitation.network.as_ref();
    let column_width = island.map_or(largest, |_| network::width(free.width));
    let column = Area { x: free.right() - column_width, width: column_width, ..free };
    let (left, width) = (free.x, column.x - 64.0 - free.x);
    let (panel, gap) = match &view.remote.code {
        None => (0.0, 0.0),
        Some(_) => (pairing::height(free.height), pairing::GAP),
    };
    let most = free.height - panel - gap;
    let height = island.map_or(largest, |_| network::height(column.width)).min(most);
    let top = free.y + (most - height) / 2.0;
    match island {
        None => {
            let x = column.x + (column.width - height) / 2.0;
            sheet.code(invitation.link_with_token.reveal(), Area { x, y: top, width: height, height });
        }
        Some(network) => network::codes(sheet, network, invitation, Area { y: top, height, ..column }),
    }
    if let Some(phone) = &view.remote.code {
        pairing::place(sheet, phone, Area { y: top + height + gap, height: panel, ..column });
    }

    // The fingerprint stands at the bottom of the column, the rest at the top.
    let mut bottom = free.bottom();
    if let Some(fingerprint) = &invitation.fingerprint {
        let groups = label::fingerprint_groups(fingerprint);
        let head = sheet.paragraph(words.compare_fingerprint(), Style::DIM, width, 2, Breaks::Words);
        // Two codes leave less room beside them.
        let on_a_line = if island.is_some() && width < 960.0 { 4 } else { 8 };
        bottom -= head.height() + 6.0 + invitation::fingerprint_height(groups.len(), on_a_line);
        let below = bottom + head.height() + 6.0;
        sheet.write(left, bottom, Anchor::Start, head, From::Us);
        invitation::fingerprint(sheet, left, below, width, &groups, on_a_line);
        bottom -= 20.0;
    }

    let link = invitation.link.reveal();
    let fitting = width / sheet.measure(link, Style::new(1.0, Weight::SemiBold, Colour::Paper)).max(0.1);
    let link_style =
        Style::new((fitting * 0.995).clamp(LINK.0, if tight { 64.0 } else { LINK.1 }), Weight::SemiBold, Colour::Paper);
    let link = sheet.paragraph(link, link_style, width, 2, Breaks::Link);
    let pin_style = if tight || island.is_some() { SMALL_PIN } else { PIN };
    let accent = Look::Bare { colour: Colour::Rose, ground: Colour::Ink };
    let room = label::printable(&view.room);
    let mut parts = vec![Part::new(2, 0.0, Style::WORD.lines(1), move |sheet, top, _| {
        sheet.icon(Icon::Rose, left, top + 1.0, 52.0, accent);
        sheet.line(left + 72.0, top, width - 72.0, &room, Style::WORD, From::Outside);
    })];
    if let Some(view) = island {
        parts.push(Part::new(3, 22.0, Style::DIM.lines(1), move |sheet, top, _| {
            sheet.say(left, top, width, words.join_network(), Style::DIM, 1);
        }));
        parts.extend(network::by_hand(sheet, view, (left, width), 4));
    }
    parts.extend([
        Part::new(3, if island.is_some() { 22.0 } else { 30.0 }, Style::DIM.lines(1), move |sheet, top, _| {
            let how = if island.is_some() { words.then_open_or_scan() } else { words.open_or_scan() };
            sheet.say(left, top, width, how, Style::DIM, 1);
        }),
        Part::new(6, if island.is_some() { 16.0 } else { 4.0 }, link.height(), move |sheet, top, _| {
            sheet.write(left, top, Anchor::Start, link, From::Outside);
        }),
        Part::new(6, 10.0, pin_style.lines(1), move |sheet, top, _| {
            let base = top + (pin_style.size - SMALL) * 0.97;
            let label = sheet.line(left, base, 200.0, words.pin(), Style::DIM, From::Us);
            invitation::pin(sheet, left + label + 30.0, top, width - label - 30.0, invitation.pin.reveal(), pin_style);
        }),
    ]);
    if invitation.local_only {
        parts.push(Part::new(5, 10.0, Style::DIM.lines(1), move |sheet, top, _| {
            invitation::local_only(sheet, left, top, width)
        }));
    }
    if meeting.most > 1 {
        let text = words.up_to(meeting.most);
        parts.push(Part::new(1, 4.0, Style::DIM.lines(1), move |sheet, top, _| {
            sheet.say(left, top, width, &text, Style::DIM, 1);
        }));
    }
    let phones = (view.remote.phones > 0).then(|| words.phones(view.remote.phones));
    let press = view.remote.code.is_none().then(|| words.press_to_pair().to_owned());
    for (need, text) in [(4, phones), (0, press)] {
        if let Some(text) = text {
            parts.push(Part::new(need, 4.0, Style::DIM.lines(1), move |sheet, top, _| {
                sheet.say(left, top, width, &text, Style::DIM, 1);
            }));
        }
    }
    parts.push(Part::new(1, 4.0, Style::DIM.lines(1), move |sheet, top, _| {
        sheet.say(left, top, width, words.hold_to_end(), Style::DIM, 1);
    }));
    column::place(sheet, parts, free.y, bottom - free.y);
}

/// Places the scene with somebody at the door and nobody in.
pub(super) fn place_asking(
    sheet: &mut Sheet<'_>,
    names: &[Pii<String>],
    (invitation, meeting): (&Invitation, &HostedView),
    free: Area,
) {
    let main = Area { width: free.width - invitation::WIDTH - invitation::GAP, ..free };
    door(sheet, names, Area { height: main.height.min(900.0), ..main }, true);
    let side = Area { x: main.right() + invitation::GAP, width: invitation::WIDTH, ..free };
    invitation::place(sheet, invitation, side, if meeting.locked { Shown::Locked } else { Shown::First });
}

/// Who stands at the door and what a press does, dark on paper: the one thing on the screen that asks for an act.
/// Returns the height of the panel: of the whole place when `large`, else as much as it needs.
pub(super) fn door(sheet: &mut Sheet<'_>, names: &[Pii<String>], place: Area, large: bool) -> f32 {
    let words = sheet.words;
    let ink = |size: f32, weight| Style::new(size, weight, Colour::Ink);
    let (margin, gap, button) = if large { (64.0, 40.0, 84.0) } else { (26.0, 18.0, 48.0) };
    let inside = place.inset(margin);
    let (left, width) = (inside.x, inside.width);
    let indent = button * 1.35;
    let name = names.first().map(|name| label::printable(name.reveal())).unwrap_or_default();
    let (name, from) = if name.is_empty() { (words.unnamed().to_owned(), From::Us) } else { (name, From::Outside) };
    let name_style = if large { ink(112.0, Weight::Bold) } else { ink(48.0, Weight::Bold) };
    let press_style = if large { ink(60.0, Weight::SemiBold) } else { ink(SMALL, Weight::SemiBold) };
    let name = sheet.paragraph(&name, name_style, width, if large { 2 } else { 1 }, Breaks::Words);
    let wants = ink(if large { 56.0 } else { SMALL }, Weight::Regular);
    let wants = sheet.paragraph(words.wants_in(), wants, width, 1, Breaks::Words);
    let press = sheet.paragraph(words.press_to_admit(), press_style, width - indent, 2, Breaks::Words);
    let look = Look::Bare { colour: Colour::Ink, ground: Colour::Paper };
    let mut parts = vec![
        Part::new(3, 0.0, name.height(), move |sheet, top, _| {
            sheet.write(left, top, Anchor::Start, name, from);
        }),
        Part::new(2, 0.0, wants.height(), move |sheet, top, _| {
            sheet.write(left, top, Anchor::Start, wants, From::Us);
        }),
        Part::new(4, gap, press.height(), move |sheet, top, _| {
            sheet.icon(Icon::Button, left, top + (press_style.lines(1) - button) / 2.0, button, look);
            sheet.write(left + indent, top, Anchor::Start, press, From::Us);
        }),
    ];
    let more = (names.len() > 1).then(|| words.more_waiting(names.len() - 1));
    let until = large.then(|| words.until_pressed().to_owned());
    for (need, text) in [(0, until), (1, more)] {
        if let Some(text) = text {
            let text =
                sheet.paragraph(&text, ink(if large { 46.0 } else { SMALL }, Weight::Regular), width, 2, Breaks::Words);
            parts.push(Part::new(need, gap * 0.6, text.height(), move |sheet, top, _| {
                sheet.write(left, top, Anchor::Start, text, From::Us);
            }));
        }
    }
    column::fit(&mut parts, inside.height);
    let height = if large { place.height } else { column::total(&parts) + 2.0 * margin };
    sheet.panel(Area { height, ..place }, Some(Colour::Paper), None, 20.0);
    let top = if large { inside.y + (inside.height - column::total(&parts)) * 0.46 } else { inside.y };
    column::place(sheet, parts, top, inside.height);
    height
}

/// How high the small form of [`door`] is at most.
pub(super) const DOOR: f32 = 400.0;
