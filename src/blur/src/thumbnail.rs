//! A picture made smaller by a whole factor, each small sample being the mean of its block: what the segmenter sees and what the
//! blur is made from. It stays in luma and colour differences; its colours have half its size, as in the picture.

use crate::picture::{Chroma, Colours, Picture, Plane};

/// A part of a picture, in pixels. Its corner lies on an even pixel, so that colours need no shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Left edge.
    pub x: usize,
    /// Upper edge.
    pub y: usize,
    /// Width.
    pub width: usize,
    /// Height.
    pub height: usize,
}

impl Window {
    /// The whole of a picture of this size.
    #[must_use]
    pub fn whole((width, height): (usize, usize)) -> Self {
        Window { x: 0, y: 0, width, height }
    }

    /// The part of it that lies in a picture of this size, from an even pixel on; never empty.
    #[must_use]
    pub fn within(self, (width, height): (usize, usize)) -> Self {
        let x = self.x.min(width.saturating_sub(2)) & !1;
        let y = self.y.min(height.saturating_sub(2)) & !1;
        Window { x, y, width: self.width.clamp(1, width - x), height: self.height.clamp(1, height - y) }
    }
}

/// A small picture of a window of a picture.
#[derive(Clone, Debug, Default)]
pub struct Thumbnail {
    pub(crate) window: Option<Window>,
    pub(crate) factor: usize,
    pub(crate) luma: Small,
    pub(crate) cb: Small,
    pub(crate) cr: Small,
    sums: Vec<u16>,
}

/// A plane of a thumbnail, rows without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Small {
    pub columns: usize,
    pub rows: usize,
    pub samples: Vec<u8>,
}

impl Small {
    fn reset(&mut self, columns: usize, rows: usize) {
        (self.columns, self.rows) = (columns, rows);
        self.samples.clear();
        self.samples.resize(columns * rows, 0);
    }
}

/// The largest whole factor at which the window still has as many pixels as asked for.
#[must_use]
pub fn factor(window: Window, (columns, rows): (usize, usize)) -> usize {
    (window.width / columns.max(1)).min(window.height / rows.max(1)).clamp(1, 255)
}

impl Thumbnail {
    /// Takes the window of the picture, `factor` (1 to 255) times smaller.
    pub fn take(&mut self, picture: &Picture<'_>, window: Window, factor: usize) {
        let factor = factor.clamp(1, 255);
        let window = window.within(picture.size());
        self.window = Some(window);
        self.factor = factor;
        self.luma.reset(window.width.div_ceil(factor), window.height.div_ceil(factor));
        shrink::<1>(&picture.luma, window, factor, &mut self.sums, [&mut self.luma]);
        let half = Window {
            x: window.x / 2,
            y: window.y / 2,
            width: window.width.div_ceil(2),
            height: window.height.div_ceil(2),
        };
        for plane in [&mut self.cb, &mut self.cr] {
            plane.reset(half.width.div_ceil(factor), half.height.div_ceil(factor));
        }
        match &picture.chroma {
            Chroma::Planar(cb, cr) => {
                shrink::<1>(cb, half, factor, &mut self.sums, [&mut self.cb]);
                shrink::<1>(cr, half, factor, &mut self.sums, [&mut self.cr]);
            }
            Chroma::Interleaved(both) => {
                shrink::<2>(both, half, factor, &mut self.sums, [&mut self.cb, &mut self.cr]);
            }
        }
    }

    /// The window as RGB of `columns` by `rows` pixels, stretched to fit, each value 0 to 1. Empty before the first
    /// [`Thumbnail::take`].
    pub fn rgb(&self, colours: Colours, (columns, rows): (usize, usize), pixels: &mut Vec<[f32; 3]>) {
        pixels.clear();
        let Some(window) = self.window else { return };
        pixels.reserve(columns * rows);
        let weights = colours.weights();
        let taps = |pixels: usize, outputs: usize, cells: usize, factor: usize| -> Vec<Tap> {
            let step = pixels as f32 / outputs as f32 / factor as f32;
            (0..outputs).map(|output| Tap::at((output as f32 + 0.5) * step - 0.5, cells)).collect()
        };
        let across = taps(window.width, columns, self.luma.columns, self.factor);
        let down = taps(window.height, rows, self.luma.rows, self.factor);
        let colour_across = taps(window.width, columns, self.cb.columns, 2 * self.factor);
        let colour_down = taps(window.height, rows, self.cb.rows, 2 * self.factor);
        let mut lines = [const { Vec::new() }; 3];
        let planes = [&self.luma, &self.cb, &self.cr];
        for (down, colour_down) in down.iter().zip(&colour_down) {
            for ((line, plane), down) in lines.iter_mut().zip(planes).zip([down, colour_down, colour_down]) {
                down.mix_rows(plane, line);
            }
            let [luma, cb, cr] = &lines;
            pixels.extend(across.iter().zip(&colour_across).map(|(across, colour_across)| {
                let y = (across.mix(luma) - weights.black) * weights.luma;
                let (cb, cr) = (colour_across.mix(cb) - 128.0, colour_across.mix(cr) - 128.0);
                let green = y - weights.green_cb * cb - weights.green_cr * cr;
                [y + weights.red * cr, green, y + weights.blue * cb].map(|value| value.clamp(0.0, 1.0))
            }));
        }
    }
}

/// Between which two cells a position lies, and how far.
struct Tap {
    cell: usize,
    next: usize,
    share: f32,
}

impl Tap {
    fn at(position: f32, cells: usize) -> Self {
        let last = cells.saturating_sub(1);
        let position = position.clamp(0.0, last as f32);
        let cell = position as usize;
        Tap { cell, next: (cell + 1).min(last), share: position - cell as f32 }
    }

    fn mix(&self, line: &[f32]) -> f32 {
        match (line.get(self.cell), line.get(self.next)) {
            (Some(one), Some(other)) => one + (other - one) * self.share,
            _ => 0.0,
        }
    }

    fn mix_rows(&self, plane: &Small, line: &mut Vec<f32>) {
        let row = |row: usize| plane.samples.get(row * plane.columns..(row + 1) * plane.columns).unwrap_or_default();
        line.clear();
        line.extend(row(self.cell).iter().zip(row(self.next)).map(|(one, other)| {
            let one = f32::from(*one);
            one + (f32::from(*other) - one) * self.share
        }));
    }
}

/// Means of blocks of `factor` by `factor` samples of a plane that holds `LANES` kinds of samples in turn.
fn shrink<const LANES: usize>(
    plane: &Plane<'_>,
    window: Window,
    factor: usize,
    sums: &mut Vec<u16>,
    small: [&mut Small; LANES],
) {
    let mut small = small.map(|small| (small.columns.max(1), small.samples.as_mut_slice()));
    let mut rows = plane.rows().skip(window.y).take(window.height).filter_map(|row| {
        let from = LANES * window.x;
        row.get(from..from + LANES * window.width)
    });
    sums.clear();
    sums.resize(LANES * window.width, 0);
    let mut at = 0;
    loop {
        sums.fill(0);
        // At most 255 rows of at most 255: the sum fits.
        let mut height = 0;
        for row in rows.by_ref().take(factor) {
            for (sum, sample) in sums.iter_mut().zip(row) {
                *sum += u16::from(*sample);
            }
            height += 1;
        }
        if height == 0 {
            return;
        }
        for (lane, (columns, samples)) in small.iter_mut().enumerate() {
            let Some(line) = samples.get_mut(at * *columns..(at + 1) * *columns) else { return };
            match factor {
                1 => means::<LANES, 1>(sums, lane, height, line),
                2 => means::<LANES, 2>(sums, lane, height, line),
                3 => means::<LANES, 3>(sums, lane, height, line),
                5 => means::<LANES, 5>(sums, lane, height, line),
                7 => means::<LANES, 7>(sums, lane, height, line),
                _ => means_of(sums, LANES, lane, factor, height, line),
            }
        }
        at += 1;
    }
}

/// [`means_of`] with a factor that the compiler knows: the usual sizes of pictures.
fn means<const LANES: usize, const FACTOR: usize>(sums: &[u16], lane: usize, height: usize, line: &mut [u8]) {
    means_of(sums, LANES, lane, FACTOR, height, line);
}

/// One row of means from the sums of `height` rows.
#[inline(always)]
fn means_of(sums: &[u16], lanes: usize, lane: usize, factor: usize, height: usize, line: &mut [u8]) {
    let reciprocal = |samples: usize| (1_u32 << 24) / u32::try_from(samples).unwrap_or(1).max(1);
    let whole = reciprocal(factor * height);
    let blocks = sums.chunks_exact(lanes * factor);
    let rest = blocks.remainder();
    let mut line = line.iter_mut();
    for (block, mean) in blocks.zip(line.by_ref()) {
        let sum = sum_of(block, lanes, lane);
        // sum ≤ 255 · samples, so the product is below 2³².
        *mean = ((sum * whole + (1 << 23)) >> 24) as u8;
    }
    if let (false, Some(mean)) = (rest.is_empty(), line.next()) {
        let sum = sum_of(rest, lanes, lane);
        *mean = ((sum * reciprocal(rest.len() / lanes * height) + (1 << 23)) >> 24) as u8;
    }
}

/// Sum of every so-manieth number.
#[inline(always)]
fn sum_of(numbers: &[u16], lanes: usize, lane: usize) -> u32 {
    // `step_by` stays a call for each block, which made it the dearest part of a thumbnail.
    if lanes == 1 {
        return numbers.iter().map(|number| u32::from(*number)).sum();
    }
    numbers.chunks_exact(lanes).filter_map(|numbers| numbers.get(lane)).map(|number| u32::from(*number)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::picture::{Layout, Matrix};
    use crate::testing::Owned;

    const COLOURS: Colours = Colours { matrix: Matrix::Bt601, full_range: false };

    proptest! {
        /// Against the plain definition, over sizes, windows, strides and both layouts.
        #[test]
        fn a_small_sample_is_the_mean_of_its_block(
            width in 16_usize..70, height in 16_usize..50, padding in 0_usize..9, nv12: bool,
            factor in 1_usize..9, x in 0_usize..20, y in 0_usize..20, seed: u64,
        ) {
            let layout = if nv12 { Layout::Nv12 } else { Layout::I420 };
            let mut owned = Owned::noise(layout, (width, height), COLOURS, padding, seed);
            let window = Window { x, y, width: width / 2, height: height / 2 }.within((width, height));
            let mut thumbnail = Thumbnail::default();
            thumbnail.take(&owned.picture(), window, factor);
            let mean = |plane: usize, x: usize, y: usize, width: usize, height: usize, left: usize, top: usize| {
                let (mut sum, mut count) = (0, 0);
                for row in y * factor..((y + 1) * factor).min(height) {
                    for column in x * factor..((x + 1) * factor).min(width) {
                        sum += u32::from(owned.sample(plane, left + column, top + row));
                        count += 1;
                    }
                }
                f64::from(sum) / f64::from(count)
            };
            let planes = [
                (&thumbnail.luma, window.width, window.height, window.x, window.y),
                (&thumbnail.cb, window.width.div_ceil(2), window.height.div_ceil(2), window.x / 2, window.y / 2),
                (&thumbnail.cr, window.width.div_ceil(2), window.height.div_ceil(2), window.x / 2, window.y / 2),
            ];
            for (plane, (small, width, height, left, top)) in planes.into_iter().enumerate() {
                prop_assert_eq!(small.columns, width.div_ceil(factor));
                prop_assert_eq!(small.rows, height.div_ceil(factor));
                for row in 0..small.rows {
                    for column in 0..small.columns {
                        let expected = mean(plane, column, row, width, height, left, top);
                        let actual = f64::from(small.samples[row * small.columns + column]);
                        prop_assert!((expected - actual).abs() < 0.51, "plane {plane}, {column}, {row}: {expected} {actual}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_flat_picture_is_a_flat_thumbnail_of_its_colour() {
        for (layout, full_range) in [(Layout::I420, false), (Layout::Nv12, true)] {
            let colours = Colours { matrix: Matrix::Bt709, full_range };
            let mut owned = Owned::flat(layout, (322, 182), colours, colours.samples([200, 100, 50]));
            let mut thumbnail = Thumbnail::default();
            let mut pixels = Vec::new();
            thumbnail.rgb(colours, (4, 4), &mut pixels);
            assert!(pixels.is_empty(), "nothing was taken yet");
            thumbnail.take(&owned.picture(), Window::whole((322, 182)), factor(Window::whole((322, 182)), (64, 36)));
            assert_eq!(thumbnail.factor, 5);
            thumbnail.rgb(colours, (64, 36), &mut pixels);
            assert_eq!(pixels.len(), 64 * 36);
            for pixel in pixels {
                for (value, expected) in pixel.iter().zip([200.0, 100.0, 50.0]) {
                    assert!((value * 255.0 - expected).abs() < 4.0, "{pixel:?}");
                }
            }
        }
    }

    /// A bright right half stays where it is, whatever the factor: no shift by half a pixel creeps in.
    #[test]
    fn an_edge_stays_in_its_place() {
        for (width, height) in [(1280, 720), (1920, 1080), (640, 480), (322, 182)] {
            let mut owned = Owned::flat(Layout::I420, (width, height), COLOURS, [16, 128, 128]);
            owned.paint(Window { x: width / 2, y: 0, width: width / 2, height }, [235, 128, 128]);
            let mut thumbnail = Thumbnail::default();
            let window = Window::whole((width, height));
            thumbnail.take(&owned.picture(), window, factor(window, (256, 144)));
            let mut pixels = Vec::new();
            thumbnail.rgb(COLOURS, (256, 144), &mut pixels);
            let middle = &pixels[70 * 256..71 * 256];
            let bright: f32 = middle.iter().map(|pixel| pixel[1]).sum();
            assert!((bright - 128.0).abs() < 0.6, "{width}×{height}: {bright}");
            assert!(middle[125][1] < 0.01 && middle[130][1] > 0.99);
        }
    }
}
