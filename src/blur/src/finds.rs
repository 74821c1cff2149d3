//! Who is new in the picture is shown once a few masks in a row agree: a round thing in the background is taken for a person for some
//! masks now and then, and each of them would be a hole in the blur.
//!
//! Somebody who is known is shown wherever they move or grow to, and for a while after a mask has missed them.

/// So many masks in a row must agree: whoever comes in is seen after a quarter of a second at the usual cadence (15 masks a second).
pub const AGREEING: u8 = 5;
/// Somebody whom a mask has missed is known for so many more: half a second.
const KNOWN: u8 = 8;
/// Pixels on one side of the cells in which people are compared.
const CELL: usize = 8;
/// So many pixels of a cell (of 64) are a find.
const FEW: u8 = 4;
/// More than this is a person, in a mask.
const PERSON: f32 = 0.5;

/// What is remembered of a place.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// Masks for which somebody is still known here.
    known: u8,
    /// Masks in a row that found somebody new here.
    agreed: u8,
}

/// Remembers who was found where. One for each segmenter.
#[derive(Clone, Debug, Default)]
pub struct Finds {
    across: usize,
    cells: Vec<Cell>,
}

impl Finds {
    /// Takes those out of a mask who are not to be shown yet. The first mask is believed as it is.
    pub fn confirm(&mut self, mask: &mut [f32], (columns, rows): (usize, usize)) {
        let (across, down) = (columns.div_ceil(CELL), rows.div_ceil(CELL));
        let first = self.across != across || self.cells.len() != across * down;
        if first {
            (self.across, self.cells) = (across, vec![Cell::default(); across * down]);
        }
        for cell in &mut self.cells {
            cell.known = cell.known.saturating_sub(1);
        }
        let mut found = found(mask, columns, across, down);
        let mut new = vec![false; found.len()];
        let mut agreed = vec![0; found.len()];
        while let Some(at) = found.iter().position(|cell| *cell) {
            let crowd = crowd(&mut found, across, at);
            let cells = || crowd.iter().filter_map(|at| self.cells.get(*at));
            let times = 1 + cells().map(|cell| cell.agreed).max().unwrap_or(0);
            if first || times >= AGREEING || cells().any(|cell| cell.known > 0) {
                for at in crowd {
                    if let Some(cell) = self.cells.get_mut(at) {
                        cell.known = KNOWN;
                    }
                }
            } else {
                for at in crowd {
                    if let (Some(new), Some(agreed)) = (new.get_mut(at), agreed.get_mut(at)) {
                        (*new, *agreed) = (true, times);
                    }
                }
            }
        }
        for (cell, agreed) in self.cells.iter_mut().zip(&agreed) {
            cell.agreed = *agreed;
        }
        if new.contains(&true) {
            take_out(mask, columns, &self.hidden(&new), across);
        }
    }

    /// The cells of who is new, and those around them where nobody is known: edges are soft.
    fn hidden(&self, new: &[bool]) -> Vec<bool> {
        let is_new = |at: usize| new.get(at).copied().unwrap_or(false);
        let known = self.cells.iter().map(|cell| cell.known > 0);
        known
            .enumerate()
            .map(|(at, known)| is_new(at) || (!known && around(at, self.across, self.cells.len()).any(is_new)))
            .collect()
    }
}

/// Which cells show somebody.
fn found(mask: &[f32], columns: usize, across: usize, down: usize) -> Vec<bool> {
    let mut counts = vec![0_u8; across * down];
    for (row, line) in mask.chunks(columns.max(1)).enumerate() {
        let row = counts.iter_mut().skip(row / CELL * across);
        for (count, values) in row.zip(line.chunks(CELL)) {
            *count += values.iter().map(|value| u8::from(*value > PERSON)).sum::<u8>();
        }
    }
    counts.into_iter().map(|count| count >= FEW).collect()
}

/// Takes the cells that touch this one and each other, corners too.
fn crowd(found: &mut [bool], across: usize, first: usize) -> Vec<usize> {
    let mut crowd = Vec::new();
    let mut open = vec![first];
    while let Some(at) = open.pop() {
        if found.get_mut(at).is_some_and(std::mem::take) {
            crowd.push(at);
            open.extend(around(at, across, found.len()));
        }
    }
    crowd
}

/// The up to eight neighbours of a cell.
fn around(at: usize, across: usize, cells: usize) -> impl Iterator<Item = usize> {
    let (column, row) = (at % across.max(1), at / across.max(1));
    let columns = column.saturating_sub(1)..=(column + 1).min(across.saturating_sub(1));
    (row.saturating_sub(1)..=row + 1)
        .flat_map(move |row| columns.clone().map(move |column| row * across + column))
        .filter(move |other| *other != at && *other < cells)
}

/// Nobody is in these cells. What is no number stays: it is for somebody else to judge.
fn take_out(mask: &mut [f32], columns: usize, hidden: &[bool], across: usize) {
    for (row, line) in mask.chunks_mut(columns.max(1)).enumerate() {
        let hidden = hidden.iter().skip(row / CELL * across);
        for (values, _) in line.chunks_mut(CELL).zip(hidden).filter(|(_, hidden)| **hidden) {
            for value in values.iter_mut().filter(|value| **value > 0.0) {
                *value = 0.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: (usize, usize) = (64, 40);

    /// A mask with people in these places: left, top, width, height.
    fn mask(people: &[(usize, usize, usize, usize)]) -> Vec<f32> {
        let inside = |x: usize, y: usize| {
            people.iter().any(|(left, top, width, height)| {
                (*left..left + width).contains(&x) && (*top..top + height).contains(&y)
            })
        };
        (0..SIZE.0 * SIZE.1).map(|at| f32::from(u8::from(inside(at % SIZE.0, at / SIZE.0)))).collect()
    }

    /// What is shown of each mask in a row.
    fn shown(finds: &mut Finds, masks: &[Vec<f32>]) -> Vec<f32> {
        let mut sums = Vec::new();
        for mask in masks {
            let mut mask = mask.clone();
            finds.confirm(&mut mask, SIZE);
            sums.push(mask.iter().sum());
        }
        sums
    }

    const AT_TABLE: (usize, usize, usize, usize) = (4, 10, 14, 30);
    const ROUND_THING: (usize, usize, usize, usize) = (45, 6, 6, 6);

    #[test]
    fn the_first_mask_is_believed_and_something_that_is_gone_after_four_masks_is_never_shown() {
        let mut finds = Finds::default();
        let (alone, both) = (mask(&[AT_TABLE]), mask(&[AT_TABLE, ROUND_THING]));
        let person: f32 = alone.iter().sum();
        let masks = [&alone, &both, &both, &both, &both, &alone, &both, &both, &alone].map(Clone::clone);
        assert_eq!(shown(&mut finds, &masks), [person; 9]);
        let first: f32 = both.iter().sum();
        assert_eq!(shown(&mut Finds::default(), &[both]), [first]);
    }

    #[test]
    fn who_stays_is_shown_with_the_fifth_mask_and_who_walks_in_too() {
        let mut finds = Finds::default();
        let entering: Vec<_> =
            (0..6).map(|step| mask(&[AT_TABLE, (64 - 4 * (step + 1), 8, 4 * (step + 1), 32)])).collect();
        let person: f32 = mask(&[AT_TABLE]).iter().sum();
        shown(&mut finds, &[mask(&[AT_TABLE])]);
        let sums = shown(&mut finds, &entering);
        assert_eq!(sums[..4], [person; 4]);
        let all: Vec<f32> = entering.iter().skip(4).map(|mask| mask.iter().sum()).collect();
        assert_eq!(sums[4..], all);
    }

    #[test]
    fn somebody_known_may_move_grow_and_be_missed_for_half_a_second() {
        let mut finds = Finds::default();
        shown(&mut finds, &[mask(&[AT_TABLE])]);
        let arm = mask(&[AT_TABLE, (18, 12, 30, 4)]);
        assert_eq!(shown(&mut finds, std::slice::from_ref(&arm)), [arm.iter().sum::<f32>()], "an arm is part of them");
        shown(&mut finds, &vec![mask(&[]); 6]);
        let back = mask(&[AT_TABLE]);
        assert_eq!(shown(&mut finds, std::slice::from_ref(&back)), [back.iter().sum::<f32>()]);
        shown(&mut finds, &vec![mask(&[]); 7]);
        assert_eq!(shown(&mut finds, &[back]), [0.0], "after that they are new");
    }

    proptest! {
        /// Nothing is ever added, and what is no number is left for the judge.
        #[test]
        fn a_mask_only_ever_shows_less(
            masks in prop::collection::vec(prop::collection::vec(prop_oneof![Just(f32::NAN), 0.0_f32..1.0], 21 * 17), 1..8),
        ) {
            let mut finds = Finds::default();
            for mask in masks {
                let mut made = mask.clone();
                finds.confirm(&mut made, (21, 17));
                for (made, mask) in made.iter().zip(&mask) {
                    prop_assert!(made.to_bits() == mask.to_bits() || *made == 0.0 && !mask.is_nan());
                }
            }
        }
    }
}
