//! In a call: the guests' pictures with their names, in a grid for any number of them, or with one of them, or a shared
//! screen, large above the others.

use subrosa_messages::Pii;

use super::icon::Icon;
use super::invitation::{self, Shown};
use super::label;
use super::palette::Colour;
use super::scene::Area;
use super::sheet::{From, Sheet, Style};
use super::view::{CodeView, GuestView, HostedView, Invitation, ShareView};
use super::{awake, blank, pairing, people};
use crate::meeting::wish::Layout;

/// More cells than this are too small to know a face in; the others are counted in words.
const MOST: usize = 12;
const BETWEEN: f32 = 20.0;
const CAPTION: f32 = 60.0;
/// From a picture to the frame around whoever speaks.
const FRAME: f32 = 6.0;
/// Small pictures below a large one.
const ROW: usize = 5;

/// What stands above the invitation.
#[derive(Clone, Copy)]
pub(super) enum Side<'a> {
    /// Nothing.
    Nothing,
    /// Who asks to be let in.
    Door(&'a [Pii<String>]),
    /// How a phone is paired.
    Phone(&'a CodeView),
}

/// Places pictures, names and the column beside them.
pub(super) fn place(
    sheet: &mut Sheet<'_>,
    guests: &[GuestView],
    (invitation, meeting): (&Invitation, &HostedView),
    above: Side<'_>,
    restarting: bool,
    free: Area,
) {
    let main = Area { width: free.width - invitation::WIDTH - invitation::GAP, ..free };
    let mut side = Area { x: main.right() + invitation::GAP, width: invitation::WIDTH, ..free };
    // What stands above gives way to the fingerprint (P8).
    let room = side.height - invitation::least(invitation) - 28.0;
    let used = match above {
        Side::Nothing => 0.0,
        Side::Door(names) => {
            let door = Area { height: awake::DOOR.min(room).max(200.0).min(side.height), ..side };
            awake::door(sheet, names, door, false) + 28.0
        }
        Side::Phone(code) => {
            let height = pairing::height(room);
            pairing::place(sheet, code, Area { height, ..side });
            height + 28.0
        }
    };
    side.y += used;
    side.height -= used;
    let shown = match meeting {
        HostedView { locked: true, .. } => Shown::Locked,
        HostedView { most, .. } if *most > 0 && guests.len() >= *most => Shown::Full(*most),
        _ => Shown::More,
    };
    invitation::place(sheet, invitation, side, shown);
    let main = people::chat(sheet, &meeting.lines, meeting.share.is_some(), main);

    // Who speaks is large; else, with that layout, whoever came first.
    let speaker = guests.iter().position(|guest| guest.speaks).unwrap_or(0);
    let large = match (&meeting.share, meeting.layout) {
        (Some(share), Layout::Grid | Layout::Speaker) => Some(Large::Screen(share)),
        (None, Layout::Speaker) if guests.len() > 1 => guests.get(speaker).map(Large::Guest),
        (None, Layout::Grid | Layout::Speaker) => None,
    };
    if let Some(large) = large {
        let others: Vec<&GuestView> = match large {
            Large::Screen(_) => guests.iter().collect(),
            Large::Guest(_) => {
                guests.iter().enumerate().filter(|(index, _)| *index != speaker).map(|(_, guest)| guest).collect()
            }
        };
        let (place, row) = above_a_row(main, others.len().min(ROW));
        match large {
            Large::Screen(share) => place_share(sheet, share, place, restarting),
            Large::Guest(guest) => place_guest(sheet, guest, place, restarting),
        }
        for (guest, cell) in others.iter().zip(row) {
            place_guest(sheet, guest, cell, restarting);
        }
        return;
    }

    let shown = guests.len().min(MOST);
    let hidden = guests.len() - shown;
    let main = if hidden > 0 {
        let text = sheet.words.more_guests_in(hidden);
        let height = Style::DIM.lines(1) + 8.0;
        sheet.line(main.x, main.bottom() - Style::DIM.lines(1), main.width, &text, Style::DIM, From::Us);
        Area { height: main.height - height, ..main }
    } else {
        main
    };
    for (guest, cell) in guests.iter().zip(cells(shown, main)) {
        place_guest(sheet, guest, cell, restarting);
    }
}

/// What is large.
enum Large<'a> {
    Screen(&'a ShareView),
    Guest(&'a GuestView),
}

/// A large place, and so many small ones in a row below it.
fn above_a_row(area: Area, count: usize) -> (Area, Vec<Area>) {
    if count == 0 {
        return (area, Vec::new());
    }
    let width = (area.width - BETWEEN * (ROW - 1) as f32) / ROW as f32;
    let height = (width * 9.0 / 16.0 + CAPTION).min(area.height / 3.0);
    let place = Area { height: area.height - height - BETWEEN, ..area };
    let cell =
        |index: usize| Area { x: area.x + index as f32 * (width + BETWEEN), y: area.bottom() - height, width, height };
    (place, (0..count).map(cell).collect())
}

/// The places of so many pictures: the grid whose pictures come out largest. Each cell is a picture of 16:9 with room
/// for the name below.
fn cells(count: usize, area: Area) -> Vec<Area> {
    let count = count.max(1);
    let best = (1..=count)
        .map(|columns| {
            let rows = count.div_ceil(columns);
            let width = (area.width - BETWEEN * (columns - 1) as f32) / columns as f32;
            let height = (area.height - BETWEEN * (rows - 1) as f32) / rows as f32 - CAPTION;
            (columns, rows, width.min(height * 16.0 / 9.0).max(32.0))
        })
        .max_by(|one, other| one.2.total_cmp(&other.2));
    let Some((columns, rows, width)) = best else { return Vec::new() };
    let height = width * 9.0 / 16.0 + CAPTION;
    let all = height * rows as f32 + BETWEEN * (rows - 1) as f32;
    let line_of = |count: usize| width * count as f32 + BETWEEN * (count as f32 - 1.0);
    // A grid that nearly fills the width starts at the margin, like everything else.
    let slack = area.width - line_of(columns);
    let left = area.x + if slack > 64.0 { slack / 2.0 } else { 0.0 };
    let top = area.y + if rows == 1 && columns == 1 { 0.0 } else { ((area.height - all) / 2.0).max(0.0) };
    (0..count)
        .map(|index| {
            let (row, column) = (index / columns, index % columns);
            // A last row that is not full stands in the middle.
            let in_row = if row + 1 == rows { count - row * columns } else { columns };
            Area {
                x: left + (line_of(columns) - line_of(in_row)) / 2.0 + column as f32 * (width + BETWEEN),
                y: top + row as f32 * (height + BETWEEN),
                width,
                height,
            }
        })
        .collect()
}

fn place_guest(sheet: &mut Sheet<'_>, guest: &GuestView, cell: Area, restarting: bool) {
    let words = sheet.words;
    let place = Area { height: cell.height - CAPTION, ..cell };
    let moving = guest.moving && guest.picture.is_some() && !guest.reconnecting && !restarting;
    if let Some(track) = &guest.picture {
        sheet.picture(track, place, moving);
    }
    if !moving {
        let (icon, text) = if restarting {
            (Icon::Again, words.restarting())
        } else if guest.reconnecting {
            (Icon::Again, words.reconnecting())
        } else {
            (Icon::Person, words.no_picture())
        };
        blank::place(sheet, place, icon, text);
    }
    if guest.speaks {
        // Around the picture, which lies behind the overlay.
        sheet.panel(place.inset(-FRAME), None, Some(Colour::Paper), 0.0);
    }
    let name = label::printable(guest.name.reveal());
    let name = if name.is_empty() { words.unnamed().to_owned() } else { name };
    let signs = people::signs(guest.muted, guest.hand, true);
    people::line(sheet, (cell.x + 4.0, place.bottom() + 6.0, cell.width - 8.0), &name, &signs, Style::WORD);
}

fn place_share(sheet: &mut Sheet<'_>, share: &ShareView, cell: Area, restarting: bool) {
    let words = sheet.words;
    let place = Area { height: cell.height - CAPTION, ..cell };
    let moving = share.moving && share.picture.is_some() && !restarting;
    if let Some(track) = &share.picture {
        sheet.picture(track, place, moving);
    }
    if !moving {
        let (icon, text) =
            if restarting { (Icon::Again, words.restarting()) } else { (Icon::Screen, words.no_picture()) };
        blank::place(sheet, place, icon, text);
    }
    let name = people::named(sheet, Some(&share.name));
    let name = sheet.line(cell.x + 4.0, place.bottom() + 6.0, cell.width * 0.6, &name, Style::WORD, From::Outside);
    let left = cell.x + 24.0 + name;
    sheet.line(left, place.bottom() + 8.0, cell.right() - left, words.shares(), Style::DIM, From::Us);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_guests_has_places_that_do_not_touch() {
        let area = Area { x: 40.0, y: 40.0, width: 1280.0, height: 800.0 };
        for count in 1..=24 {
            let cells = cells(count, area);
            assert_eq!(cells.len(), count);
            for (index, cell) in cells.iter().enumerate() {
                assert!(area.inset(-0.5).contains(cell), "{count} {cell:?}");
                assert!(cells.iter().skip(index + 1).all(|other| !cell.overlaps(other)));
            }
        }
    }
}
