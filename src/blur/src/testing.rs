//! Pictures for tests.

use crate::picture::{Colours, Layout, Picture};
use crate::thumbnail::Window;

/// A picture with memory of its own.
#[derive(Clone)]
pub struct Owned {
    pub layout: Layout,
    pub size: (usize, usize),
    pub colours: Colours,
    pub planes: Vec<(Vec<u8>, usize)>,
}

impl Owned {
    pub fn flat(layout: Layout, size: (usize, usize), colours: Colours, samples: [u8; 3]) -> Self {
        let mut owned = Owned::noise(layout, size, colours, 0, 0);
        owned.paint(Window::whole(size), samples);
        owned
    }

    /// Pseudo-random samples (xorshift64*), rows padded by so many bytes.
    pub fn noise(layout: Layout, size: (usize, usize), colours: Colours, padding: usize, seed: u64) -> Self {
        let (half_width, half_height) = (size.0.div_ceil(2), size.1.div_ceil(2));
        let shapes = match layout {
            Layout::I420 => vec![(size.0, size.1), (half_width, half_height), (half_width, half_height)],
            Layout::Nv12 => vec![(size.0, size.1), (2 * half_width, half_height)],
        };
        let mut state = seed | 1;
        let planes = shapes.into_iter().map(|(width, height)| {
            let stride = width + padding;
            let samples = (0..stride * height).map(|_| {
                state ^= state >> 12;
                state ^= state << 25;
                state ^= state >> 27;
                (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
            });
            (samples.collect(), stride)
        });
        Owned { layout, size, colours, planes: planes.collect() }
    }

    pub fn picture(&mut self) -> Picture<'_> {
        let planes = self.planes.iter_mut().map(|(data, stride)| (&mut data[..], *stride));
        match self.layout {
            Layout::I420 => {
                let planes: [_; 3] = planes.collect::<Vec<_>>().try_into().unwrap();
                Picture::new(self.layout, self.size, self.colours, planes).unwrap()
            }
            Layout::Nv12 => {
                let planes: [_; 2] = planes.collect::<Vec<_>>().try_into().unwrap();
                Picture::new(self.layout, self.size, self.colours, planes).unwrap()
            }
        }
    }

    /// The place of a sample; planes 1 and 2 are Cb and Cr, in samples of their own.
    fn place(&self, plane: usize, x: usize, y: usize) -> (usize, usize) {
        match (self.layout, plane) {
            (Layout::Nv12, 1 | 2) => (1, y * self.planes[1].1 + 2 * x + plane - 1),
            _ => (plane, y * self.planes[plane].1 + x),
        }
    }

    pub fn sample(&self, plane: usize, x: usize, y: usize) -> u8 {
        let (plane, at) = self.place(plane, x, y);
        self.planes[plane].0[at]
    }

    pub fn paint(&mut self, window: Window, samples: [u8; 3]) {
        for (plane, sample) in samples.into_iter().enumerate() {
            let by = if plane == 0 { 1 } else { 2 };
            for y in window.y / by..(window.y + window.height).div_ceil(by) {
                for x in window.x / by..(window.x + window.width).div_ceil(by) {
                    let (plane, at) = self.place(plane, x, y);
                    self.planes[plane].0[at] = sample;
                }
            }
        }
    }
}
