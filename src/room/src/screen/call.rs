//! In a call: the guests' pictures with their names, in a grid for any number of them.

use subrosa_messages::Pii;

use super::icon::Icon;
use super::invitation::{self, Shown};
use super::label;
use super::scene::Area;
use super::sheet::{From, Sheet, Style};
use super::view::{GuestView, Invitation};
use super::{awake, blank};

/// More cells than this are too small to know a face in; the others are counted in words.
const MOST: usize = 12;
const BETWEEN: f32 = 20.0;
const CAPTION: f32 = 60.0;

/// Places pictures, names and the column beside them.
pub(super) fn place(
    sheet: &mut Sheet<'_>,
    guests: &[GuestView],
    invitation: &Invitation,
    at_the_door: &[Pii<String>],
    restarting: bool,
    free: Area,
) {
    let main = Area { width: free.width - invitation::WIDTH - invitation::GAP, ..free };
    let mut side = Area { x: main.right() + invitation::GAP, width: invitation::WIDTH, ..free };
    if !at_the_door.is_empty() {
        // What is said about the guest at the door gives way to the fingerprint (P8).
        let below = invitation::least(invitation) + 28.0;
        let door = Area { height: awake::DOOR.min(side.height - below).max(200.0).min(side.height), ..side };
        let used = awake::door(sheet, at_the_door, door, false);
        side.y += used + 28.0;
        side.height -= used + 28.0;
    }
    invitation::place(sheet, invitation, side, Shown::More);

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
    let name = label::printable(guest.name.reveal());
    let name = if name.is_empty() { words.unnamed().to_owned() } else { name };
    sheet.line(cell.x + 4.0, place.bottom() + 6.0, cell.width - 8.0, &name, Style::WORD, From::Outside);
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
