//! The layers, a row of pixels at a time. A pixel is a run of octs, a row a run of pixels.
//!
//! Everything here is generic over the instructions and inlined into the one function that is compiled for them. Indices are
//! checked (the checks are hoisted: lengths are asserted by slicing before a loop); nothing here is `unsafe`.
#![allow(clippy::indexing_slicing)] // inner loops: lengths come from layers whose shapes were checked when the program was made

pub mod blend;
pub mod convolve;
pub mod depthwise;
pub mod pointwise;
pub mod sigmoid;
#[cfg(test)]
mod tests;

use super::graph::Activation;
use super::simd::{Oct, Simd};

/// Adds the pixels of a row to a sum for each channel.
#[inline(always)]
pub fn add_row<S: Simd>(simd: S, row: &[Oct], sum: &mut [Oct]) {
    let octs = sum.len();
    for (oct, sum) in sum.iter_mut().enumerate() {
        let mut total = simd.splat(0.0);
        for pixel in row.chunks_exact(octs) {
            total = simd.add(total, simd.load(&pixel[oct]));
        }
        simd.store(simd.add(simd.load(sum), total), sum);
    }
}

/// Each number of a sum times a factor.
#[inline(always)]
pub fn scale<S: Simd>(simd: S, sum: &mut [Oct], factor: f32) {
    for oct in sum {
        simd.store(simd.multiply(simd.load(oct), simd.splat(factor)), oct);
    }
}

/// The sigmoid is left to [`sigmoid::row`]: it is long, and only vectors and the mask have it.
#[inline(always)]
fn activate<S: Simd>(simd: S, v: S::V, activation: Activation) -> S::V {
    let zero = simd.splat(0.0);
    match activation {
        Activation::None | Activation::Sigmoid => v,
        Activation::Relu => simd.max(v, zero),
        Activation::HardSwish => {
            let six = simd.splat(6.0);
            let gate = simd.min(simd.max(simd.add(v, simd.splat(3.0)), zero), six);
            simd.multiply(simd.multiply(v, gate), simd.splat(1.0 / 6.0))
        }
    }
}
