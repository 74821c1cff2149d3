//! A filter of its own for each channel.

use super::super::graph::Activation;
use super::super::simd::{Lanes, Oct, One, Simd, Two};
use super::activate;

/// Filters of 3 × 3 or 5 × 5.
#[derive(Clone, Debug)]
pub struct Depthwise {
    /// Rows and columns of a filter.
    pub size: usize,
    /// Steps between rows and between columns.
    pub stride: usize,
    /// Zeros above and to the left.
    pub padding: (usize, usize),
    /// For each oct of channels, or each two where the layout is wide (but for an odd last one), the filter's rows and columns.
    pub weights: Vec<Oct>,
    /// One number for each channel.
    pub bias: Vec<Oct>,
    /// What is done with the sums.
    pub activation: Activation,
}

impl Depthwise {
    /// From a filter in the order row, column, channel.
    pub fn new(
        size: usize,
        stride: usize,
        padding: (usize, usize),
        filter: &[f32],
        bias: &[f32],
        activation: Activation,
        wide: bool,
    ) -> Depthwise {
        let channels = bias.len();
        let mut weights = Vec::with_capacity(size * size * channels / 8);
        let (octs, unit) = (channels / 8, if wide { 2 } else { 1 });
        for first in (0..octs).step_by(unit) {
            for tap in 0..size * size {
                for oct in first..(first + unit).min(octs) {
                    weights.push(std::array::from_fn(|lane| filter[tap * channels + oct * 8 + lane]));
                }
            }
        }
        Depthwise { size, stride, padding, weights, bias: bias.as_chunks::<8>().0.to_vec(), activation }
    }

    /// Pixels of a row that gives so many, zeros at both ends included.
    pub fn padded(&self, width: usize) -> usize {
        (width - 1) * self.stride + self.size
    }
}

/// Computes a row from as many padded rows as the filter has. `add_input`: the pixel itself is added to what comes out.
#[inline(always)]
pub fn row<S: Simd>(simd: S, layer: &Depthwise, rows: [&[Oct]; 5], add_input: bool, output: &mut [Oct]) {
    match (layer.size, layer.stride) {
        (3, 1) => octs::<S, 3, 1>(simd, layer, rows, add_input, output),
        (3, _) => octs::<S, 3, 2>(simd, layer, rows, add_input, output),
        (_, 1) => octs::<S, 5, 1>(simd, layer, rows, add_input, output),
        (..) => octs::<S, 5, 2>(simd, layer, rows, add_input, output),
    }
}

#[inline(always)]
fn octs<S: Simd, const SIZE: usize, const STRIDE: usize>(
    simd: S,
    layer: &Depthwise,
    rows: [&[Oct]; 5],
    add_input: bool,
    output: &mut [Oct],
) {
    let mut tiles = Tiles { simd, layer, rows, add_input, octs: layer.bias.len(), output };
    let mut oct = 0;
    while S::WIDE && oct + 2 <= tiles.octs {
        tiles.pixels::<Two<S>, SIZE, STRIDE>(oct);
        oct += 2;
    }
    while oct < tiles.octs {
        tiles.pixels::<One<S>, SIZE, STRIDE>(oct);
        oct += 1;
    }
}

struct Tiles<'a, S> {
    simd: S,
    layer: &'a Depthwise,
    rows: [&'a [Oct]; 5],
    add_input: bool,
    octs: usize,
    output: &'a mut [Oct],
}

impl<S: Simd> Tiles<'_, S> {
    #[inline(always)]
    fn pixels<L: Lanes<S>, const SIZE: usize, const STRIDE: usize>(&mut self, oct: usize) {
        let pixels = self.output.len() / self.octs;
        let mut at = 0;
        while pixels - at >= 4 {
            self.tile::<L, SIZE, STRIDE, 4>(oct, at);
            at += 4;
        }
        while at < pixels {
            self.tile::<L, SIZE, STRIDE, 1>(oct, at);
            at += 1;
        }
    }

    #[inline(always)]
    fn tile<L: Lanes<S>, const SIZE: usize, const STRIDE: usize, const PIXELS: usize>(
        &mut self,
        oct: usize,
        at: usize,
    ) {
        let Tiles { simd, layer, rows, octs, .. } = *self;
        let weights = &layer.weights[oct * SIZE * SIZE..][..SIZE * SIZE * L::OCTS];
        let columns = (PIXELS - 1) * STRIDE + SIZE;
        let mut sums = [L::load(simd, &layer.bias[oct..oct + L::OCTS]); PIXELS];
        for (row, weights) in rows[..SIZE].iter().zip(weights.chunks_exact(SIZE * L::OCTS)) {
            let row = &row[at * STRIDE * octs + oct..][..(columns - 1) * octs + L::OCTS];
            let mut taps = [L::splat(simd, 0.0); SIZE];
            for (tap, weight) in taps.iter_mut().zip(weights.chunks_exact(L::OCTS)) {
                *tap = L::load(simd, weight);
            }
            // Each pixel of the row is loaded once, for all outputs that it is a part of.
            for column in 0..columns {
                let x = L::load(simd, &row[column * octs..column * octs + L::OCTS]);
                for (pixel, sum) in sums.iter_mut().enumerate() {
                    let from = pixel * STRIDE;
                    if column >= from && column < from + SIZE {
                        *sum = L::multiply_add(simd, x, taps[column - from], *sum);
                    }
                }
            }
        }
        for (pixel, sum) in sums.iter().enumerate() {
            let to = (at + pixel) * octs + oct;
            let itself = ((at + pixel) * STRIDE + layer.padding.1) * octs + oct;
            for (lane, v) in sum.octs(simd)[..L::OCTS].iter().enumerate() {
                let mut v = activate(simd, *v, layer.activation);
                if self.add_input {
                    v = simd.add(v, simd.load(&rows[layer.padding.0][itself + lane]));
                }
                simd.store(v, &mut self.output[to + lane]);
            }
        }
    }
}
