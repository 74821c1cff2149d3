//! In a call: the guests' pictures with their names, in a grid for any number of them, with one of them large above the others, or
//! with a shared screen beside which everything else is small.

use subrosa_messages::Pii;

use super::icon::Icon;
use super::invitation::{self, Shown};
use super::label;
use super::palette::Colour;
use super::scene::Area;
use super::sheet::{From, Sheet, Style};
use super::stage::{self, Cell};
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
/// Between a shared screen and the column beside it: what is less here is more there.
const BESIDE_A_SCREEN: f32 = 28.0;
/// Small pictures beside a shared screen.
const BESIDE: usize = 3;
/// What the PIN and a link of two lines need beside the fingerprint.
const WAY_IN: f32 = 300.0;
/// Below what stands above an invitation.
const UNDER: f32 = 28.0;

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
    let gap = if meeting.share.is_some() { BESIDE_A_SCREEN } else { invitation::GAP };
    let main = Area { width: free.width - invitation::WIDTH - gap, ..free };
    let side = Area { x: main.right() + gap, width: invitation::WIDTH, ..free };
    let side = over(sheet, invitation, above, side);
    let main = people::chat(sheet, &meeting.lines, meeting.share.is_some(), main);
    let side = match &meeting.share {
        Some(share) => place_share(sheet, share, guests, restarting, (main, side), invitation::least(invitation)),
        None => side,
    };
    let shown = match meeting {
        HostedView { locked: true, .. } => Shown::Locked,
        HostedView { most, .. } if *most > 0 && guests.len() >= *most => Shown::Full(*most),
        _ => Shown::More,
    };
    invitation::place(sheet, invitation, side, shown);
    match meeting {
        HostedView { share: Some(_), .. } => {}
        HostedView { layout: Layout::Speaker, .. } if guests.len() > 1 => speaker(sheet, guests, restarting, main),
        HostedView { layout: Layout::Speaker | Layout::Grid, .. } => grid(sheet, guests, restarting, main),
    }
}

/// Places what stands above the invitation, which gives way to the fingerprint (P8). What is left.
fn over(sheet: &mut Sheet<'_>, invitation: &Invitation, above: Side<'_>, side: Area) -> Area {
    let room = side.height - invitation::least(invitation) - UNDER;
    let used = match above {
        Side::Nothing => 0.0,
        Side::Door(names) => {
            let door = Area { height: awake::DOOR.min(room).max(200.0).min(side.height), ..side };
            awake::door(sheet, names, door, false) + UNDER
        }
        Side::Phone(code) => {
            let height = pairing::height(room);
            pairing::place(sheet, code, Area { height, ..side });
            height + UNDER
        }
    };
    Area { y: side.y + used, height: side.height - used, ..side }
}

/// Who speaks is large, or else whoever came first; some of the others in a row below.
fn speaker(sheet: &mut Sheet<'_>, guests: &[GuestView], restarting: bool, main: Area) {
    let speaker = guests.iter().position(|guest| guest.speaks).unwrap_or(0);
    let (place, row) = above_a_row(main, guests.len().saturating_sub(1).min(ROW));
    if let Some(guest) = guests.get(speaker) {
        place_guest(sheet, guest, above_its_name(place), restarting);
    }
    let others = guests.iter().enumerate().filter(|(index, _)| *index != speaker).map(|(_, guest)| guest);
    for (guest, cell) in others.zip(row) {
        place_guest(sheet, guest, above_its_name(cell), restarting);
    }
}

/// Everybody alike.
fn grid(sheet: &mut Sheet<'_>, guests: &[GuestView], restarting: bool, main: Area) {
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
        place_guest(sheet, guest, above_its_name(cell), restarting);
    }
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

/// A picture, and below it as much as a name needs.
fn above_its_name(area: Area) -> Cell {
    let picture = Area { height: area.height - CAPTION, ..area };
    let caption = Area { x: area.x + 4.0, y: picture.bottom() + 6.0, width: area.width - 8.0, height: CAPTION - 6.0 };
    Cell { picture, caption }
}

fn place_guest(sheet: &mut Sheet<'_>, guest: &GuestView, Cell { picture: place, caption }: Cell, restarting: bool) {
    let words = sheet.words;
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
    if caption.height < Style::WORD.lines(1) {
        return;
    }
    let name = label::printable(guest.name.reveal());
    let name = if name.is_empty() { words.unnamed().to_owned() } else { name };
    let signs = people::signs(guest.muted, guest.hand, true);
    people::line(sheet, (caption.x, caption.y, caption.width), &name, &signs, Style::WORD);
}

/// A shared screen with all the height there is, so that it can be read; whose it is and some of the guests at the head of the
/// column beside it. What is left of the column.
fn place_share(
    sheet: &mut Sheet<'_>,
    share: &ShareView,
    guests: &[GuestView],
    restarting: bool,
    (main, side): (Area, Area),
    least: f32,
) -> Area {
    let words = sheet.words;
    let kept = (least + WAY_IN).min(side.height * 0.6).max(least) + UNDER;
    let room = (side.height - kept).max(0.0);
    let beside = guests.len().min(BESIDE);
    let cells = stage::cells(main, Area { height: room, ..side }, true, 1 + beside);
    let Some((large, small)) = cells.split_first() else { return side };
    let moving = share.moving && share.picture.is_some() && !restarting;
    if let Some(track) = &share.picture {
        sheet.picture(track, large.picture, moving);
    }
    if !moving {
        let (icon, text) =
            if restarting { (Icon::Again, words.restarting()) } else { (Icon::Screen, words.no_picture()) };
        blank::place(sheet, large.picture, icon, text);
    }
    let name = people::named(sheet, Some(&share.name));
    let Area { x, y, width, .. } = large.caption;
    sheet.line(x, y - 4.0, width, &name, Style::WORD, From::Outside);
    sheet.say(x, y - 4.0 + Style::WORD.lines(1), width, words.shares(), Style::DIM, 1);
    for (guest, cell) in guests.iter().zip(small) {
        place_guest(sheet, guest, *cell, restarting);
    }
    let taken = if room > 0.0 { room + UNDER } else { 0.0 };
    Area { y: side.y + taken, height: side.height - taken, ..side }
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
