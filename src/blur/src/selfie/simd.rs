//! Eight numbers at once: one trait, and a row for each kind of instructions.
//!
//! Loads and stores take arrays of eight, so that no length can be wrong. A value of `Avx2` or `Avx512` exists only where the processor
//! has its instructions, which is what the `unsafe` blocks here rest on. The engine has no other `unsafe`.
#![allow(unsafe_code)] // intrinsics

/// Eight channels of a pixel.
pub type Oct = [f32; 8];

/// Instructions that compute on eight numbers at once.
pub trait Simd: Copy {
    /// Eight numbers in registers.
    type V: Copy;
    /// Sixteen.
    type W: Copy;
    /// Whether sixteen are one register, so that it pays to use it.
    const WIDE: bool;

    /// One number eight times.
    fn splat(self, number: f32) -> Self::V;
    /// From memory.
    fn load(self, from: &Oct) -> Self::V;
    /// To memory.
    fn store(self, v: Self::V, to: &mut Oct);
    /// a + b.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b.
    fn multiply(self, a: Self::V, b: Self::V) -> Self::V;
    /// a ÷ b.
    fn divide(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c, rounded once where the instructions can.
    fn multiply_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The smaller of two.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger of two.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;

    /// One number sixteen times.
    fn splat_wide(self, number: f32) -> Self::W;
    /// From memory.
    fn load_wide(self, from: &[Oct; 2]) -> Self::W;
    /// a · b + c.
    fn multiply_add_wide(self, a: Self::W, b: Self::W, c: Self::W) -> Self::W;
    /// The first and the last eight.
    fn split(self, w: Self::W) -> [Self::V; 2];
}

/// The wide form where there is none: two of eight.
macro_rules! two_of_eight {
    () => {
        type W = [Self::V; 2];
        const WIDE: bool = false;

        #[inline(always)]
        fn splat_wide(self, number: f32) -> Self::W {
            [self.splat(number); 2]
        }
        #[inline(always)]
        fn load_wide(self, from: &[Oct; 2]) -> Self::W {
            [self.load(&from[0]), self.load(&from[1])]
        }
        #[inline(always)]
        fn multiply_add_wide(self, a: Self::W, b: Self::W, c: Self::W) -> Self::W {
            [self.multiply_add(a[0], b[0], c[0]), self.multiply_add(a[1], b[1], c[1])]
        }
        #[inline(always)]
        fn split(self, w: Self::W) -> Self::W {
            w
        }
    };
}

/// Every machine: the compiler makes of it what the baseline has.
#[derive(Clone, Copy)]
pub struct Scalar;

macro_rules! each {
    (|$i:ident| $number:expr) => {{
        let mut v = [0.0; 8];
        let mut $i = 0;
        while $i < 8 {
            v[$i] = $number;
            $i += 1;
        }
        v
    }};
}

#[allow(clippy::indexing_slicing)] // arrays of eight, counted to eight
impl Simd for Scalar {
    type V = Oct;
    two_of_eight!();

    #[inline(always)]
    fn splat(self, number: f32) -> Oct {
        [number; 8]
    }
    #[inline(always)]
    fn load(self, from: &Oct) -> Oct {
        *from
    }
    #[inline(always)]
    fn store(self, v: Oct, to: &mut Oct) {
        *to = v;
    }
    #[inline(always)]
    fn add(self, a: Oct, b: Oct) -> Oct {
        each!(|i| a[i] + b[i])
    }
    #[inline(always)]
    fn multiply(self, a: Oct, b: Oct) -> Oct {
        each!(|i| a[i] * b[i])
    }
    #[inline(always)]
    fn divide(self, a: Oct, b: Oct) -> Oct {
        each!(|i| a[i] / b[i])
    }
    #[inline(always)]
    fn multiply_add(self, a: Oct, b: Oct, c: Oct) -> Oct {
        each!(|i| a[i] * b[i] + c[i]) // rounded twice: without the instruction, once is a call into libm
    }
    #[inline(always)]
    fn min(self, a: Oct, b: Oct) -> Oct {
        each!(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    fn max(self, a: Oct, b: Oct) -> Oct {
        each!(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
}

/// x86-64 with AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx2(());

/// x86-64 with AVX-512 (F, DQ and VL) besides.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx512(Avx2);

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Avx2, Avx512, Oct, Simd};

    impl Avx2 {
        /// Where the processor has them.
        pub fn detect() -> Option<Avx2> {
            (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
        }

        /// Does the work in a function that is compiled for these instructions.
        pub fn enter<W: super::Work>(self, work: W) {
            #[target_feature(enable = "avx2,fma")]
            fn compiled<W: super::Work>(simd: Avx2, work: W) {
                work.run(simd);
            }
            // SAFETY: `self` is only made where `detect` has found both features.
            unsafe { compiled(self, work) }
        }
    }

    impl Avx512 {
        /// Where the processor has them.
        pub fn detect() -> Option<Avx512> {
            let all = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            Avx2::detect().filter(|_| all).map(Avx512)
        }

        /// Does the work in a function that is compiled for these instructions.
        pub fn enter<W: super::Work>(self, work: W) {
            #[target_feature(enable = "avx2,fma,avx512f,avx512dq,avx512vl")]
            fn compiled<W: super::Work>(simd: Avx512, work: W) {
                work.run(simd);
            }
            // SAFETY: `self` is only made where `detect` has found all features.
            unsafe { compiled(self, work) }
        }
    }

    // SAFETY of all blocks: `self` is only made where `Avx2::detect` has found both features; references to arrays of eight
    // numbers are readable or writable for 32 bytes, and the unaligned forms ask for no more.
    impl Simd for Avx2 {
        type V = __m256;
        two_of_eight!();

        #[inline(always)]
        fn splat(self, number: f32) -> __m256 {
            unsafe { _mm256_set1_ps(number) }
        }
        #[inline(always)]
        fn load(self, from: &Oct) -> __m256 {
            unsafe { _mm256_loadu_ps(from.as_ptr()) }
        }
        #[inline(always)]
        fn store(self, v: __m256, to: &mut Oct) {
            unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
        }
        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_add_ps(a, b) }
        }
        #[inline(always)]
        fn multiply(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_mul_ps(a, b) }
        }
        #[inline(always)]
        fn divide(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_div_ps(a, b) }
        }
        #[inline(always)]
        fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn min(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_min_ps(a, b) }
        }
        #[inline(always)]
        fn max(self, a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_max_ps(a, b) }
        }
    }

    // SAFETY of all blocks: as above, with `Avx512::detect`; arrays of two octs are readable for 64 bytes.
    impl Simd for Avx512 {
        type V = __m256;
        type W = __m512;
        const WIDE: bool = true;

        #[inline(always)]
        fn splat(self, number: f32) -> __m256 {
            self.0.splat(number)
        }
        #[inline(always)]
        fn load(self, from: &Oct) -> __m256 {
            self.0.load(from)
        }
        #[inline(always)]
        fn store(self, v: __m256, to: &mut Oct) {
            self.0.store(v, to);
        }
        #[inline(always)]
        fn add(self, a: __m256, b: __m256) -> __m256 {
            self.0.add(a, b)
        }
        #[inline(always)]
        fn multiply(self, a: __m256, b: __m256) -> __m256 {
            self.0.multiply(a, b)
        }
        #[inline(always)]
        fn divide(self, a: __m256, b: __m256) -> __m256 {
            self.0.divide(a, b)
        }
        #[inline(always)]
        fn multiply_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
            self.0.multiply_add(a, b, c)
        }
        #[inline(always)]
        fn min(self, a: __m256, b: __m256) -> __m256 {
            self.0.min(a, b)
        }
        #[inline(always)]
        fn max(self, a: __m256, b: __m256) -> __m256 {
            self.0.max(a, b)
        }
        #[inline(always)]
        fn splat_wide(self, number: f32) -> __m512 {
            unsafe { _mm512_set1_ps(number) }
        }
        #[inline(always)]
        fn load_wide(self, from: &[Oct; 2]) -> __m512 {
            unsafe { _mm512_loadu_ps(from.as_ptr().cast()) }
        }
        #[inline(always)]
        fn multiply_add_wide(self, a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }
        #[inline(always)]
        fn split(self, w: __m512) -> [__m256; 2] {
            unsafe { [_mm512_castps512_ps256(w), _mm512_extractf32x8_ps::<1>(w)] }
        }
    }
}

/// aarch64, which always has NEON.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub struct Neon;

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::{Neon, Oct, Simd};

    /// Two registers of four.
    type Pair = [float32x4_t; 2];

    // SAFETY of all blocks: NEON is part of this target; references to arrays of eight numbers are readable or writable at both halves.
    impl Simd for Neon {
        type V = Pair;
        two_of_eight!();

        #[inline(always)]
        fn splat(self, number: f32) -> Pair {
            unsafe { [vdupq_n_f32(number); 2] }
        }
        #[inline(always)]
        fn load(self, from: &Oct) -> Pair {
            unsafe { [vld1q_f32(from.as_ptr()), vld1q_f32(from.as_ptr().add(4))] }
        }
        #[inline(always)]
        fn store(self, v: Pair, to: &mut Oct) {
            unsafe {
                vst1q_f32(to.as_mut_ptr(), v[0]);
                vst1q_f32(to.as_mut_ptr().add(4), v[1]);
            }
        }
        #[inline(always)]
        fn add(self, a: Pair, b: Pair) -> Pair {
            unsafe { [vaddq_f32(a[0], b[0]), vaddq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn multiply(self, a: Pair, b: Pair) -> Pair {
            unsafe { [vmulq_f32(a[0], b[0]), vmulq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn divide(self, a: Pair, b: Pair) -> Pair {
            unsafe { [vdivq_f32(a[0], b[0]), vdivq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn multiply_add(self, a: Pair, b: Pair, c: Pair) -> Pair {
            unsafe { [vfmaq_f32(c[0], a[0], b[0]), vfmaq_f32(c[1], a[1], b[1])] }
        }
        #[inline(always)]
        fn min(self, a: Pair, b: Pair) -> Pair {
            unsafe { [vminq_f32(a[0], b[0]), vminq_f32(a[1], b[1])] }
        }
        #[inline(always)]
        fn max(self, a: Pair, b: Pair) -> Pair {
            unsafe { [vmaxq_f32(a[0], b[0]), vmaxq_f32(a[1], b[1])] }
        }
    }
}

/// Something to do with whichever instructions there are. Everything below `run` must be `#[inline(always)]`, so that it is
/// compiled for them.
pub trait Work {
    /// Does it.
    fn run<S: Simd>(self, simd: S);
}

/// A kind of instructions that this processor has.
#[derive(Clone, Copy)]
pub enum Instructions {
    /// None in particular.
    Scalar,
    /// See [`Avx2`].
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// See [`Avx512`].
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// See [`Neon`].
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Instructions {
    /// Those that this processor has, the fastest first.
    pub fn all() -> Vec<Instructions> {
        let mut all = vec![Instructions::Scalar];
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx2::detect().map(Instructions::Avx2));
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx512::detect().map(Instructions::Avx512));
        #[cfg(target_arch = "aarch64")]
        all.push(Instructions::Neon);
        all.reverse();
        all
    }

    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Instructions::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => "AVX2",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(_) => "AVX-512",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "NEON",
        }
    }

    /// Whether layers are to be laid out for sixteen numbers at once ([`Simd::WIDE`]).
    pub fn wide(self) -> bool {
        match self {
            Instructions::Scalar => Scalar::WIDE,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => Avx2::WIDE,
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(_) => Avx512::WIDE,
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => Neon::WIDE,
        }
    }

    /// Does the work with them.
    pub fn dispatch<W: Work>(self, work: W) {
        match self {
            Instructions::Scalar => work.run(Scalar),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(avx2) => avx2.enter(work),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512(avx512) => avx512.enter(work),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => work.run(Neon),
        }
    }
}

/// One or two octs of channels as one value: kernels are written once for both.
pub trait Lanes<S: Simd>: Copy {
    /// How many octs.
    const OCTS: usize;
    /// One number in all lanes.
    fn splat(simd: S, number: f32) -> Self;
    /// The first octs of a slice, which has enough.
    fn load(simd: S, from: &[Oct]) -> Self;
    /// a · b + c.
    fn multiply_add(simd: S, a: Self, b: Self, c: Self) -> Self;
    /// Each oct; the second is anything where there is only one.
    fn octs(self, simd: S) -> [S::V; 2];
}

/// One oct.
#[derive(Clone, Copy)]
pub struct One<S: Simd>(S::V);

/// Two octs.
#[derive(Clone, Copy)]
pub struct Two<S: Simd>(S::W);

impl<S: Simd> Lanes<S> for One<S> {
    const OCTS: usize = 1;

    #[inline(always)]
    fn splat(simd: S, number: f32) -> Self {
        One(simd.splat(number))
    }
    #[inline(always)]
    #[allow(clippy::indexing_slicing)] // the caller's slice has enough
    fn load(simd: S, from: &[Oct]) -> Self {
        One(simd.load(&from[0]))
    }
    #[inline(always)]
    fn multiply_add(simd: S, a: Self, b: Self, c: Self) -> Self {
        One(simd.multiply_add(a.0, b.0, c.0))
    }
    #[inline(always)]
    fn octs(self, _: S) -> [S::V; 2] {
        [self.0; 2]
    }
}

impl<S: Simd> Lanes<S> for Two<S> {
    const OCTS: usize = 2;

    #[inline(always)]
    fn splat(simd: S, number: f32) -> Self {
        Two(simd.splat_wide(number))
    }
    #[inline(always)]
    #[allow(clippy::indexing_slicing)] // the caller's slice has enough
    fn load(simd: S, from: &[Oct]) -> Self {
        Two(simd.load_wide(&from.as_chunks().0[0]))
    }
    #[inline(always)]
    fn multiply_add(simd: S, a: Self, b: Self, c: Self) -> Self {
        Two(simd.multiply_add_wide(a.0, b.0, c.0))
    }
    #[inline(always)]
    fn octs(self, simd: S) -> [S::V; 2] {
        simd.split(self.0)
    }
}
