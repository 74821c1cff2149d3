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
    let all = layer.bias.len();
    let mut oct = 0;
    while S::WIDE && oct + 2 <= all {
        lanes::<S, Two<S>, SIZE, STRIDE>(simd, layer, rows, add_input, oct, output);
        oct += 2;
    }
    while oct < all {
        lanes::<S, One<S>, SIZE, STRIDE>(simd, layer, rows, add_input, oct, output);
        oct += 1;
    }
}

#[inline(always)]
fn lanes<S: Simd, L: Lanes<S>, const SIZE: usize, const STRIDE: usize>(
    simd: S,
    layer: &Depthwise,
    rows: [&[Oct]; 5],
    add_input: bool,
    oct: usize,
    output: &mut [Oct],
) {
    let strip = Strip {
        simd,
        octs: layer.bias.len(),
        weights: &layer.weights[oct * SIZE * SIZE..][..SIZE * SIZE * L::OCTS],
        bias: L::load(simd, &layer.bias[oct..oct + L::OCTS]),
        rows: rows.map(|row| row.get(oct..).unwrap_or_default()),
        added: if add_input { Some(layer.padding) } else { None },
        activation: layer.activation,
    };
    strip.pixels::<SIZE, STRIDE>(&mut output[oct..]);
}

/// One or two octs of channels of a row; slices begin at the first of them.
struct Strip<'a, S, L> {
    simd: S,
    /// Octs of a pixel.
    octs: usize,
    weights: &'a [Oct],
    bias: L,
    rows: [&'a [Oct]; 5],
    /// The pixel itself, which stands behind so many zeros, is added to what comes out.
    added: Option<(usize, usize)>,
    activation: Activation,
}

impl<S: Simd, L: Lanes<S>> Strip<'_, S, L> {
    #[inline(always)]
    fn pixels<const SIZE: usize, const STRIDE: usize>(&self, output: &mut [Oct]) {
        let octs = self.octs;
        let pixels = output.len().div_ceil(octs);
        let mut at = 0;
        while pixels - at >= 4 {
            let sums = self.tile::<SIZE, STRIDE, 4>(at);
            self.finish::<STRIDE, 4>(at, sums, &mut output[at * octs..]);
            at += 4;
        }
        while at < pixels {
            let sums = self.tile::<SIZE, STRIDE, 1>(at);
            self.finish::<STRIDE, 1>(at, sums, &mut output[at * octs..]);
            at += 1;
        }
    }

    #[inline(always)]
    fn tile<const SIZE: usize, const STRIDE: usize, const PIXELS: usize>(&self, at: usize) -> [L; PIXELS] {
        let (simd, octs) = (self.simd, self.octs);
        let columns = (PIXELS - 1) * STRIDE + SIZE;
        let mut sums = [self.bias; PIXELS];
        for (row, weights) in self.rows[..SIZE].iter().zip(self.weights.chunks_exact(SIZE * L::OCTS)) {
            let row = &row[at * STRIDE * octs..][..(columns - 1) * octs + L::OCTS];
            let mut taps = [self.bias; SIZE];
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
        sums
    }

    #[inline(always)]
    fn finish<const STRIDE: usize, const PIXELS: usize>(&self, at: usize, sums: [L; PIXELS], output: &mut [Oct]) {
        // Once for all sums: what an activation is must not be asked between them.
        match self.activation {
            Activation::Relu => self.store::<STRIDE, PIXELS>(at, sums, Activation::Relu, output),
            Activation::HardSwish => self.store::<STRIDE, PIXELS>(at, sums, Activation::HardSwish, output),
            Activation::None | Activation::Sigmoid => {
                self.store::<STRIDE, PIXELS>(at, sums, Activation::None, output);
            }
        }
    }

    #[inline(always)]
    fn store<const STRIDE: usize, const PIXELS: usize>(
        &self,
        at: usize,
        sums: [L; PIXELS],
        activation: Activation,
        output: &mut [Oct],
    ) {
        let (simd, octs) = (self.simd, self.octs);
        let output = &mut output[..(PIXELS - 1) * octs + L::OCTS];
        for (pixel, sum) in sums.iter().enumerate() {
            for (lane, v) in sum.octs(simd)[..L::OCTS].iter().enumerate() {
                let mut v = activate(simd, *v, activation);
                if let Some((above, left)) = self.added {
                    let itself = ((at + pixel) * STRIDE + left) * octs + lane;
                    v = simd.add(v, simd.load(&self.rows[above][itself]));
                }
                simd.store(v, &mut output[pixel * octs + lane]);
            }
        }
    }
}
