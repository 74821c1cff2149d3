//! The blurred background, made at a small size.
//!
//! Every cell counts by how little of a person it shows: the colours of people do not leak into the background, so there is no
//! halo around them. Three box blurs are a Gaussian to within a few percent.

use crate::composition::map::Map;
use crate::smoothing::Cover;
use crate::thumbnail::Thumbnail;

/// What a cell that shows nothing but a person still counts: where nothing else is near, something has to be shown.
const LEAST: f32 = 0.001;

/// Luma, Cb, Cr and the weight they were multiplied with.
type Cell = [f32; 4];

/// A grid of blurred samples, with seven bits behind the point.
#[derive(Debug, Default)]
pub struct Ground {
    pub columns: usize,
    pub rows: usize,
    /// Pixels of the picture for each cell.
    pub block: usize,
    /// Luma, Cb, Cr.
    planes: [Vec<i16>; 3],
    cells: Vec<Cell>,
    scratch: Vec<Cell>,
    sums: Vec<Cell>,
    shown: Vec<i16>,
}

impl Ground {
    /// Blurs the background of a thumbnail of a whole picture, `width` pixels wide, with this standard deviation in pixels of the
    /// picture. `coarse`: at half the size.
    pub fn blur(
        &mut self,
        thumbnail: &Thumbnail,
        cover: &Cover,
        (width, height): (usize, usize),
        sigma: f32,
        coarse: bool,
    ) {
        self.gather(thumbnail, cover, (width, height));
        if coarse {
            self.halve();
        }
        // Three boxes of 2r + 1 have a variance of 3 · ((2r + 1)² - 1) / 12.
        let sigma = sigma / self.block as f32;
        let radius = (((1.0 + 4.0 * sigma * sigma).sqrt() - 1.0) / 2.0).round().max(1.0) as usize;
        for _ in 0..3 {
            self.box_across(radius);
            self.box_down(radius);
        }
        for plane in &mut self.planes {
            plane.resize(self.cells.len(), 0);
        }
        let [luma, cb, cr] = &mut self.planes;
        for (((cell, luma), cb), cr) in self.cells.iter().zip(luma).zip(cb).zip(cr) {
            let factor = 128.0 / cell[3];
            for (out, value) in [luma, cb, cr].into_iter().zip(cell) {
                *out = (value * factor).clamp(0.0, 255.0 * 128.0) as i16;
            }
        }
    }

    /// One row of one of the three planes.
    pub fn row(&self, plane: usize, row: usize) -> &[i16] {
        let plane = self.planes.get(plane).map(Vec::as_slice).unwrap_or_default();
        plane.get(row * self.columns..(row + 1) * self.columns).unwrap_or_default()
    }

    fn gather(&mut self, thumbnail: &Thumbnail, cover: &Cover, (width, height): (usize, usize)) {
        (self.columns, self.rows) = (thumbnail.cb.columns, thumbnail.cb.rows);
        self.block = 2 * thumbnail.factor;
        let (mask_columns, mask_rows) = cover.size();
        let map = |pixels: usize, cells: usize, mask: usize| {
            Map::new(cells, mask, self.block as f64 * mask as f64 / pixels as f64)
        };
        let (across, down) = (map(width, self.columns, mask_columns), map(height, self.rows, mask_rows));
        self.cells.clear();
        self.shown.resize(2 * self.columns, 0);
        let (upper, lower) = self.shown.split_at_mut(self.columns);
        let luma = &thumbnail.luma;
        let luma_row = |row: usize| luma.samples.get(row * luma.columns..(row + 1) * luma.columns).unwrap_or_default();
        let colours = thumbnail.cb.samples.chunks(self.columns).zip(thumbnail.cr.samples.chunks(self.columns));
        for ((at, (cb, cr)), tap) in colours.enumerate().zip(down.taps()) {
            across.stretch([cover.row(usize::from(tap.cell))], 0, upper);
            across.stretch([cover.row(usize::from(tap.cell) + 1)], 0, lower);
            // The last row and column of an odd number stand for themselves.
            let (one, two) = (luma_row(2 * at), luma_row((2 * at + 1).min(luma.rows.saturating_sub(1))));
            let lumas = one.chunks(2).zip(two.chunks(2)).map(|(one, two)| {
                let sum: u16 = one.iter().chain(two).map(|luma| u16::from(*luma)).sum();
                f32::from(sum) / (one.len() + two.len()) as f32
            });
            let share = f32::from(tap.share) / 32768.0;
            let hidden = upper.iter().zip(&*lower).map(|(upper, lower)| {
                let shown = f32::from(*upper) + f32::from(lower - upper) * share;
                1.0 - shown / f32::from(Cover::ALL)
            });
            self.cells.extend(lumas.zip(cb).zip(cr).zip(hidden).map(|(((luma, cb), cr), hidden)| {
                let weight = hidden * hidden * hidden + LEAST;
                [luma * weight, f32::from(*cb) * weight, f32::from(*cr) * weight, weight]
            }));
        }
    }

    /// Adds up two by two cells.
    fn halve(&mut self) {
        self.scratch.clear();
        for rows in self.cells.chunks(2 * self.columns) {
            let (one, two) = rows.split_at_checked(self.columns).unwrap_or((rows, &[]));
            let mut two = two.chunks(2);
            for one in one.chunks(2) {
                let all = one.iter().chain(two.next().unwrap_or_default());
                self.scratch.push(all.fold([0.0; 4], |sum, cell| add(sum, *cell)));
            }
        }
        std::mem::swap(&mut self.cells, &mut self.scratch);
        (self.columns, self.rows) = (self.columns.div_ceil(2), self.rows.div_ceil(2));
        self.block *= 2;
    }

    /// Sums of `2 · radius + 1` neighbours in each row; what lies outside counts nothing.
    fn box_across(&mut self, radius: usize) {
        self.scratch.clear();
        for row in self.cells.chunks(self.columns) {
            let mut sum = row.iter().take(radius).fold([0.0; 4], |sum, cell| add(sum, *cell));
            let nothing = [0.0; 4];
            let entering = row.iter().skip(radius).chain(std::iter::repeat(&nothing));
            let leaving = std::iter::repeat_n(&nothing, radius + 1).chain(row);
            self.scratch.extend(row.iter().zip(entering).zip(leaving).map(|((_, entering), leaving)| {
                sum = subtract(add(sum, *entering), *leaving);
                sum
            }));
        }
        std::mem::swap(&mut self.cells, &mut self.scratch);
    }

    /// The same in each column.
    fn box_down(&mut self, radius: usize) {
        let columns = self.columns;
        let row = |row: usize| self.cells.get(row * columns..(row + 1) * columns).unwrap_or_default();
        self.sums.clear();
        self.sums.resize(columns, [0.0; 4]);
        for above in 0..radius {
            for (sum, cell) in self.sums.iter_mut().zip(row(above)) {
                *sum = add(*sum, *cell);
            }
        }
        self.scratch.clear();
        for at in 0..self.rows {
            for (sum, cell) in self.sums.iter_mut().zip(row(at + radius)) {
                *sum = add(*sum, *cell);
            }
            if let Some(leaving) = at.checked_sub(radius + 1) {
                for (sum, cell) in self.sums.iter_mut().zip(row(leaving)) {
                    *sum = subtract(*sum, *cell);
                }
            }
            self.scratch.extend_from_slice(&self.sums);
        }
        std::mem::swap(&mut self.cells, &mut self.scratch);
    }
}

#[inline(always)]
fn add(one: Cell, other: Cell) -> Cell {
    [one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]]
}

#[inline(always)]
fn subtract(one: Cell, other: Cell) -> Cell {
    [one[0] - other[0], one[1] - other[1], one[2] - other[2], one[3] - other[3]]
}
