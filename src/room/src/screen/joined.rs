//! In a meeting elsewhere: pictures, names, and the signs of what the server and the moderator do.

use super::icon::{Icon, Look};
use super::label::Breaks;
use super::palette::Colour;
use super::scene::{Anchor, Area};
use super::sheet::{From, Sheet, Style};
use super::stage::{self, Cell};
use super::text::Words;
use super::view::{ConsentView, JoinedView, PictureView};
use super::{blank, people};

/// Between the things in the column.
const GAP: f32 = 20.0;

/// Places the scene.
pub(super) fn place(sheet: &mut Sheet<'_>, meeting: &JoinedView, restarting: bool, free: Area) {
    let words = sheet.words;
    let free = trouble(sheet, meeting, restarting, free);
    let pictures = meeting.stage.get(..stage::MOST).unwrap_or(&meeting.stage);
    let shared = pictures.first().is_some_and(|picture| picture.screen);
    let signs = signs(words, meeting);
    let rest = people::not_on_stage(meeting);
    let something_else = !signs.is_empty() || pictures.len() != 1 || !rest.is_empty();
    let (main, column) = stage::split(free, shared, something_else);
    let main = people::chat(sheet, &meeting.lines, shared, main);
    let column = place_signs(sheet, &signs, column);
    let mut top = column.y;
    if pictures.is_empty() {
        everybody(sheet, meeting, main);
    } else {
        // Names have room for three where it makes two small pictures little smaller, else for one or their number.
        let rows = rest.len().min(if pictures.len() <= 3 && column.height > 640.0 { 3 } else { 1 });
        let kept = if rest.is_empty() { 0.0 } else { GAP + rows as f32 * people::ROW };
        let cells = stage::cells(main, Area { height: column.height - kept, ..column }, shared, pictures.len());
        for (index, (picture, cell)) in pictures.iter().zip(&cells).enumerate() {
            let alone = index == 0 && column.width == 0.0;
            place_picture(sheet, picture, *cell, index == 0, restarting, alone);
            let bottom = cell.picture.bottom().max(cell.caption.bottom());
            top = match index {
                0 if shared => cell.caption.bottom() + GAP,
                0 => top,
                _ => top.max(bottom + GAP),
            };
        }
        let below = Area { y: top, height: column.bottom() - top, ..column };
        top = people::list(sheet, &rest, below, 1);
    }
    // How to leave, at the foot of the column.
    if column.width > 0.0 {
        let hold = sheet.paragraph(words.hold_to_leave(), Style::DIM, column.width, 2, Breaks::Words);
        if top + GAP + hold.height() <= column.bottom() {
            sheet.write(column.x, column.bottom() - hold.height(), Anchor::Start, hold, From::Us);
        }
    }
}

/// What is wrong with the way to the server, above everything else; what is left below.
fn trouble(sheet: &mut Sheet<'_>, meeting: &JoinedView, restarting: bool, free: Area) -> Area {
    let words = sheet.words;
    let text = if meeting.reconnecting {
        words.reconnecting_to_server()
    } else if meeting.no_bridge {
        words.no_bridge()
    } else if restarting && meeting.stage.is_empty() {
        words.restarting()
    } else {
        return free;
    };
    let look = Look::Bare { colour: Colour::Amber, ground: Colour::Ink };
    sheet.icon(Icon::Again, free.x, free.y, 48.0, look);
    sheet.line(free.x + 72.0, free.y - 1.0, free.width - 72.0, text, Style::WORD, From::Us);
    let taken = 72.0;
    Area { y: free.y + taken, height: free.height - taken, ..free }
}

/// What people must know while it lasts, the most important first.
fn signs(words: Words, meeting: &JoinedView) -> Vec<(Icon, Look, &'static str)> {
    let live = Look::Filled { disc: Colour::Paper, glyph: Colour::Ink };
    let plain = Look::Bare { colour: Colour::Paper, ground: Colour::Ink };
    let signs = [
        (meeting.consent == ConsentView::Asked, Icon::Tape, live, words.consent_asked()),
        (meeting.consent == ConsentView::AskedToStream, Icon::Tape, live, words.consent_asked_to_stream()),
        (meeting.consent == ConsentView::Given, Icon::Tape, live, words.consent_given()),
        (meeting.records, Icon::Tape, live, words.records()),
        (meeting.ask_to_speak, Icon::MicrophoneClosed, plain, words.ask_to_speak()),
        (meeting.hand, Icon::Hand, plain, words.hand_raised()),
    ];
    // A question leaves place for one sign more.
    let most = if meeting.consent == ConsentView::Nothing { 3 } else { 2 };
    signs.into_iter().filter(|(holds, ..)| *holds).map(|(_, icon, look, text)| (icon, look, text)).take(most).collect()
}

/// Places them at the head of the column; what is left below.
fn place_signs(sheet: &mut Sheet<'_>, signs: &[(Icon, Look, &'static str)], column: Area) -> Area {
    let mut top = column.y;
    for (icon, look, text) in signs {
        let filled = matches!(look, Look::Filled { .. });
        let side = if filled { 64.0 } else { 52.0 };
        let left = 78.0;
        let text = sheet.paragraph(text, Style::WORD, column.width - left, 3, Breaks::Words);
        let height = text.height().max(side);
        sheet.icon(*icon, column.x + (64.0 - side) / 2.0, top + (height - side) / 2.0, side, *look);
        sheet.write(column.x + left, top + (height - text.height()) / 2.0, Anchor::Start, text, From::Us);
        top += height + GAP;
    }
    Area { y: top, height: (column.bottom() - top).max(0.0), ..column }
}

/// Nobody has a picture: names, large, or that nobody is there.
fn everybody(sheet: &mut Sheet<'_>, meeting: &JoinedView, main: Area) {
    let words = sheet.words;
    if meeting.others.is_empty() {
        blank::place(sheet, main, Icon::Person, words.nobody_else());
        return;
    }
    sheet.say(main.x, main.y, main.width, words.nobody_shows(), Style::DIM, 1);
    let taken = people::ROW + 8.0;
    let below = Area { y: main.y + taken, height: main.height - taken, ..main };
    people::large_list(sheet, &people::not_on_stage(meeting), below);
}

/// A picture, or why there is none, and whose it is.
fn place_picture(sheet: &mut Sheet<'_>, picture: &PictureView, cell: Cell, large: bool, restarting: bool, alone: bool) {
    let words = sheet.words;
    let moving = picture.moving && picture.picture.is_some() && !picture.missing && !restarting;
    if let Some(track) = &picture.picture {
        sheet.picture(track, cell.picture, moving);
    }
    if !moving {
        let (icon, text) = if restarting {
            (Icon::Again, words.restarting())
        } else if picture.missing {
            (Icon::Weak, words.too_narrow())
        } else if picture.screen {
            (Icon::Screen, words.no_picture())
        } else {
            (Icon::Person, words.no_picture())
        };
        blank::place(sheet, cell.picture, icon, text);
    }
    let name = people::named(sheet, picture.name.as_ref());
    let signs = people::signs(picture.muted, picture.hand, true);
    let line = Style::WORD.lines(1);
    let Area { x, y, mut width, height } = cell.caption;
    let lines = (height / line).floor() as usize;
    if picture.screen && large && lines >= 2 {
        people::line(sheet, (x, y - 4.0, width), &name, &signs, Style::WORD);
        sheet.say(x, y - 4.0 + line, width, words.shares(), Style::DIM, 1);
    } else if lines >= 2 && !signs.is_empty() {
        let name = sheet.paragraph(&name, Style::WORD, width, (lines - 1).min(2), Breaks::Words);
        let below = y + sheet.write(x, y - 4.0, Anchor::Start, name, From::Outside);
        people::place_signs(sheet, x, below, &signs);
    } else if lines >= 2 {
        let name = sheet.paragraph(&name, Style::WORD, width, lines.min(2), Breaks::Words);
        sheet.write(x, y - 4.0, Anchor::Start, name, From::Outside);
    } else if lines == 1 {
        if alone {
            // Nothing stands beside it, so this has no other place.
            let hold = words.hold_to_leave();
            width -= sheet.line_to(x + width, y, width, hold, Style::DIM, From::Us) + 32.0;
        }
        people::line(sheet, (x, y, width), &name, &signs, Style::WORD);
    }
}
