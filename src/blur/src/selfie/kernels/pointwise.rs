//! Convolution of single pixels: each pixel's channels times a matrix.

use super::super::graph::Activation;
use super::super::simd::{Lanes, Oct, One, Simd, Two};
use super::activate;

/// A matrix, its bias, and what is done with the sums.
#[derive(Clone, Debug)]
pub struct Pointwise {
    /// Channels that come in.
    pub inputs: usize,
    /// Octs that go out.
    pub octs: usize,
    /// Octs that are computed as one: 1 or 2.
    pub unit: usize,
    /// Panels of outputs (see [`panels`]), each with a row for each input. An odd last oct has a neighbour of zeros.
    pub weights: Vec<Oct>,
    /// One number for each output, filled up as the weights are.
    pub bias: Vec<Oct>,
    /// What is done with the sums.
    pub activation: Activation,
}

/// Cuts a matrix into panels of 1 to 3 units of outputs, so many that their sums for some pixels fill the registers: first unit and
/// number of units of each.
pub fn panels(units: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut first = 0;
    std::iter::from_fn(move || {
        let panel = match units - first {
            0 => return None,
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        first += panel;
        Some((first - panel, panel))
    })
}

impl Pointwise {
    /// From a filter with a row of inputs for each output.
    pub fn new(inputs: usize, filter: &[f32], bias: &[f32], activation: Activation, wide: bool) -> Pointwise {
        let (octs, unit) = (bias.len() / 8, if wide { 2 } else { 1 });
        let units = octs.div_ceil(unit);
        let weight = |output: usize, input: usize| filter.get(output * inputs + input).copied().unwrap_or(0.0);
        let mut weights = Vec::with_capacity(inputs * units * unit);
        for (first, panel) in panels(units) {
            for input in 0..inputs {
                for oct in first * unit..(first + panel) * unit {
                    weights.push(std::array::from_fn(|lane| weight(oct * 8 + lane, input)));
                }
            }
        }
        let mut bias = bias.as_chunks::<8>().0.to_vec();
        bias.resize(units * unit, [0.0; 8]);
        Pointwise { inputs, octs, unit, weights, bias, activation }
    }

    /// The weights with each input's factor in them.
    #[inline(always)]
    pub fn scaled<S: Simd>(&self, simd: S, factors: &[f32], into: &mut [Oct]) {
        let (mut from, mut into) = (&*self.weights, into);
        for (_, panel) in panels(self.octs.div_ceil(self.unit)) {
            for factor in &factors[..self.inputs] {
                let (row, rest) = from.split_at(panel * self.unit);
                let (to, rest_of_into) = into.split_at_mut(panel * self.unit);
                for (weight, to) in row.iter().zip(to) {
                    simd.store(simd.multiply(simd.load(weight), simd.splat(*factor)), to);
                }
                (from, into) = (rest, rest_of_into);
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
    for (first, panel) in panels(layer.octs.div_ceil(layer.unit)) {
        let (weights, then) = rest.split_at(panel * layer.unit * layer.inputs);
        rest = then;
        let mut run = Run { simd, layer, weights, first: first * layer.unit, input, residual, output };
        // Tiles are as large as the registers allow: 16 of 8 numbers, or 32 of 16.
        match (S::WIDE, panel) {
            (false, 3) => run.pixels::<One<S>, 3, 3>(),
            (false, 2) => run.pixels::<One<S>, 6, 2>(),
            (false, _) => run.pixels::<One<S>, 8, 1>(),
            (true, 3) => run.pixels::<Two<S>, 8, 3>(),
            (true, 2) => run.pixels::<Two<S>, 8, 2>(),
            (true, _) => run.pixels::<Two<S>, 16, 1>(),
        }
    }
}

/// A panel applied to a run of pixels.
struct Run<'a, S> {
    simd: S,
    layer: &'a Pointwise,
    weights: &'a [Oct],
    /// First oct of the panel.
    first: usize,
    input: &'a [f32],
    residual: Option<&'a [Oct]>,
    output: &'a mut [Oct],
}

impl<S: Simd> Run<'_, S> {
    #[inline(always)]
    fn pixels<L: Lanes<S>, const MANY: usize, const PANEL: usize>(&mut self) {
        let pixels = self.output.len() / self.layer.octs;
        let mut at = 0;
        // With sixes, a rest of eight is better done by fours than by six and ones.
        while pixels - at >= MANY && (MANY != 6 || pixels - at != 8) {
            self.tile::<L, MANY, PANEL>(at);
            at += MANY;
        }
        while pixels - at >= 4 {
            self.tile::<L, 4, PANEL>(at);
            at += 4;
        }
        while at < pixels {
            self.tile::<L, 1, PANEL>(at);
            at += 1;
        }
    }

    #[inline(always)]
    fn tile<L: Lanes<S>, const PIXELS: usize, const PANEL: usize>(&mut self, at: usize) {
        let (simd, layer) = (self.simd, self.layer);
        let (inputs, octs) = (layer.inputs, layer.octs);
        let mut sums = start::<S, L, PIXELS, PANEL>(simd, &layer.bias[self.first..]);
        accumulate(simd, self.weights, &self.input[at * inputs..(at + PIXELS) * inputs], inputs, &mut sums);
        for (pixel, sums) in sums.iter().enumerate() {
            let output = &mut self.output[(at + pixel) * octs..(at + pixel + 1) * octs];
            let residual = self.residual.map(|all| &all[(at + pixel) * octs..(at + pixel + 1) * octs]);
            let mut oct = self.first;
            for sum in sums {
                for v in &sum.octs(simd)[..L::OCTS] {
                    if oct < octs {
                        let mut v = activate(simd, *v, layer.activation);
                        if let Some(residual) = residual {
                            v = simd.add(v, simd.load(&residual[oct]));
                        }
                        simd.store(v, &mut output[oct]);
                    }
                    oct += 1;
                }
            }
        }
    }
}

/// Sums that begin with the bias.
#[inline(always)]
pub fn start<S: Simd, L: Lanes<S>, const PIXELS: usize, const PANEL: usize>(
    simd: S,
    bias: &[Oct],
) -> [[L; PANEL]; PIXELS] {
    let mut first = [L::splat(simd, 0.0); PANEL];
    for (v, bias) in first.iter_mut().zip(bias.chunks_exact(L::OCTS)) {
        *v = L::load(simd, bias);
    }
    [first; PIXELS]
}

/// Adds the products of one number after the other of each pixel, `apart` numbers from pixel to pixel, with its row of weights.
#[inline(always)]
pub fn accumulate<S: Simd, L: Lanes<S>, const PIXELS: usize, const PANEL: usize>(
    simd: S,
    weights: &[Oct],
    input: &[f32],
    apart: usize,
    sums: &mut [[L; PANEL]; PIXELS],
) {
    let rows = weights.chunks_exact(PANEL * L::OCTS);
    let mut pixels: [&[f32]; PIXELS] = [&[]; PIXELS];
    for (pixel, numbers) in pixels.iter_mut().enumerate() {
        *numbers = &input[pixel * apart..pixel * apart + rows.len()];
    }
    let mut now = *sums;
    for (number, row) in rows.enumerate() {
        let mut w = [L::splat(simd, 0.0); PANEL];
        for (w, octs) in w.iter_mut().zip(row.chunks_exact(L::OCTS)) {
            *w = L::load(simd, octs);
        }
        for (sums, pixel) in now.iter_mut().zip(&pixels) {
            let x = L::splat(simd, pixel[number]);
            for (sum, w) in sums.iter_mut().zip(&w) {
                *sum = L::multiply_add(simd, x, *w, *sum);
            }
        }
    }
    *sums = now;
}
