//! Each kernel, with each kind of instructions, against its definition in numbers of 64 bits.
//!
//! Under Miri (the scalar row; `rustup +nightly component add miri rust-src`, takes minutes):
//! `MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p subrosa-blur --lib selfie`.

use proptest::prelude::*;

use super::super::graph::Activation;
use super::super::simd::{Instructions, Oct, Simd, Work};
use super::*;

/// Random but the same for a seed, within ±1.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn octs(numbers: &[f32]) -> Vec<Oct> {
    numbers.as_chunks::<8>().0.to_vec()
}

fn activated(x: f64, activation: Activation) -> f64 {
    match activation {
        Activation::None | Activation::Sigmoid => x,
        Activation::Relu => x.max(0.0),
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![Just(Activation::None), Just(Activation::Relu), Just(Activation::HardSwish)]
}

fn close(made: &[Oct], wanted: &[f64]) -> Result<(), TestCaseError> {
    prop_assert_eq!(made.len() * 8, wanted.len());
    for (at, (made, wanted)) in made.as_flattened().iter().zip(wanted).enumerate() {
        prop_assert!((f64::from(*made) - wanted).abs() < 1e-4, "{}: {}, not {}", at, made, wanted);
    }
    Ok(())
}

/// Fewer where an interpreter runs them.
fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 2 } else { 200 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

struct PointwiseRun<'a>(&'a pointwise::Pointwise, &'a [f32], Option<&'a [f32]>, Option<&'a [Oct]>, &'a mut [Oct]);

impl Work for PointwiseRun<'_> {
    fn run<S: Simd>(self, simd: S) {
        let PointwiseRun(layer, input, factors, residual, output) = self;
        let mut weights = layer.weights.clone();
        if let Some(factors) = factors {
            layer.scaled(simd, factors, &mut weights);
        }
        pointwise::run(simd, layer, &weights, input, residual, output);
    }
}

struct DepthwiseRun<'a>(&'a depthwise::Depthwise, [&'a [Oct]; 5], bool, &'a mut [Oct]);

impl Work for DepthwiseRun<'_> {
    fn run<S: Simd>(self, simd: S) {
        depthwise::row(simd, self.0, self.1, self.2, self.3);
    }
}

struct ConvolveRun<'a>(&'a convolve::Convolve, &'a [f32], (usize, usize), usize, &'a mut [Oct]);

impl Work for ConvolveRun<'_> {
    fn run<S: Simd>(self, simd: S) {
        convolve::row(simd, self.0, self.1, self.2, self.3, self.4);
    }
}

struct BlendRun<'a>(&'a [Oct], &'a [Oct], (&'a [Oct], &'a [Oct], f32), &'a mut [Oct]);

impl Work for BlendRun<'_> {
    fn run<S: Simd>(self, simd: S) {
        let mut between = vec![[0.0; 8]; self.2.0.len()];
        blend::row(simd, self.0, self.1, self.2, &mut between, self.3);
    }
}

struct SumRun<'a>(&'a [Oct], &'a mut [Oct], f32);

impl Work for SumRun<'_> {
    fn run<S: Simd>(self, simd: S) {
        add_row(simd, self.0, self.1);
        scale(simd, self.1, self.2);
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_matrix_for_each_pixel(
        seed in any::<u64>(), inputs in 1_usize..40, octets in 1_usize..17, pixels in 1_usize..40,
        scaled in any::<bool>(), added in any::<bool>(), activation in activations(),
    ) {
        let outputs = octets * 8;
        let all = numbers(seed, inputs * outputs + outputs + pixels * (inputs + outputs) + inputs);
        let (filter, rest) = all.split_at(inputs * outputs);
        let (bias, rest) = rest.split_at(outputs);
        let (input, rest) = rest.split_at(pixels * inputs);
        let (residual, factors) = rest.split_at(pixels * outputs);
        let wanted: Vec<f64> = (0..pixels * outputs).map(|at| {
            let (pixel, output) = (at / outputs, at % outputs);
            let product = |i: usize| f64::from(input[pixel * inputs + i]) * f64::from(filter[output * inputs + i])
                * if scaled { f64::from(factors[i]) } else { 1.0 };
            let sum = f64::from(bias[output]) + (0..inputs).map(product).sum::<f64>();
            activated(sum, activation) + if added { f64::from(residual[at]) } else { 0.0 }
        }).collect();
        for instructions in Instructions::all() {
            let layer = pointwise::Pointwise::new(inputs, filter, bias, activation, instructions.wide());
            let mut output = vec![[f32::NAN; 8]; pixels * octets];
            let residual = octs(residual);
            let work = PointwiseRun(&layer, input, scaled.then_some(factors), added.then_some(&residual), &mut output);
            instructions.dispatch(work);
            close(&output, &wanted)?;
        }
    }

    #[test]
    fn a_filter_for_each_channel(
        seed in any::<u64>(), size in prop_oneof![Just(3_usize), Just(5)], stride in 1_usize..3, octets in 1_usize..8,
        pixels in 1_usize..24, added in any::<bool>(), activation in activations(),
    ) {
        let channels = octets * 8;
        let padding = (size / 2, size / 2);
        let all = numbers(seed, channels * (size * size + 1));
        let (filter, bias) = all.split_at(channels * size * size);
        let added = added && stride == 1;
        let columns = (pixels - 1) * stride + size;
        let lines: Vec<Vec<f32>> = (0..size).map(|row| numbers(seed ^ (row as u64 + 1), columns * channels)).collect();
        let wanted: Vec<f64> = (0..pixels * channels).map(|at| {
            let (pixel, channel) = (at / channels, at % channels);
            let at = |row: usize, column: usize| f64::from(lines[row][(pixel * stride + column) * channels + channel]);
            let product = |tap: usize| at(tap / size, tap % size) * f64::from(filter[tap * channels + channel]);
            let sum = f64::from(bias[channel]) + (0..size * size).map(product).sum::<f64>();
            activated(sum, activation) + if added { at(padding.0, padding.1) } else { 0.0 }
        }).collect();
        let lines: Vec<Vec<Oct>> = lines.iter().map(|line| octs(line)).collect();
        let rows = std::array::from_fn(|row| lines.get(row).map_or(&[][..], |line| line));
        for instructions in Instructions::all() {
            let layer = depthwise::Depthwise::new(size, stride, padding, filter, bias, activation, instructions.wide());
            prop_assert_eq!(layer.padded(pixels), columns);
            let mut output = vec![[f32::NAN; 8]; pixels * octets];
            instructions.dispatch(DepthwiseRun(&layer, rows, added, &mut output));
            close(&output, &wanted)?;
        }
    }

    #[test]
    fn the_filter_on_the_picture(
        seed in any::<u64>(), rows in 1_usize..6, columns in 1_usize..6, channels in 1_usize..4, stride in 1_usize..3,
        width in 6_usize..60, height in 6_usize..9, activation in activations(),
    ) {
        let (out_width, out_height) = (width.div_ceil(stride), height.div_ceil(stride));
        let before = |length: usize, out: usize, size: usize| ((out - 1) * stride + size).saturating_sub(length) / 2;
        let padding = (before(height, out_height, rows), before(width, out_width, columns));
        let taps = rows * columns * channels;
        let all = numbers(seed, 16 * taps + 16 + width * height * channels);
        let (filter, rest) = all.split_at(16 * taps);
        let (bias, picture) = rest.split_at(16);
        let at = |y: usize, x: usize, channel: usize| match (y.checked_sub(padding.0), x.checked_sub(padding.1)) {
            (Some(y), Some(x)) if y < height && x < width => f64::from(picture[(y * width + x) * channels + channel]),
            _ => 0.0,
        };
        for y in 0..out_height {
            let wanted: Vec<f64> = (0..out_width * 16).map(|place| {
                let (x, output) = (place / 16, place % 16);
                let product = |tap: usize| {
                    let (row, column, channel) = (tap / channels / columns, tap / channels % columns, tap % channels);
                    at(y * stride + row, x * stride + column, channel) * f64::from(filter[output * taps + tap])
                };
                activated(f64::from(bias[output]) + (0..taps).map(product).sum::<f64>(), activation)
            }).collect();
            for instructions in Instructions::all() {
                let both = bias.as_chunks::<8>().0.try_into().unwrap();
                let shape = (rows, columns, channels);
                let layer = convolve::Convolve::new(shape, filter, both, (stride, stride), padding, activation);
                let mut output = vec![[f32::NAN; 8]; out_width * 2];
                instructions.dispatch(ConvolveRun(&layer, picture, (height, width), y, &mut output));
                close(&output, &wanted)?;
            }
        }
    }

    #[test]
    fn a_small_picture_enlarged_and_added(seed in any::<u64>(), width in 1_usize..20, height in 1_usize..5, octets in 1_usize..4) {
        let channels = octets * 8;
        let small = numbers(seed, width * height * channels);
        let large = numbers(seed ^ 1, width * height * 4 * channels);
        let factors = numbers(seed ^ 2, channels);
        // Bilinear with centres at one half, beyond the edge what is at the edge.
        let source = |at: usize, length: usize| {
            let place = (at as f64 + 0.5) / 2.0 - 0.5;
            let (first, part) = (place.floor(), place - place.floor());
            let inside = |at: f64| at.clamp(0.0, length as f64 - 1.0) as usize;
            (inside(first), inside(first + 1.0), part)
        };
        for y in 0..height * 2 {
            let (top, bottom, down) = source(y, height);
            let wanted: Vec<f64> = (0..width * 2 * channels).map(|at| {
                let (x, channel) = (at / channels, at % channels);
                let (left, right, across) = source(x, width);
                let pixel = |y: usize, x: usize| f64::from(small[(y * width + x) * channels + channel]);
                let line = |y: usize| pixel(y, left) * (1.0 - across) + pixel(y, right) * across;
                f64::from(large[y * width * 2 * channels + at]) * f64::from(factors[channel]) + line(top) * (1.0 - down) + line(bottom) * down
            }).collect();
            let (upper, lower, weight) = blend::rows(y, height);
            let line = |y: usize| octs(&small[y * width * channels..][..width * channels]);
            let (upper, lower, large) = (line(upper), line(lower), octs(&large[y * width * 2 * channels..][..width * 2 * channels]));
            for instructions in Instructions::all() {
                let mut output = vec![[f32::NAN; 8]; width * 2 * octets];
                instructions.dispatch(BlendRun(&large, &octs(&factors), (&upper, &lower, weight), &mut output));
                close(&output, &wanted)?;
            }
        }
    }

    #[test]
    fn a_mean_for_each_channel(seed in any::<u64>(), pixels in 1_usize..60, octets in 1_usize..6) {
        let channels = octets * 8;
        let row = numbers(seed, pixels * channels);
        let mean = |channel: usize| (0..pixels).map(|pixel| f64::from(row[pixel * channels + channel])).sum::<f64>() / pixels as f64;
        let wanted: Vec<f64> = (0..channels).map(mean).collect();
        for instructions in Instructions::all() {
            let mut sum = vec![[0.0; 8]; octets];
            instructions.dispatch(SumRun(&octs(&row), &mut sum, 1.0 / pixels as f32));
            close(&sum, &wanted)?;
        }
    }
}
