//! A picture that stands in the place of the background: the operator's, or one colour.

use crate::picture::{Colours, Layout, Picture};

/// A picture of the size and layout of the frames, rows without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    layout: Layout,
    size: (usize, usize),
    planes: Vec<Vec<u8>>,
}

/// Why there is no such picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StillError {
    /// The pixels are not what was announced.
    #[error("a background picture of {width}×{height} has {expected} bytes of RGBA, {actual} came")]
    Length {
        /// Announced width.
        width: usize,
        /// Announced height.
        height: usize,
        /// Bytes of such a picture.
        expected: usize,
        /// Bytes that came.
        actual: usize,
    },
}

impl Still {
    /// One colour (RGB, 0 to 255) for frames of this kind.
    #[must_use]
    pub fn colour(rgb: [u8; 3], layout: Layout, size: (usize, usize), colours: Colours) -> Self {
        let samples = colours.samples(rgb);
        Still::from_samples(layout, size, |_, _| samples, |_, _| samples)
    }

    /// A picture of RGBA pixels (0 to 255, what is transparent is black), scaled to cover frames of this kind: what does not fit
    /// is cut off at both sides, nothing is stretched.
    ///
    /// # Errors
    /// When the pixels are not of that size.
    pub fn cover(
        rgba: &[u8],
        (width, height): (usize, usize),
        layout: Layout,
        size: (usize, usize),
        colours: Colours,
    ) -> Result<Self, StillError> {
        let expected = width.saturating_mul(height).saturating_mul(4);
        if rgba.len() != expected || expected == 0 {
            return Err(StillError::Length { width, height, expected, actual: rgba.len() });
        }
        // Pixels of the picture for each of the frame's: the smaller ratio, so that both sides are covered.
        let step = (width as f32 / size.0 as f32).min(height as f32 / size.1 as f32);
        let left = (width as f32 - size.0 as f32 * step) / 2.0;
        let top = (height as f32 - size.1 as f32 * step) / 2.0;
        let pixel = |x: usize, y: usize| -> [f32; 3] {
            let at = (y.min(height - 1) * width + x.min(width - 1)) * 4;
            match rgba.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
                Some(&[red, green, blue, alpha]) => {
                    [red, green, blue].map(|value| f32::from(value) * f32::from(alpha) / 255.0)
                }
                None => [0.0; 3],
            }
        };
        let mean = |x: f32, y: f32, side: f32| -> [u8; 3] {
            let (left, top) = ((left + x * step).max(0.0), (top + y * step).max(0.0));
            let reach = side * step;
            let mut sum = [0.0_f32; 4];
            let mut add = |x: usize, y: usize, weight: f32| {
                for (sum, value) in sum.iter_mut().zip(pixel(x, y)) {
                    *sum += value * weight;
                }
                sum[3] += weight;
            };
            if reach >= 2.0 {
                // Smaller: the mean of all pixels.
                for y in top as usize..((top + reach) as usize).max(top as usize + 1) {
                    for x in left as usize..((left + reach) as usize).max(left as usize + 1) {
                        add(x, y, 1.0);
                    }
                }
            } else {
                // Larger or about the same: between the four nearest.
                let (x, y) = ((left + reach / 2.0 - 0.5).max(0.0), (top + reach / 2.0 - 0.5).max(0.0));
                let (right, down) = (x.fract(), y.fract());
                let (x, y) = (x as usize, y as usize);
                add(x, y, (1.0 - right) * (1.0 - down));
                add(x + 1, y, right * (1.0 - down));
                add(x, y + 1, (1.0 - right) * down);
                add(x + 1, y + 1, right * down);
            }
            let [red, green, blue, weight] = sum;
            let rgb = [red, green, blue].map(|value| (value / weight + 0.5) as u8);
            colours.samples(rgb)
        };
        Ok(Still::from_samples(
            layout,
            size,
            |x, y| mean(x as f32, y as f32, 1.0),
            |x, y| mean(2.0 * x as f32, 2.0 * y as f32, 2.0),
        ))
    }

    fn from_samples(
        layout: Layout,
        (width, height): (usize, usize),
        luma: impl Fn(usize, usize) -> [u8; 3],
        chroma: impl Fn(usize, usize) -> [u8; 3],
    ) -> Self {
        let across = |y: usize| (0..width).map(move |x| (x, y));
        let brightness: Vec<u8> = (0..height).flat_map(across).map(|(x, y)| luma(x, y)[0]).collect();
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let across = |y: usize| (0..half_width).map(move |x| (x, y));
        let colours = (0..half_height).flat_map(across).map(|(x, y)| chroma(x, y));
        let planes = match layout {
            Layout::I420 => {
                let (cb, cr) = colours.map(|[_, cb, cr]| (cb, cr)).unzip();
                vec![brightness, cb, cr]
            }
            Layout::Nv12 => vec![brightness, colours.flat_map(|[_, cb, cr]| [cb, cr]).collect()],
        };
        Still { layout, size: (width, height), planes }
    }

    /// Whether it can stand behind this frame.
    #[must_use]
    pub fn fits(&self, picture: &Picture<'_>) -> bool {
        self.layout == picture.layout() && self.size == picture.size()
    }

    pub(crate) fn planes(&self) -> &[Vec<u8>] {
        &self.planes
    }
}
