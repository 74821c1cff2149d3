//! The convolution that takes the picture: few channels in, no vectors to be had of them.

use super::super::graph::Activation;
use super::super::simd::{Lanes, Oct, One, Simd, Two};
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
    pub weights: Vec<Oct>,
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
        let weights = (0..taps).flat_map(|tap| [weight(tap, 0), weight(tap, 1)]).collect();
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
    let mut tiles = Tiles { simd, layer, picture, size, y, output };
    let mut at = 0;
    while at < pixels {
        let inside = if at >= first { after.saturating_sub(at) } else { 1 };
        at += match (S::WIDE, inside) {
            (true, 16..) => tiles.tile::<Two<S>, 16, 1>(at),
            (true, 4..) => tiles.tile::<Two<S>, 4, 1>(at),
            (true, _) => tiles.tile::<Two<S>, 1, 1>(at),
            (false, 6..) => tiles.tile::<One<S>, 6, 2>(at),
            (false, _) => tiles.tile::<One<S>, 1, 2>(at),
        };
    }
}

struct Tiles<'a, S> {
    simd: S,
    layer: &'a Convolve,
    picture: &'a [f32],
    size: (usize, usize),
    y: usize,
    output: &'a mut [Oct],
}

impl<S: Simd> Tiles<'_, S> {
    /// Pixels from this one on; gives their number.
    #[inline(always)]
    fn tile<L: Lanes<S>, const PIXELS: usize, const PANEL: usize>(&mut self, at: usize) -> usize {
        let Tiles { simd, layer, picture, size, .. } = *self;
        let (rows, columns) = layer.size;
        let left = at * layer.stride.1;
        // What lies outside the picture is zero: rows and columns of the filter that fall there are left out.
        let skipped = layer.padding.1.saturating_sub(left);
        let taken = columns.min(size.1 + layer.padding.1 - left) - skipped;
        let mut sums = start::<S, L, PIXELS, PANEL>(simd, &layer.bias);
        for row in 0..rows {
            let y = self.y * layer.stride.0 + row;
            if y < layer.padding.0 || y - layer.padding.0 >= size.0 {
                continue;
            }
            let from = ((y - layer.padding.0) * size.1 + left + skipped - layer.padding.1) * layer.channels;
            let weights =
                &layer.weights[(row * columns + skipped) * layer.channels * 2..][..taken * layer.channels * 2];
            accumulate(simd, weights, &picture[from..], layer.stride.1 * layer.channels, &mut sums);
        }
        for (sums, output) in sums.iter().zip(self.output[at * 2..].chunks_exact_mut(2)) {
            for (sum, output) in sums.iter().zip(output.chunks_exact_mut(L::OCTS)) {
                for (v, oct) in sum.octs(simd).iter().zip(output) {
                    simd.store(activate(simd, *v, layer.activation), oct);
                }
            }
        }
        PIXELS
    }
}
