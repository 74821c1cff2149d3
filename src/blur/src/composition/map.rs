//! Where the samples of a line of pixels lie between the cells of a coarser grid.

/// Positions of one line, in order.
#[derive(Clone, Debug, Default)]
pub struct Map {
    taps: Vec<Tap>,
    /// For each cell, the first position at or behind it; one more at the end.
    starts: Vec<usize>,
}

/// One position: behind which cell, and how far towards the next.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    /// The cell; it is never the last.
    pub cell: u16,
    /// The share of the next cell, 0 to 32767 for 0 to 1.
    pub share: i16,
}

impl Map {
    /// A line of so many positions; each is `step` cells wide, and the line begins at the edge of the first of `cells` cells, of
    /// which there are at least two.
    pub fn new(positions: usize, cells: usize, step: f64) -> Self {
        let last = cells.saturating_sub(1) as f64;
        let taps: Vec<Tap> = (0..positions)
            .map(|position| {
                let at = ((position as f64 + 0.5) * step - 0.5).clamp(0.0, last);
                let cell = (at as usize).min(cells.saturating_sub(2));
                // Casts of floats saturate.
                Tap { cell: cell as u16, share: ((at - cell as f64) * 32768.0) as i16 }
            })
            .collect();
        let starts = (0..cells).map(|cell| taps.partition_point(|tap| usize::from(tap.cell) < cell)).collect();
        Map { taps, starts }
    }

    /// All positions.
    pub fn taps(&self) -> &[Tap] {
        &self.taps
    }

    /// The first position behind this cell; the number of positions for the last cell.
    pub fn start(&self, cell: usize) -> usize {
        self.starts.get(cell).copied().unwrap_or(self.taps.len())
    }

    /// Mixes the cells of a row for the positions from `from` on, as many as `out` has places for: `LANES` values for each
    /// position, one from each of the rows.
    #[inline(always)]
    pub fn stretch<const LANES: usize>(&self, rows: [&[i16]; LANES], from: usize, out: &mut [i16]) {
        let taps = self.taps.get(from..).unwrap_or_default();
        for (tap, out) in taps.iter().zip(out.chunks_exact_mut(LANES)) {
            for (row, out) in rows.iter().zip(out) {
                if let Some([one, other]) = row.get(usize::from(tap.cell)..).and_then(|row| row.first_chunk()) {
                    let (one, other) = (i32::from(*one), i32::from(*other));
                    *out = (one + (((other - one) * i32::from(tap.share)) >> 15)) as i16;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lie_between_cell_centres_and_stay_inside() {
        let map = Map::new(8, 4, 0.5);
        let mut out = [0; 8];
        map.stretch([&[0, 1000, 2000, 3000]], 0, &mut out);
        // Centres of positions at -0.25, 0.25, 0.75, ... cells.
        for (value, expected) in out.iter().zip([0, 250, 750, 1250, 1750, 2250, 2750, 3000]) {
            assert!((value - expected).abs() <= 1, "{out:?}");
        }
        assert_eq!((map.start(0), map.start(1), map.start(2), map.start(3)), (0, 3, 5, 8));
    }

    #[test]
    fn several_lanes_and_a_part_of_the_line() {
        let map = Map::new(4, 2, 0.5);
        let mut out = [0; 4];
        map.stretch([&[0, 100], &[100, 0]], 1, &mut out);
        for (value, expected) in out.iter().zip([25, 75, 75, 25]) {
            assert!((value - expected).abs() <= 1, "{out:?}");
        }
    }

    #[test]
    fn flat_rows_stay_exactly_flat() {
        for cells in [2, 3, 137, 256] {
            let map = Map::new(1921, cells, cells as f64 / 1921.0);
            let mut out = vec![0; 1921];
            map.stretch([&vec![16384; cells]], 0, &mut out);
            assert!(out.iter().all(|value| *value == 16384));
            assert_eq!(map.start(cells - 1), 1921);
        }
    }
}
