//! A filter of its own for each channel.

use super::super::graph::Activation;
use super::super::simd::{Oct, Simd};
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
    /// For each oct of channels, the filter's rows and columns.
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
    ) -> Depthwise {
        let channels = bias.len();
        let mut weights = Vec::with_capacity(size * size * channels / 8);
        for oct in 0..channels / 8 {
            for tap in 0..size * size {
                weights.push(std::array::from_fn(|lane| filter[tap * channels + oct * 8 + lane]));
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
    let octs = layer.bias.len();
    let pixels = output.len() / octs;
    for oct in 0..octs {
        let mut at = 0;
        while pixels - at >= 4 {
            tile::<S, SIZE, STRIDE, 4>(simd, layer, rows, add_input, output, (oct, octs), at);
            at += 4;
        }
        while at < pixels {
            tile::<S, SIZE, STRIDE, 1>(simd, layer, rows, add_input, output, (oct, octs), at);
            at += 1;
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const SIZE: usize, const STRIDE: usize, const PIXELS: usize>(
    simd: S,
    layer: &Depthwise,
    rows: [&[Oct]; 5],
    add_input: bool,
    output: &mut [Oct],
    (oct, octs): (usize, usize),
    at: usize,
) {
    let weights = &layer.weights[oct * SIZE * SIZE..(oct + 1) * SIZE * SIZE];
    let columns = (PIXELS - 1) * STRIDE + SIZE;
    let mut sums = [simd.load(&layer.bias[oct]); PIXELS];
    for (row, weights) in rows[..SIZE].iter().zip(weights.chunks_exact(SIZE)) {
        let first = at * STRIDE * octs + oct;
        let row = &row[first..first + (columns - 1) * octs + 1];
        let mut taps = [simd.splat(0.0); SIZE];
        for (tap, weight) in taps.iter_mut().zip(weights) {
            *tap = simd.load(weight);
        }
        // Each pixel of the row is loaded once, for all outputs that it is a part of.
        for column in 0..columns {
            let x = simd.load(&row[column * octs]);
            for (pixel, sum) in sums.iter_mut().enumerate() {
                let from = pixel * STRIDE;
                if column >= from && column < from + SIZE {
                    *sum = simd.multiply_add(x, taps[column - from], *sum);
                }
            }
        }
    }
    for (pixel, sum) in sums.iter().enumerate() {
        let mut v = activate(simd, *sum, layer.activation);
        if add_input {
            let itself = rows[layer.padding.0][((at + pixel) * STRIDE + layer.padding.1) * octs + oct];
            v = simd.add(v, simd.load(&itself));
        }
        simd.store(v, &mut output[(at + pixel) * octs + oct]);
    }
}
