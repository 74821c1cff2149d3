//! Convolution of single pixels: each pixel's channels times a matrix.

use super::super::graph::Activation;
use super::super::simd::{Oct, Simd};
use super::activate;

/// A matrix, its bias, and what is done with the sums.
#[derive(Clone, Debug)]
pub struct Pointwise {
    /// Channels that come in.
    pub inputs: usize,
    /// Octs that go out.
    pub octs: usize,
    /// Panels of 1 to 3 octs of outputs (see [`panels`]), each with a row for each input.
    pub weights: Vec<Oct>,
    /// One number for each output.
    pub bias: Vec<Oct>,
    /// What is done with the sums.
    pub activation: Activation,
}

/// How many octs of outputs are computed together: 3 (of 4 pixels) or 2 (of 6) fill the registers.
pub fn panels(octs: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let panel = match octs - first {
            0 => return None,
            2 | 4 => 2,
            1 => 1,
            _ => 3,
        };
        first += panel;
        Some((first - panel, panel))
    })
}

impl Pointwise {
    /// From a filter with a row of inputs for each output.
    pub fn new(inputs: usize, filter: &[f32], bias: &[f32], activation: Activation) -> Pointwise {
        let octs = bias.len() / 8;
        let mut weights = Vec::with_capacity(inputs * octs);
        for (first, panel) in panels(octs) {
            for input in 0..inputs {
                for oct in first..first + panel {
                    weights.push(std::array::from_fn(|lane| filter[(oct * 8 + lane) * inputs + input]));
                }
            }
        }
        Pointwise { inputs, octs, weights, bias: bias.as_chunks::<8>().0.to_vec(), activation }
    }

    /// The weights with each input's factor in them.
    #[inline(always)]
    pub fn scaled<S: Simd>(&self, simd: S, factors: &[f32], into: &mut [Oct]) {
        let mut at = 0;
        for (_, panel) in panels(self.octs) {
            for factor in &factors[..self.inputs] {
                for _ in 0..panel {
                    simd.store(simd.multiply(simd.load(&self.weights[at]), simd.splat(*factor)), &mut into[at]);
                    at += 1;
                }
            }
        }
    }
}

/// Computes a run of pixels. `input` has `layer.inputs` numbers for each, `output` and `residual` (which is added last)
/// `layer.octs` octs; `weights` are the layer's or [`Pointwise::scaled`].
#[inline(always)]
pub fn run<S: Simd>(
    simd: S,
    layer: &Pointwise,
    weights: &[Oct],
    input: &[f32],
    residual: Option<&[Oct]>,
    output: &mut [Oct],
) {
    let mut rest = weights;
    for (first, panel) in panels(layer.octs) {
        let (now, then) = rest.split_at(panel * layer.inputs);
        rest = then;
        let place = Place { first, octs: layer.octs };
        match panel {
            3 => pixels::<S, 4, 3>(simd, layer, now, place, input, residual, output),
            2 => pixels::<S, 6, 2>(simd, layer, now, place, input, residual, output),
            _ => pixels::<S, 6, 1>(simd, layer, now, place, input, residual, output),
        }
    }
}

/// Where a panel stands in a pixel of the output.
#[derive(Clone, Copy)]
struct Place {
    first: usize,
    octs: usize,
}

#[inline(always)]
fn pixels<S: Simd, const MANY: usize, const PANEL: usize>(
    simd: S,
    layer: &Pointwise,
    weights: &[Oct],
    place: Place,
    input: &[f32],
    residual: Option<&[Oct]>,
    output: &mut [Oct],
) {
    let pixels = output.len() / place.octs;
    let mut at = 0;
    // A rest of four or eight is better done by fours than by six and ones.
    while pixels - at >= MANY && pixels - at != 8 {
        tile::<S, MANY, PANEL>(simd, layer, weights, place, input, residual, output, at);
        at += MANY;
    }
    while pixels - at >= 4 {
        tile::<S, 4, PANEL>(simd, layer, weights, place, input, residual, output, at);
        at += 4;
    }
    while at < pixels {
        tile::<S, 1, PANEL>(simd, layer, weights, place, input, residual, output, at);
        at += 1;
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)] // the innermost loop; all of them are its subject
fn tile<S: Simd, const PIXELS: usize, const PANEL: usize>(
    simd: S,
    layer: &Pointwise,
    weights: &[Oct],
    place: Place,
    input: &[f32],
    residual: Option<&[Oct]>,
    output: &mut [Oct],
    at: usize,
) {
    let inputs = layer.inputs;
    let weights = weights.as_chunks::<PANEL>().0;
    let mut sums = start::<S, PIXELS, PANEL>(simd, &layer.bias[place.first..]);
    accumulate(simd, weights, &input[at * inputs..(at + PIXELS) * inputs], inputs, &mut sums);
    for (pixel, sums) in sums.iter().enumerate() {
        let from = (at + pixel) * place.octs + place.first;
        let output = &mut output[from..from + PANEL];
        for (oct, sum) in sums.iter().enumerate() {
            let mut v = activate(simd, *sum, layer.activation);
            if let Some(residual) = residual {
                v = simd.add(v, simd.load(&residual[from + oct]));
            }
            simd.store(v, &mut output[oct]);
        }
    }
}

/// Sums that begin with the bias.
#[inline(always)]
pub fn start<S: Simd, const PIXELS: usize, const PANEL: usize>(simd: S, bias: &[Oct]) -> [[S::V; PANEL]; PIXELS] {
    let mut first = [simd.splat(0.0); PANEL];
    for (v, bias) in first.iter_mut().zip(&bias[..PANEL]) {
        *v = simd.load(bias);
    }
    [first; PIXELS]
}

/// Adds the products of one number after the other of each pixel, `apart` numbers from pixel to pixel, with its row of weights.
#[inline(always)]
pub fn accumulate<S: Simd, const PIXELS: usize, const PANEL: usize>(
    simd: S,
    weights: &[[Oct; PANEL]],
    input: &[f32],
    apart: usize,
    sums: &mut [[S::V; PANEL]; PIXELS],
) {
    let mut pixels: [&[f32]; PIXELS] = [&[]; PIXELS];
    for (pixel, numbers) in pixels.iter_mut().enumerate() {
        *numbers = &input[pixel * apart..pixel * apart + weights.len()];
    }
    let mut now = *sums;
    for (number, row) in weights.iter().enumerate() {
        let mut w = [simd.splat(0.0); PANEL];
        for (w, oct) in w.iter_mut().zip(row) {
            *w = simd.load(oct);
        }
        for (sums, pixel) in now.iter_mut().zip(&pixels) {
            let x = simd.splat(pixel[number]);
            for (sum, w) in sums.iter_mut().zip(&w) {
                *sum = simd.multiply_add(x, *w, *sum);
            }
        }
    }
    *sums = now;
}
