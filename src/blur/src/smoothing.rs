//! From the segmenter's masks to the cover of a frame: smoothed over time, with a clear edge, widened with its age.
//!
//! A mask trembles at edges even when nobody moves, so it follows small changes slowly and large ones at once. It follows
//! downwards faster than upwards: where somebody has just been, the room must not be seen.

use std::time::Duration;

/// How much of a change is followed at once: of a small one upwards, of a small one downwards.
const FOLLOW: (f32, f32) = (0.55, 0.75);
/// Probabilities up to the first are background, from the second on a person; between them lies the soft edge.
const EDGE: (f32, f32) = (0.3, 0.7);
/// Up to this age a mask is as wide as it was found: two frames at 30 a second, the usual cadence.
const YOUNG: Duration = Duration::from_millis(70);
/// Every so much later it is one of its own pixels wider. A mask is never used past 150 ms (P4), so it is never wider by
/// more than two: 0.8 % of the picture's width.
const PER_PIXEL: Duration = Duration::from_millis(40);
/// Steps of widening that are told apart for each pixel: so often is the cover of one mask made anew.
const STEPS: u32 = 4;

/// Masks, smoothed over time.
#[derive(Clone, Debug, Default)]
pub struct Smoothing {
    values: Vec<f32>,
}

impl Smoothing {
    /// Takes a new mask; what it became stands in [`Smoothing::values`]. A mask of another size starts anew.
    pub fn follow(&mut self, mask: &[f32]) {
        if self.values.len() != mask.len() {
            self.values.clear();
            self.values.extend_from_slice(mask);
            return;
        }
        for (value, new) in self.values.iter_mut().zip(mask) {
            let change = new - *value;
            let least = if change < 0.0 { FOLLOW.1 } else { FOLLOW.0 };
            *value += change * (least + change.abs()).min(1.0);
        }
    }

    /// Forgets what was: the next mask counts alone.
    pub fn forget(&mut self) {
        self.values.clear();
    }

    /// Probabilities that there is a person, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

/// How much of a frame's own pixels is shown: [`Cover::NOTHING`] to [`Cover::ALL`] on a grid that spans the frame.
#[derive(Clone, Debug, Default)]
pub struct Cover {
    columns: usize,
    rows: usize,
    shown: Vec<i16>,
    /// Runs between each row and the next, in order; where those of a row begin.
    runs: Vec<Run>,
    begins: Vec<usize>,
    scratch: [Vec<f32>; 2],
}

/// What lies between cells of two neighbouring rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing but people: it stays as it is.
    Person,
    /// Nothing of people: it is replaced.
    Background,
    /// Something between: it is mixed.
    Edge,
}

/// Neighbouring columns of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The cell behind which it begins.
    pub from: usize,
    /// The cell at which it ends.
    pub to: usize,
    /// What lies between.
    pub kind: Kind,
}

impl Cover {
    /// Only the background's replacement is shown.
    pub const NOTHING: i16 = 0;
    /// The frame's own pixel is shown, unchanged.
    pub const ALL: i16 = 128 << 7;

    /// Makes the cover from probabilities on a grid of `columns` and `rows`, widened by [`widening`]. Missing ones show nothing.
    pub fn make(&mut self, values: &[f32], (columns, rows): (usize, usize), widened: u32) {
        (self.columns, self.rows) = (columns, rows);
        let [wide, scratch] = &mut self.scratch;
        wide.clear();
        wide.extend_from_slice(values);
        wide.resize(columns * rows, 0.0);
        let mut left = widened;
        while left > 0 {
            let share = f32::from(u8::try_from(left.min(STEPS)).unwrap_or(u8::MAX)) / STEPS as f32;
            widen(wide, scratch, columns, share);
            left = left.saturating_sub(STEPS);
        }
        soften(wide, scratch, columns);
        self.shown.clear();
        self.shown.extend(wide.iter().map(|value| {
            // Not a number shows nothing, nor do its neighbours: `clamp` keeps it and the cast makes it zero.
            let share = ((value - EDGE.0) / (EDGE.1 - EDGE.0)).clamp(0.0, 1.0);
            (share * share * (3.0 - 2.0 * share) * f32::from(Self::ALL)) as i16
        }));
        self.find_runs();
    }

    fn find_runs(&mut self) {
        self.runs.clear();
        self.begins.clear();
        let rows = self.shown.chunks(self.columns.max(1));
        for (upper, lower) in rows.clone().zip(rows.skip(1)) {
            self.begins.push(self.runs.len());
            let mut begun: Option<Run> = None;
            for (cell, (upper, lower)) in upper.windows(2).zip(lower.windows(2)).enumerate() {
                let both = || upper.iter().chain(lower);
                let kind = if both().all(|shown| *shown == Self::NOTHING) {
                    Kind::Background
                } else if both().all(|shown| *shown == Self::ALL) {
                    Kind::Person
                } else {
                    Kind::Edge
                };
                match &mut begun {
                    Some(run) if run.kind == kind => run.to = cell + 1,
                    _ => self.runs.extend(begun.replace(Run { from: cell, to: cell + 1, kind })),
                }
            }
            self.runs.extend(begun);
        }
        self.begins.push(self.runs.len());
    }

    /// What lies between this row and the next.
    #[must_use]
    pub fn runs(&self, row: usize) -> &[Run] {
        match self.begins.get(row..) {
            Some([from, to, ..]) => self.runs.get(*from..*to).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Columns and rows of the grid.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.columns, self.rows)
    }

    /// One row of the grid.
    #[must_use]
    pub fn row(&self, row: usize) -> &[i16] {
        self.shown.get(row * self.columns..(row + 1) * self.columns).unwrap_or_default()
    }

    /// All of it, row by row.
    #[must_use]
    pub fn shown(&self) -> &[i16] {
        &self.shown
    }
}

/// By how many steps a mask of this age is widened: people may have moved since.
#[must_use]
pub fn widening(age: Duration) -> u32 {
    let steps = age.saturating_sub(YOUNG).as_micros() * u128::from(STEPS) / PER_PIXEL.as_micros();
    u32::try_from(steps).unwrap_or(u32::MAX).min(2 * STEPS)
}

/// A mean of the nine around every value, weighted 1, 2, 1 in each direction: masks have teeth and specks of one pixel.
fn soften(values: &mut [f32], scratch: &mut Vec<f32>, columns: usize) {
    scratch.clear();
    for row in values.chunks(columns.max(1)) {
        let left = row.iter().take(1).chain(row);
        let right = row.iter().skip(1).chain(row.last());
        scratch.extend(row.iter().zip(left).zip(right).map(|((here, left), right)| (left + 2.0 * here + right) / 4.0));
    }
    let lines = |at: usize| scratch.get(at * columns..(at + 1) * columns).unwrap_or_default();
    let last = (scratch.len() / columns.max(1)).saturating_sub(1);
    for (at, row) in values.chunks_mut(columns.max(1)).enumerate() {
        let around = lines(at.saturating_sub(1)).iter().zip(lines(at)).zip(lines((at + 1).min(last)));
        for (value, ((above, here), below)) in row.iter_mut().zip(around) {
            *value = (above + 2.0 * here + below) / 4.0;
        }
    }
}

/// Moves every value by `share` towards the largest of the nine around it.
fn widen(values: &mut [f32], scratch: &mut Vec<f32>, columns: usize, share: f32) {
    scratch.clear();
    for row in values.chunks(columns.max(1)) {
        let left = row.iter().take(1).chain(row);
        let right = row.iter().skip(1).chain(row.last());
        scratch.extend(row.iter().zip(left).zip(right).map(|((here, left), right)| here.max(left.max(*right))));
    }
    let lines = |at: usize| scratch.get(at * columns..(at + 1) * columns).unwrap_or_default();
    let rows = scratch.len() / columns.max(1);
    for (at, row) in values.chunks_mut(columns.max(1)).enumerate() {
        let around = lines(at.saturating_sub(1)).iter().zip(lines(at)).zip(lines((at + 1).min(rows.saturating_sub(1))));
        for (value, ((above, here), below)) in row.iter_mut().zip(around) {
            *value += (above.max(here.max(*below)) - *value) * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn where_somebody_has_left_the_room_is_covered_with_the_second_mask() {
        let mut smoothing = Smoothing::default();
        smoothing.follow(&[1.0; 4]);
        assert_eq!(smoothing.values(), [1.0; 4], "the first mask counts alone");
        smoothing.follow(&[0.0; 4]);
        let mut cover = Cover::default();
        cover.make(smoothing.values(), (2, 2), 0);
        assert_eq!(cover.shown(), [Cover::NOTHING; 4], "a large change is followed at once");
        smoothing.follow(&[0.5; 4]);
        smoothing.follow(&[0.3; 4]);
        cover.make(smoothing.values(), (2, 2), 0);
        assert!(cover.shown().iter().all(|shown| *shown < Cover::ALL / 20));
    }

    #[test]
    fn trembling_is_damped() {
        let mut smoothing = Smoothing::default();
        let mut largest: f32 = 0.0;
        for turn in 0..40 {
            let before = smoothing.values().to_vec();
            smoothing.follow(&[0.5 + if turn % 2 == 0 { 0.05 } else { -0.05 }]);
            if turn > 10 {
                largest = largest.max((before[0] - smoothing.values()[0]).abs());
            }
        }
        assert!(largest < 0.08, "{largest} of 0.1");
    }

    #[test]
    fn a_mask_of_another_size_starts_anew() {
        let mut smoothing = Smoothing::default();
        smoothing.follow(&[1.0; 4]);
        smoothing.follow(&[0.25; 6]);
        assert_eq!(smoothing.values(), [0.25; 6]);
        smoothing.forget();
        smoothing.follow(&[1.0; 6]);
        assert_eq!(smoothing.values(), [1.0; 6]);
    }

    #[test]
    fn an_old_mask_is_wider_by_two_pixels_at_most() {
        let table = [(0, 0), (66, 0), (70, 0), (80, 1), (110, 4), (149, 7), (150, 8), (5000, 8)];
        for (age, steps) in table {
            assert_eq!(widening(Duration::from_millis(age)), steps, "{age} ms");
        }
        // A block of three by three; its corners are softened away.
        let mut values = vec![0.0; 15 * 15];
        for at in [6, 7, 8].into_iter().flat_map(|row| [6, 7, 8].map(|column| row * 15 + column)) {
            values[at] = 1.0;
        }
        let shown = |steps| {
            let mut cover = Cover::default();
            cover.make(&values, (15, 15), steps);
            cover.shown().iter().filter(|shown| **shown == Cover::ALL).count()
        };
        assert_eq!([shown(0), shown(1), shown(4), shown(8)], [5, 5, 5 * 5 - 4, 7 * 7 - 4]);
    }

    #[test]
    fn specks_and_teeth_are_gone() {
        let mut values = vec![0.0; 12 * 8];
        // A speck, and people below it with teeth one pixel wide.
        values[14] = 1.0;
        values[60..96].fill(1.0);
        for tooth in (48..60).step_by(2) {
            values[tooth] = 1.0;
        }
        let mut cover = Cover::default();
        cover.make(&values, (12, 8), 0);
        assert_eq!(cover.row(1), [Cover::NOTHING; 12]);
        let teeth = &cover.row(4)[1..11];
        assert!(teeth.iter().max().unwrap() - teeth.iter().min().unwrap() < Cover::ALL / 8, "{teeth:?}");
    }

    #[test]
    fn runs_tell_people_edges_and_background_apart() {
        let mut cover = Cover::default();
        let values = [[0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [0.0; 6]].concat();
        cover.make(&values, (6, 3), 0);
        let run = |from, to, kind| Run { from, to, kind };
        let first = [run(0, 2, Kind::Background), run(2, 4, Kind::Edge), run(4, 5, Kind::Person)];
        assert_eq!(cover.runs(0), first);
        assert_eq!(cover.runs(1), [run(0, 2, Kind::Background), run(2, 5, Kind::Edge)]);
        assert!(cover.runs(2).is_empty());
    }

    #[test]
    fn what_is_no_number_or_is_missing_shows_nothing() {
        let mut cover = Cover::default();
        cover.make(&[f32::NAN, 1.0, f32::INFINITY], (2, 2), 0);
        assert_eq!(cover.shown(), [0; 4]);
        cover.make(&[1.0; 3], (2, 2), 0);
        assert_eq!(cover.row(0), [Cover::ALL, Cover::ALL]);
        assert!(cover.row(1)[1] < Cover::ALL);
        assert!(cover.row(7).is_empty());
    }

    proptest! {
        #[test]
        fn smoothing_stays_between_what_was_and_what_is(masks in prop::collection::vec(0.0_f32..=1.0, 2..20)) {
            let mut smoothing = Smoothing::default();
            for mask in masks {
                let before = smoothing.values().first().copied().unwrap_or(mask);
                smoothing.follow(&[mask]);
                let now = smoothing.values()[0];
                prop_assert!(now >= before.min(mask) - 1e-6 && now <= before.max(mask) + 1e-6);
                prop_assert!((now - mask).abs() <= 0.46 * (before - mask).abs() + 1e-6, "half of it at least");
            }
        }

        #[test]
        fn a_wider_cover_hides_nothing_that_was_shown(
            values in prop::collection::vec(0.0_f32..=1.0, 48), steps in 0_u32..9,
        ) {
            let (mut narrow, mut wide) = (Cover::default(), Cover::default());
            narrow.make(&values, (8, 6), steps);
            wide.make(&values, (8, 6), steps + 1);
            prop_assert!(narrow.shown().iter().zip(wide.shown()).all(|(narrow, wide)| narrow <= wide));
        }
    }
}
