//! Eight numbers at once: one trait, and a row for each kind of instructions.
//!
//! Loads and stores take arrays of eight, so that no length can be wrong. A value of [`Avx2`] exists only where the processor has its
//! instructions, which is what the `unsafe` blocks here rest on; there is no other `unsafe` in the engine but the call that enters
//! a function compiled for them ([`dispatch`]).
#![allow(unsafe_code)] // intrinsics

/// Eight channels of a pixel.
pub type Oct = [f32; 8];

/// Instructions that compute on eight numbers at once.
pub trait Simd: Copy {
    /// Eight numbers in registers.
    type V: Copy;

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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{Avx2, Oct, Simd};

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

    // SAFETY of all blocks: `self` is only made where `Avx2::detect` has found both features; references to arrays of eight
    // numbers are readable or writable for 32 bytes, and the unaligned forms ask for no more.
    impl Simd for Avx2 {
        type V = __m256;

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
    /// See [`Neon`].
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Instructions {
    /// The fastest.
    pub fn best() -> Instructions {
        #[cfg(target_arch = "aarch64")]
        return Instructions::Neon;
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Instructions::Avx2(avx2);
        }
        #[cfg(not(target_arch = "aarch64"))]
        Instructions::Scalar
    }

    /// What they are called.
    pub fn name(self) -> &'static str {
        match self {
            Instructions::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(_) => "AVX2 + FMA",
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => "NEON",
        }
    }

    /// Does the work with them.
    pub fn dispatch<W: Work>(self, work: W) {
        match self {
            Instructions::Scalar => work.run(Scalar),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2(avx2) => avx2.enter(work),
            #[cfg(target_arch = "aarch64")]
            Instructions::Neon => work.run(Neon),
        }
    }
}
