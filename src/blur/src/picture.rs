//! A raw picture in planes, as cameras, decoders and encoders hand it on: I420 or NV12, seen in place.
//!
//! Planes come with the stride that the buffer's owner chose: boards pad rows (a Raspberry Pi's to 32 or 64 bytes), and a crop
//! is a plane that starts later and ends earlier than its memory. Nothing here copies a picture.

/// How the samples of a picture lie in memory. Both have one pair of colour samples for two by two pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Three planes: luma, Cb, Cr.
    I420,
    /// Two planes: luma; Cb and Cr in turn.
    Nv12,
}

/// The matrix between luma, colour differences and RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601, 2.5.1: standard definition, JPEG, most cameras.
    Bt601,
    /// ITU-R BT.709, 3.2: high definition.
    Bt709,
}

/// What the numbers of a picture mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// The matrix.
    pub matrix: Matrix,
    /// Luma and colours use 0 to 255 (JPEG) instead of 16 to 235 and 16 to 240 (video).
    pub full_range: bool,
}

impl Matrix {
    /// The shares of red and blue in luma.
    fn shares(self) -> (f32, f32) {
        match self {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
        }
    }
}

impl Colours {
    /// One pixel's samples as RGB, each 0 to 1.
    #[must_use]
    pub fn rgb(self, [luma, cb, cr]: [f32; 3]) -> [f32; 3] {
        let weights = self.weights();
        let y = (luma - weights.black) * weights.luma;
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        let red = y + weights.red * cr;
        let green = y - weights.green_cb * cb - weights.green_cr * cr;
        let blue = y + weights.blue * cb;
        [red.clamp(0.0, 1.0), green.clamp(0.0, 1.0), blue.clamp(0.0, 1.0)]
    }

    /// The factors of [`Colours::rgb`].
    pub(crate) fn weights(self) -> Weights {
        let (red, blue) = self.matrix.shares();
        let green = 1.0 - red - blue;
        let (black, luma, colour) =
            if self.full_range { (0.0, 1.0 / 255.0, 1.0 / 255.0) } else { (16.0, 1.0 / 219.0, 1.0 / 224.0) };
        Weights {
            black,
            luma,
            red: 2.0 * (1.0 - red) * colour,
            blue: 2.0 * (1.0 - blue) * colour,
            green_cb: 2.0 * (1.0 - blue) * blue / green * colour,
            green_cr: 2.0 * (1.0 - red) * red / green * colour,
        }
    }

    /// RGB, each 0 to 255, as samples.
    #[must_use]
    pub fn samples(self, rgb: [u8; 3]) -> [u8; 3] {
        let (red_share, blue_share) = self.matrix.shares();
        let [red, green, blue] = rgb.map(|value| f32::from(value) / 255.0);
        let y = red_share * red + (1.0 - red_share - blue_share) * green + blue_share * blue;
        let cb = (blue - y) / (2.0 * (1.0 - blue_share));
        let cr = (red - y) / (2.0 * (1.0 - red_share));
        let (black, luma, colour) = if self.full_range { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
        // A float becomes an integer by saturation, so nothing wraps.
        [black + y * luma, 128.0 + cb * colour, 128.0 + cr * colour].map(|value| (value + 0.5) as u8)
    }
}

/// From samples to RGB: `red = (luma - black) * luma_factor + red * (cr - 128)`, and so on.
#[derive(Clone, Copy)]
pub(crate) struct Weights {
    pub black: f32,
    pub luma: f32,
    pub red: f32,
    pub blue: f32,
    pub green_cb: f32,
    pub green_cr: f32,
}

/// Why memory is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Too small to be blurred, or too large for the arithmetic.
    #[error("a picture of {width}×{height} cannot be blurred: {SMALLEST}×{SMALLEST} to {LARGEST}×{LARGEST} can")]
    Size {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A plane's rows overlap, or its memory ends early.
    #[error("plane {plane} of the picture has {bytes} bytes in rows of {stride}: {rows} rows of {row} are needed")]
    Plane {
        /// Which one, from 0.
        plane: usize,
        /// Bytes that are there.
        bytes: usize,
        /// Bytes from one row to the next.
        stride: usize,
        /// Rows needed.
        rows: usize,
        /// Bytes needed in each row.
        row: usize,
    },
    /// Not as many planes as the layout has.
    #[error("the picture has {actual} planes, its layout has {expected}")]
    Planes {
        /// Planes of the layout.
        expected: usize,
        /// Planes that came.
        actual: usize,
    },
}

/// Pixels of the smallest side that can be blurred.
pub const SMALLEST: usize = 16;
/// Pixels of the largest side that can be blurred.
pub const LARGEST: usize = 16_384;

/// Rows of samples that can be changed.
#[derive(Debug)]
pub struct Plane<'a> {
    data: &'a mut [u8],
    stride: usize,
    row: usize,
    rows: usize,
}

impl<'a> Plane<'a> {
    fn new(index: usize, data: &'a mut [u8], stride: usize, row: usize, rows: usize) -> Result<Self, PictureError> {
        let needed = stride.checked_mul(rows.saturating_sub(1)).and_then(|bytes| bytes.checked_add(row));
        if stride < row || needed.is_none_or(|needed| data.len() < needed) {
            return Err(PictureError::Plane { plane: index, bytes: data.len(), stride, rows, row });
        }
        Ok(Plane { data, stride, row, rows })
    }

    /// Bytes of one row that belong to the picture.
    #[must_use]
    pub fn row_length(&self) -> usize {
        self.row
    }

    /// Its rows from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks(self.stride).take(self.rows).filter_map(|row| row.get(..self.row))
    }

    /// Its rows from the top, to be changed.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let row_length = self.row;
        self.data.chunks_mut(self.stride).take(self.rows).filter_map(move |row| row.get_mut(..row_length))
    }
}

/// The colours of a picture.
#[derive(Debug)]
pub enum Chroma<'a> {
    /// Cb and Cr in planes of their own.
    Planar(Plane<'a>, Plane<'a>),
    /// Cb and Cr in turn.
    Interleaved(Plane<'a>),
}

/// A picture in somebody else's memory.
#[derive(Debug)]
pub struct Picture<'a> {
    width: usize,
    height: usize,
    colours: Colours,
    /// Brightness.
    pub luma: Plane<'a>,
    /// Colours.
    pub chroma: Chroma<'a>,
}

impl<'a> Picture<'a> {
    /// A picture of `width` by `height` pixels in planes of this layout. Each plane is its memory from the first sample of the
    /// picture on, and the bytes from one row to the next. A side of odd length has its last colour sample for one pixel.
    ///
    /// # Errors
    /// When a plane is missing or too small, or the picture is smaller than [`SMALLEST`] or larger than [`LARGEST`].
    pub fn new<const PLANES: usize>(
        layout: Layout,
        (width, height): (usize, usize),
        colours: Colours,
        planes: [(&'a mut [u8], usize); PLANES],
    ) -> Result<Self, PictureError> {
        if !(SMALLEST..=LARGEST).contains(&width) || !(SMALLEST..=LARGEST).contains(&height) {
            return Err(PictureError::Size { width, height });
        }
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let expected = match layout {
            Layout::I420 => 3,
            Layout::Nv12 => 2,
        };
        let missing = PictureError::Planes { expected, actual: PLANES };
        if PLANES != expected {
            return Err(missing);
        }
        let mut planes = planes.into_iter();
        let (data, stride) = planes.next().ok_or(missing)?;
        let luma = Plane::new(0, data, stride, width, height)?;
        let (data, stride) = planes.next().ok_or(missing)?;
        let chroma = match layout {
            Layout::I420 => {
                let cb = Plane::new(1, data, stride, half_width, half_height)?;
                let (data, stride) = planes.next().ok_or(missing)?;
                Chroma::Planar(cb, Plane::new(2, data, stride, half_width, half_height)?)
            }
            Layout::Nv12 => Chroma::Interleaved(Plane::new(1, data, stride, 2 * half_width, half_height)?),
        };
        Ok(Picture { width, height, colours, luma, chroma })
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// What its numbers mean.
    #[must_use]
    pub fn colours(&self) -> Colours {
        self.colours
    }

    /// How its samples lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        match self.chroma {
            Chroma::Planar(..) => Layout::I420,
            Chroma::Interleaved(_) => Layout::Nv12,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn planes_that_are_too_small_are_refused_with_what_would_do() {
        let colours = Colours { matrix: Matrix::Bt601, full_range: false };
        let make = |luma: usize, stride: usize, chroma: usize| {
            let (mut luma, mut chroma) = (vec![0; luma], vec![0; chroma]);
            let planes = [(&mut luma[..], stride), (&mut chroma[..], 16)];
            Picture::new(Layout::Nv12, (16, 16), colours, planes).map(drop)
        };
        assert_eq!(make(256, 16, 128), Ok(()));
        assert_eq!(make(15 * 20 + 16, 20, 128), Ok(()), "the last row needs no padding");
        let short = PictureError::Plane { plane: 0, bytes: 255, stride: 16, rows: 16, row: 16 };
        assert_eq!(make(255, 16, 128), Err(short));
        assert!(make(256, 15, 128).is_err(), "rows overlap");
        assert!(make(256, usize::MAX, 128).is_err());
        let few = Picture::new(Layout::I420, (16, 16), colours, [(&mut vec![0; 256][..], 16)]).map(drop);
        assert_eq!(few, Err(PictureError::Planes { expected: 3, actual: 1 }));
        let tiny = Picture::new(Layout::I420, (8, 16), colours, [(&mut vec![0; 256][..], 16)]).map(drop);
        assert_eq!(tiny, Err(PictureError::Size { width: 8, height: 16 }));
    }

    #[test]
    fn known_colours() {
        let video = Colours { matrix: Matrix::Bt601, full_range: false };
        let jpeg = Colours { matrix: Matrix::Bt601, full_range: true };
        let hd = Colours { matrix: Matrix::Bt709, full_range: false };
        // ITU-R BT.601 and BT.709: white, black and pure red.
        assert_eq!(video.samples([255, 255, 255]), [235, 128, 128]);
        assert_eq!(jpeg.samples([255, 255, 255]), [255, 128, 128]);
        assert_eq!(video.samples([0, 0, 0]), [16, 128, 128]);
        assert_eq!(video.samples([255, 0, 0]), [81, 90, 240]);
        assert_eq!(hd.samples([255, 0, 0]), [63, 102, 240]);
        assert_eq!(jpeg.samples([255, 0, 0]), [76, 85, 255]);
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_colour(rgb: [u8; 3], hd: bool, full_range: bool) {
            let colours = Colours { matrix: if hd { Matrix::Bt709 } else { Matrix::Bt601 }, full_range };
            let back = colours.rgb(colours.samples(rgb).map(f32::from)).map(|value| value * 255.0);
            for (one, other) in rgb.iter().zip(back) {
                prop_assert!((f32::from(*one) - other).abs() < 4.0, "{rgb:?} {back:?}");
            }
        }
    }
}
