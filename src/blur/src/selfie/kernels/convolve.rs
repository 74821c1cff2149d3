//! The convolution that takes the picture: few channels in, no vectors to be had of them.

use super::super::graph::Activation;
use super::super::simd::{Oct, Simd};
use super::activate;
use super::pointwise::{accumulate, start};

/// A filter on the picture.
#[derive(Clone, Debug)]
pub struct Convolve {
    /// Channels of the picture.
    pub channels: usize,
    /// Rows and columns of the filter.
    pub size: (usize, usize),
    /// Steps between rows and columns.
    pub stride: (usize, usize),
    /// Zeros above and to the left.
    pub padding: (usize, usize),
    /// For each row, column and channel of the filter two octs of outputs.
    pub weights: Vec<[Oct; 2]>,
    /// One number for each output.
    pub bias: [Oct; 2],
    /// What is done with the sums.
    pub activation: Activation,
}

impl Convolve {
    /// From a filter in the order output, row, column, channel; sixteen outputs.
    pub fn new(
        shape: (usize, usize, usize),
        filter: &[f32],
        bias: [Oct; 2],
        stride: (usize, usize),
        padding: (usize, usize),
        activation: Activation,
    ) -> Convolve {
        let (rows, columns, channels) = shape;
        let taps = rows * columns * channels;
        let weight =
            |tap: usize, oct: usize| -> Oct { std::array::from_fn(|lane| filter[(oct * 8 + lane) * taps + tap]) };
        let weights = (0..taps).map(|tap| [weight(tap, 0), weight(tap, 1)]).collect();
        Convolve { channels, size: (rows, columns), stride, padding, weights, bias, activation }
    }
}

/// Computes row `y` of the output; the picture has `size.0` rows of `size.1` pixels.
#[inline(always)]
pub fn row<S: Simd>(simd: S, layer: &Convolve, picture: &[f32], size: (usize, usize), y: usize, output: &mut [Oct]) {
    let pixels = output.len() / 2;
    let (_, columns) = layer.size;
    // Pixels of which every column of the filter lies in the picture.
    let first = layer.padding.1.div_ceil(layer.stride.1);
    let after = ((size.1 + layer.padding.1).saturating_sub(columns) / layer.stride.1 + 1).min(pixels);
    let mut at = 0;
    while at < pixels {
        if at >= first && at + 6 <= after {
            tile::<S, 6>(simd, layer, picture, size, (y, at), output);
            at += 6;
        } else {
            tile::<S, 1>(simd, layer, picture, size, (y, at), output);
            at += 1;
        }
    }
}

#[inline(always)]
fn tile<S: Simd, const PIXELS: usize>(
    simd: S,
    layer: &Convolve,
    picture: &[f32],
    size: (usize, usize),
    at: (usize, usize),
    output: &mut [Oct],
) {
    let (rows, columns) = layer.size;
    let left = at.1 * layer.stride.1;
    // What lies outside the picture is zero: rows and columns of the filter that fall there are left out.
    let skipped = layer.padding.1.saturating_sub(left);
    let taken = columns.min(size.1 + layer.padding.1 - left) - skipped;
    let mut sums = start::<S, PIXELS, 2>(simd, &layer.bias);
    for row in 0..rows {
        let y = at.0 * layer.stride.0 + row;
        if y < layer.padding.0 || y - layer.padding.0 >= size.0 {
            continue;
        }
        let from = ((y - layer.padding.0) * size.1 + left + skipped - layer.padding.1) * layer.channels;
        let weights = &layer.weights[(row * columns + skipped) * layer.channels..][..taken * layer.channels];
        accumulate(simd, weights, &picture[from..], layer.stride.1 * layer.channels, &mut sums);
    }
    for (pixel, output) in sums.iter().zip(output[at.1 * 2..].chunks_exact_mut(2)) {
        for (sum, oct) in pixel.iter().zip(output) {
            simd.store(activate(simd, *sum, layer.activation), oct);
        }
    }
}
