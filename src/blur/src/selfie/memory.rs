//! Octs that begin at a cache line, so that none lies across two.

use std::ops::{Deref, DerefMut};

use super::simd::Oct;

/// Numbers of a cache line.
const LINE: usize = 16;

/// A fixed number of octs.
#[derive(Default)]
pub struct Memory {
    numbers: Vec<f32>,
    first: usize,
    octs: usize,
}

impl Memory {
    /// So many octs of zeros.
    pub fn new(octs: usize) -> Memory {
        let numbers = vec![0.0; octs * 8 + LINE];
        let first = numbers.as_ptr().align_offset(LINE * 4).min(LINE);
        Memory { numbers, first, octs }
    }
}

impl Deref for Memory {
    type Target = [Oct];

    fn deref(&self) -> &[Oct] {
        self.numbers.get(self.first..self.first + self.octs * 8).unwrap_or_default().as_chunks().0
    }
}

impl DerefMut for Memory {
    fn deref_mut(&mut self) -> &mut [Oct] {
        self.numbers.get_mut(self.first..self.first + self.octs * 8).unwrap_or_default().as_chunks_mut().0
    }
}
