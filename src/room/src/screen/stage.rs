//! Where the pictures of a meeting elsewhere stand: the large one at the left, the small ones under each other in a
//! column at the right. One arithmetic for the scene, which shows them there, and for [`heights`], which says how large
//! it is worth asking for them.

use subrosa_messages::media::Size;

use super::lamps;
use super::scene::Area;
use super::sheet::{Ground, Style};

/// The most pictures that are shown at once: a large one and five small ones.
pub const MOST: usize = 6;

/// Under a picture, for the name.
pub(super) const CAPTION: f32 = 60.0;

/// Between two small pictures.
const BETWEEN: f32 = 18.0;

/// A large picture with more space beside it than this stands in the middle of it.
const SLACK: f32 = 480.0;

/// The least width that a name beside its picture is worth.
const NAME: f32 = 190.0;

/// Width of the column, and what is left free beside it; a shared screen leaves it less.
const COLUMN: (f32, f32) = (486.0, 48.0);
const NARROW: (f32, f32) = (396.0, 32.0);

/// The place of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cell {
    /// Of the picture itself.
    pub picture: Area,
    /// Of the name and its signs; without a height where there is no room for any.
    pub caption: Area,
}

/// What is left for the large picture, and the column for all else. Where there is nothing else, the picture alone has
/// all the width that makes it larger, and the column has none.
pub(super) fn split(free: Area, shared_screen: bool, something_else: bool) -> (Area, Area) {
    let (width, gap) = if shared_screen { NARROW } else { COLUMN };
    let width = width.min(free.width / 2.0);
    let main = Area { width: (free.width - width - gap).max(free.width / 4.0), ..free };
    if !something_else && !shared_screen && main.width + 1.0 < (free.height - CAPTION) * 16.0 / 9.0 {
        return (free, Area { x: free.right(), width: 0.0, ..free });
    }
    (main, Area { x: free.right() - width, width, ..free })
}

/// The places of so many pictures in what [`split`] made. The name of a shared screen stands at the head of the
/// column, so that the screen has the whole height.
pub(super) fn cells(main: Area, column: Area, shared_screen: bool, count: usize) -> Vec<Cell> {
    let count = count.min(MOST);
    if count == 0 {
        return Vec::new();
    }
    let line = Style::WORD.lines(1);
    let (large, column) = if shared_screen {
        let head = Area { height: (2.0 * line).min(column.height), ..column };
        let taken = (head.height + BETWEEN).min(column.height);
        let below = Area { y: column.y + taken, height: column.height - taken, ..column };
        (Cell { picture: main, caption: head }, below)
    } else {
        let picture = sixteen_to_nine(Area { height: (main.height - CAPTION).max(0.0), ..main });
        // A picture that nearly fills the width starts at the margin, like everything else.
        let slack = main.width - picture.width;
        let picture = Area { x: main.x + if slack > SLACK { slack / 2.0 } else { 0.0 }, ..picture };
        (Cell { picture, caption: below(picture, picture.width) }, column)
    };
    let mut cells = vec![large];
    cells.extend(small(column, count - 1));
    cells
}

/// The largest picture at the upper left.
fn sixteen_to_nine(area: Area) -> Area {
    let width = area.width.min(area.height * 16.0 / 9.0);
    Area { width, height: width * 9.0 / 16.0, ..area }
}

fn below(picture: Area, width: f32) -> Area {
    Area { y: picture.bottom() + 4.0, height: CAPTION - 8.0, width, ..picture }
}

/// Small pictures under each other: names below or beside them, whichever leaves the pictures larger; where names have
/// no room, pictures alone.
fn small(column: Area, count: usize) -> Vec<Cell> {
    if count == 0 {
        return Vec::new();
    }
    let row = (column.height - BETWEEN * (count - 1) as f32) / count as f32;
    let line = Style::WORD.lines(1);
    let height_below = (row - CAPTION).min(column.width * 9.0 / 16.0);
    let height_beside = row.min((column.width - BETWEEN - NAME) * 9.0 / 16.0);
    if row < line + 4.0 || height_below.max(height_beside) < 24.0 {
        return bare(column, count);
    }
    let at = |index: usize, step: f32| column.y + index as f32 * (step + BETWEEN);
    if height_below >= height_beside {
        let picture = |index| Area {
            y: at(index, height_below + CAPTION),
            width: height_below * 16.0 / 9.0,
            height: height_below,
            ..column
        };
        (0..count).map(picture).map(|picture| Cell { picture, caption: below(picture, column.width) }).collect()
    } else {
        (0..count)
            .map(|index| {
                let width = height_beside * 16.0 / 9.0;
                let picture = Area { y: at(index, height_beside), width, height: height_beside, ..column };
                let x = picture.right() + BETWEEN;
                Cell { picture, caption: Area { x, width: column.right() - x, ..picture } }
            })
            .collect()
    }
}

/// Pictures without names in as many columns as leave them largest.
fn bare(column: Area, count: usize) -> Vec<Cell> {
    let size = |across: usize| {
        let down = count.div_ceil(across);
        let each = Area {
            width: (column.width - BETWEEN * (across - 1) as f32) / across as f32,
            height: ((column.height - BETWEEN * (down - 1) as f32) / down as f32).max(0.0),
            ..column
        };
        (across, sixteen_to_nine(each))
    };
    let best = (1..=count).map(size).max_by(|(_, one), (_, other)| one.width.total_cmp(&other.width));
    let Some((across, each)) = best else { return Vec::new() };
    (0..count)
        .map(|index| {
            let (row, place) = (index / across, index % across);
            let picture = Area {
                x: column.x + place as f32 * (each.width + BETWEEN),
                y: column.y + row as f32 * (each.height + BETWEEN),
                ..each
            };
            Cell { picture, caption: Area { height: 0.0, ..picture } }
        })
        .collect()
}

/// The heights in pixels of the places of so many pictures (at most [`MOST`]), the large one first: what a picture
/// needs at most to be shown as sharply as the screen can. Where faults, signs or the chat take room, the places are
/// smaller, and the picture is scaled down.
#[must_use]
pub fn heights(size: Size, shared_screen: bool, count: usize) -> Vec<u32> {
    let ground = Ground::of(size);
    let free = lamps::above(ground);
    let (main, column) = split(free, shared_screen, count > 1);
    cells(main, column, shared_screen, count).iter().map(|cell| ground.picture(cell.picture).height).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use subrosa_messages::media::Rectangle;

    use super::*;

    fn area(rectangle: Rectangle) -> u64 {
        u64::from(rectangle.width) * u64::from(rectangle.height)
    }

    #[test]
    fn the_heights_at_full_hd_are_these() {
        let full = Size { width: 1920, height: 1080 };
        assert_eq!(heights(full, false, 0), Vec::<u32>::new());
        assert_eq!(heights(full, false, 1), [730]);
        assert_eq!(heights(full, false, 2), [730, 272]);
        assert_eq!(heights(full, false, 6), [730, 142, 142, 142, 142, 142]);
        assert_eq!(heights(full, true, 2), [790, 222]);
        assert_eq!(heights(full, true, 9).len(), MOST);
        assert_eq!(heights(Size { width: 1280, height: 720 }, true, 1), [526]);
        // A screen of 16:10 has room for a larger picture where it needs no column.
        let higher = Size { width: 1920, height: 1200 };
        assert_eq!((heights(higher, false, 1), heights(higher, false, 2)), (vec![850], vec![730, 272]));
    }

    proptest! {
        #[test]
        fn places_are_inside_apart_and_even_and_the_large_one_is_the_largest(
            width in 1280_u32..4100, height in 720_u32..2400, shared in any::<bool>(), count in 0_usize..9,
            taken in 0.0_f32..500.0, notes in 0.0_f32..400.0,
        ) {
            let size = Size { width, height };
            let ground = Ground::of(size);
            let free = lamps::above(ground);
            let (main, column) = split(Area { y: free.y + taken, height: free.height - taken, ..free }, shared, count > 1);
            let notes = notes.min(column.height - 240.0).max(0.0);
            let column = Area { y: column.y + notes, height: column.height - notes, ..column };
            let cells = cells(main, column, shared, count);
            prop_assert_eq!(cells.len(), count.min(MOST));
            let places: Vec<Rectangle> = cells.iter().map(|cell| ground.picture(cell.picture)).collect();
            for (index, place) in places.iter().enumerate() {
                prop_assert!([place.x, place.y, place.width, place.height].iter().all(|value| value % 2 == 0));
                prop_assert!(place.x + place.width <= width && place.y + place.height <= height, "{place:?}");
                prop_assert!(area(*place) <= area(places[0]), "{places:?}");
                let here = Area::from(*place);
                prop_assert!(places.iter().skip(index + 1).all(|other| !here.overlaps(&(*other).into())), "{places:?}");
            }
            for (index, one) in cells.iter().enumerate() {
                prop_assert!(free.inset(-0.5).contains(&one.picture) && free.inset(-0.5).contains(&one.caption), "{one:?}");
                for other in &cells {
                    prop_assert!(!one.picture.overlaps(&other.caption), "{cells:?}");
                }
                prop_assert!(cells.iter().skip(index + 1).all(|other| !one.caption.overlaps(&other.caption)));
            }
        }

        #[test]
        fn what_the_heights_say_is_what_the_places_have_when_nothing_takes_room(
            width in 640_u32..4100, height in 360_u32..2400, shared in any::<bool>(), count in 1_usize..7,
        ) {
            let ground = Ground::of(Size { width, height });
            let (main, column) = split(lamps::above(ground), shared, count > 1);
            let places = cells(main, column, shared, count);
            let expected: Vec<u32> = places.iter().map(|cell| ground.picture(cell.picture).height).collect();
            prop_assert_eq!(heights(Size { width, height }, shared, count), expected);
        }
    }

    #[test]
    fn no_size_and_no_count_is_too_strange() {
        for (width, height) in [(0, 0), (1, 1), (2, 4000), (4000, 2), (100_000, 100_000)] {
            for count in [0, 1, 2, 6, usize::MAX] {
                for shared in [false, true] {
                    assert_eq!(heights(Size { width, height }, shared, count).len(), count.min(MOST));
                }
            }
        }
    }
}
