//! A small picture enlarged to twice its size and added to a large one, of which each channel has a factor.

use super::super::simd::{Oct, Simd};

/// Rows of a small picture with `height` rows that give row `y` of the large one, and the weight of the second.
pub fn rows(y: usize, height: usize) -> (usize, usize, f32) {
    // Centres of pixels at one half: y / 2 - 1/4 or y / 2 + 1/4.
    if y.is_multiple_of(2) {
        ((y / 2).saturating_sub(1), y / 2, 0.75)
    } else {
        (y / 2, (y / 2 + 1).min(height - 1), 0.25)
    }
}

/// Row of the large picture. `upper` and `lower` are the rows of the small one, `weight` is that of the lower.
#[inline(always)]
pub fn row<S: Simd>(
    simd: S,
    large: &[Oct],
    factors: &[Oct],
    (upper, lower, weight): (&[Oct], &[Oct], f32),
    between: &mut [Oct],
    output: &mut [Oct],
) {
    let octs = factors.len();
    let (below, above) = (simd.splat(weight), simd.splat(1.0 - weight));
    for ((upper, lower), between) in upper.iter().zip(lower).zip(between.iter_mut()) {
        let v = simd.multiply(simd.load(upper), above);
        simd.store(simd.multiply_add(simd.load(lower), below, v), between);
    }
    let (near, far) = (simd.splat(0.75), simd.splat(0.25));
    let pixels = between.len() / octs;
    for oct in 0..octs {
        let factor = simd.load(&factors[oct]);
        let mut left = simd.load(&between[oct]);
        let mut here = left;
        for pixel in 0..pixels {
            let right = simd.load(&between[(pixel + 1).min(pixels - 1) * octs + oct]);
            let at = 2 * pixel * octs + oct;
            let base = simd.multiply(here, near);
            let first = simd.multiply_add(left, far, base);
            let second = simd.multiply_add(right, far, base);
            simd.store(simd.multiply_add(simd.load(&large[at]), factor, first), &mut output[at]);
            simd.store(simd.multiply_add(simd.load(&large[at + octs]), factor, second), &mut output[at + octs]);
            left = here;
            here = right;
        }
    }
}
