//! People in a meeting elsewhere: their names with signs, and what they write.

use subrosa_messages::Pii;

use super::fonts::Weight;
use super::icon::{Icon, Look};
use super::label;
use super::palette::Colour;
use super::scene::Area;
use super::sheet::{From, SMALL, Sheet, Style};
use super::view::{JoinedView, LineView, PersonView};

/// The height of one name in a list.
pub(super) const ROW: f32 = 56.0;

/// More of a text than this is not even measured: no line is as long.
const LONGEST: usize = 240;

const LARGE_ROW: f32 = 92.0;
const SIGN: f32 = 42.0;
const BETWEEN: f32 = 12.0;
const GONE: Style = Style::new(42.5, Weight::SemiBold, Colour::PaperDim);
const TEXT: Style = Style::new(SMALL, Weight::Regular, Colour::Paper);

/// Lines of the chat that are shown at most.
const LINES: usize = 4;

/// A text from outside as it can be shown on one line.
pub(super) fn outside(text: &Pii<String>) -> String {
    let beginning: String = text.reveal().chars().take(LONGEST).collect();
    label::printable(&beginning)
}

/// A name, or that there is none.
pub(super) fn named(sheet: &Sheet<'_>, name: Option<&Pii<String>>) -> String {
    let name = name.map(outside).unwrap_or_default();
    if name.is_empty() { sheet.words.unnamed().to_owned() } else { name }
}

/// The signs beside a name.
pub(super) fn signs(muted: bool, hand: bool, connected: bool) -> Vec<Icon> {
    let signs = [(hand, Icon::Hand), (muted, Icon::MicrophoneClosed), (!connected, Icon::Again)];
    signs.into_iter().filter(|(holds, _)| *holds).map(|(_, icon)| icon).collect()
}

/// A name with its signs behind it, on one line.
pub(super) fn line(sheet: &mut Sheet<'_>, (x, top, width): (f32, f32, f32), name: &str, signs: &[Icon], style: Style) {
    let taken = signs.len() as f32 * (SIGN + BETWEEN);
    let name = sheet.line(x, top, (width - taken).max(0.0), name, style, From::Outside);
    place_signs(sheet, x + name + BETWEEN, top, signs);
}

/// Signs in a row.
pub(super) fn place_signs(sheet: &mut Sheet<'_>, x: f32, top: f32, signs: &[Icon]) {
    for (index, icon) in signs.iter().enumerate() {
        let colour = if *icon == Icon::Hand { Colour::Paper } else { Colour::PaperDim };
        let look = Look::Bare { colour, ground: Colour::Ink };
        sheet.icon(*icon, x + index as f32 * (SIGN + BETWEEN), top + 5.0, SIGN, look);
    }
}

/// Everybody who is not on the stage, raised hands first. People and pictures are matched by what they are called: who
/// looks at the screen can tell them apart by nothing else.
pub(super) fn not_on_stage(meeting: &JoinedView) -> Vec<&PersonView> {
    let mut people: Vec<&PersonView> = meeting.others.iter().collect();
    let cameras = || meeting.stage.iter().filter(|picture| !picture.screen);
    let screens = meeting.stage.iter().filter(|picture| picture.screen);
    let alone = screens.filter(|screen| cameras().all(|camera| camera.name != screen.name));
    for picture in cameras().chain(alone) {
        let exactly = |person: &&PersonView| {
            person.name == picture.name && person.muted == picture.muted && person.hand == picture.hand
        };
        let place =
            people.iter().position(exactly).or_else(|| people.iter().position(|person| person.name == picture.name));
        if let Some(place) = place {
            people.remove(place);
        }
    }
    people.sort_by_key(|person| !person.hand);
    people
}

/// Names, large, where nothing else is to be shown: in as many columns as it takes.
pub(super) fn large_list(sheet: &mut Sheet<'_>, people: &[&PersonView], area: Area) {
    let rows = (area.height / LARGE_ROW).floor().max(0.0) as usize;
    if people.len() > rows {
        let rows = (area.height / ROW).floor().max(1.0) as usize;
        list(sheet, people, area, people.len().div_ceil(rows).clamp(1, 3));
        return;
    }
    for (index, person) in people.iter().enumerate() {
        let colour = if person.connected { Colour::Paper } else { Colour::PaperDim };
        let style = Style::new(64.0, Weight::SemiBold, colour);
        let top = area.y + index as f32 * LARGE_ROW;
        let (name, signs) = (named(sheet, person.name.as_ref()), signs(person.muted, person.hand, person.connected));
        let room = (area.width - signs.len() as f32 * (SIGN + BETWEEN) - BETWEEN).max(0.0);
        let name = sheet.line(area.x, top, room, &name, style, From::Outside);
        place_signs(sheet, area.x + name + 2.0 * BETWEEN, top + 16.0, &signs);
    }
}

/// Names under each other in so many columns, as many as fit; the others are counted. Where it ends.
pub(super) fn list(sheet: &mut Sheet<'_>, people: &[&PersonView], area: Area, columns: usize) -> f32 {
    let rows = (area.height / ROW).floor().max(0.0) as usize;
    if people.is_empty() || rows == 0 {
        return area.y;
    }
    let all = people.len() <= rows * columns;
    let rows = if all { rows } else { rows - 1 };
    let shown = people.len().min(rows * columns);
    let width = area.width / columns as f32;
    // Filled column by column, each as long as the others.
    let down = shown.div_ceil(columns).max(1);
    for (index, person) in people.iter().take(shown).enumerate() {
        let (column, row) = (index / down, index % down);
        let (x, top) = (area.x + column as f32 * width, area.y + row as f32 * ROW);
        let name = named(sheet, person.name.as_ref());
        let style = if person.connected { Style::WORD } else { GONE };
        let signs = signs(person.muted, person.hand, person.connected);
        line(sheet, (x, top, width - 20.0), &name, &signs, style);
    }
    let mut bottom = area.y + shown.min(down) as f32 * ROW;
    if !all {
        let text = sheet.words.more_guests_in(people.len() - shown);
        sheet.line(area.x, bottom, area.width, &text, Style::DIM, From::Us);
        bottom += ROW;
    }
    bottom
}

/// Writes the newest lines of the chat along the lower edge; what is left above them. A shared screen leaves room for
/// the newest one.
pub(super) fn chat(sheet: &mut Sheet<'_>, lines: &[LineView], shared_screen: bool, area: Area) -> Area {
    let most = if shared_screen { 1 } else { LINES };
    let room = ((area.height * 0.4 - 20.0) / ROW).floor().max(0.0) as usize;
    let shown = lines.len().min(most).min(room);
    if shown == 0 {
        return area;
    }
    let height = shown as f32 * ROW;
    let left = area.x + 64.0;
    let look = Look::Bare { colour: Colour::PaperDim, ground: Colour::Ink };
    sheet.icon(Icon::Chat, area.x, area.bottom() - height + 3.0, 44.0, look);
    for (index, line) in lines.iter().skip(lines.len() - shown).enumerate() {
        let top = area.bottom() - height + index as f32 * ROW;
        let name = named(sheet, line.name.as_ref());
        let name = sheet.line(left, top, area.width * 0.3, &name, GONE, From::Outside);
        let x = left + name + 20.0;
        sheet.line(x, top + 1.0, area.right() - x, &outside(&line.text), TEXT, From::Outside);
    }
    Area { height: area.height - height - 14.0, ..area }
}
