//! The room's drawing in front of the pictures, prepared for being put over them many times a second.
//!
//! The screen is kept as three planes of Y, Cb and Cr, colour at half the resolution (4:2:0): that is what decoders
//! deliver, and what JPEG and the planes of a display controller take. For each sample of each plane the overlay
//! keeps what it adds, already multiplied with its alpha, and how much of the picture is left; a row also
//! knows where on it the overlay is at all, since over pictures it mostly is not.

use subrosa_messages::media::Size;

/// What black and white are in the planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Y from 16 to 235 (ITU-R BT.601): video.
    Video,
    /// Y from 0 to 255: JPEG (JFIF).
    Full,
}

/// One plane of the overlay.
#[derive(Clone, Debug)]
pub struct OverlayPlane {
    /// Samples in a row.
    pub width: usize,
    /// What the overlay adds.
    pub adds: Vec<u8>,
    /// How much is left of what is behind it, of 255.
    pub leaves: Vec<u8>,
    /// First and last (exclusive) sample of each row that is not wholly transparent.
    pub rows: Vec<(usize, usize)>,
    /// What the plane holds with nothing behind the overlay.
    pub over_black: Vec<u8>,
}

/// The overlay: Y, Cb, Cr.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The planes.
    pub planes: [OverlayPlane; 3],
}

/// Premultiplied Y, Cb, Cr of one pixel and its alpha.
type Pixel = [u32; 4];

fn pixel(rgba: &[u8], range: Range) -> Pixel {
    let [r, g, b, a] = match rgba {
        [r, g, b, a] => [*r, *g, *b, *a].map(u32::from),
        _ => [0; 4],
    };
    // BT.601 in 1/65536; half is added for rounding, and to colour 128, which keeps everything positive.
    let (half, grey) = (1 << 15, (128 << 16) + (1 << 15));
    let [y, cb, cr] = match range {
        Range::Full => [
            half + 19595 * r + 38470 * g + 7471 * b,
            grey + 32768 * b - 11058 * r - 21710 * g,
            grey + 32768 * r - 27440 * g - 5328 * b,
        ],
        Range::Video => [
            half + (16 << 16) + 16829 * r + 33039 * g + 6416 * b,
            grey + 28784 * b - 9714 * r - 19070 * g,
            grey + 28784 * r - 24103 * g - 4681 * b,
        ],
    }
    .map(|value: u32| (value >> 16).min(255));
    [y * a, cb * a, cr * a, a]
}

impl Overlay {
    /// Prepares an RGBA picture (sRGB, straight alpha) of an even size. `None` when the bytes are not that.
    #[must_use]
    pub fn new(rgba: &[u8], size: Size, range: Range) -> Option<Self> {
        let (width, height) = (usize::try_from(size.width).ok()?, usize::try_from(size.height).ok()?);
        if width == 0 || height == 0 || width % 2 != 0 || height % 2 != 0 || rgba.len() != width * height * 4 {
            return None;
        }
        let black = if range == Range::Full { 0 } else { 16 };
        let mut luma = OverlayPlane::with_capacity(width, height, black);
        let mut blue = OverlayPlane::with_capacity(width / 2, height / 2, 128);
        let mut red = OverlayPlane::with_capacity(width / 2, height / 2, 128);
        let mut sums: Vec<Pixel> = vec![[0; 4]; width / 2];
        for (n, row) in rgba.chunks_exact(width * 4).enumerate() {
            for (x, rgba) in row.chunks_exact(4).enumerate() {
                let pixel = pixel(rgba, range);
                let [y, _, _, alpha] = pixel;
                luma.push(y, alpha);
                if let Some(sum) = sums.get_mut(x / 2) {
                    for (sum, part) in sum.iter_mut().zip(pixel) {
                        *sum += part;
                    }
                }
            }
            if n % 2 == 1 {
                for [_, cb, cr, alpha] in &mut sums {
                    blue.push((*cb + 2) / 4, (*alpha + 2) / 4);
                    red.push((*cr + 2) / 4, (*alpha + 2) / 4);
                }
                sums.fill([0; 4]);
            }
        }
        let mut planes = [luma, blue, red];
        planes.iter_mut().for_each(OverlayPlane::find_rows);
        Some(Overlay { planes })
    }

    /// One that hides nothing.
    #[must_use]
    pub fn nothing(size: Size, range: Range) -> Option<Self> {
        let bytes = usize::try_from(u64::from(size.width) * u64::from(size.height) * 4).ok()?;
        Overlay::new(&vec![0; bytes], size, range)
    }
}

impl OverlayPlane {
    fn with_capacity(width: usize, height: usize, black: u8) -> Self {
        let samples = width * height;
        OverlayPlane {
            width,
            adds: Vec::with_capacity(samples),
            leaves: Vec::with_capacity(samples),
            rows: Vec::with_capacity(height),
            over_black: vec![black; samples],
        }
    }

    fn push(&mut self, premultiplied: u32, alpha: u32) {
        self.adds.push(((premultiplied + 127) / 255).min(255) as u8);
        self.leaves.push(255 - alpha.min(255) as u8);
    }

    fn find_rows(&mut self) {
        for row in self.leaves.chunks_exact(self.width) {
            let start = row.iter().position(|left| *left != 255).unwrap_or(self.width);
            let end = row.iter().rposition(|left| *left != 255).map_or(start, |last| last + 1);
            self.rows.push((start, end));
        }
        blend(&mut self.over_black, &self.adds, &self.leaves);
    }

    /// Puts a stretch of row `y` over `behind`, which begins at sample `x`.
    pub fn put_over(&self, y: usize, x: usize, behind: &mut [u8]) {
        let Some((start, end)) = self.rows.get(y).copied() else { return };
        let (start, end) = (start.max(x), end.min(x + behind.len()));
        if start >= end {
            return;
        }
        let row = y * self.width;
        if let (Some(behind), Some(adds), Some(leaves)) = (
            behind.get_mut(start - x..end - x),
            self.adds.get(row + start..row + end),
            self.leaves.get(row + start..row + end),
        ) {
            blend(behind, adds, leaves);
        }
    }
}

fn blend(behind: &mut [u8], adds: &[u8], leaves: &[u8]) {
    for ((behind, adds), leaves) in behind.iter_mut().zip(adds).zip(leaves) {
        // Division by 255, rounded, as in Blinn 1994; no sum is above 255.
        let product = u16::from(*behind) * u16::from(*leaves) + 128;
        let left = (product + (product >> 8)) >> 8;
        *behind = (left as u8).saturating_add(*adds);
    }
}

/// Video range to full range, in place: what is behind the overlay on its way into a JPEG. In 16 bits, so that a
/// processor does many at once.
pub fn stretch_luma(row: &mut [u8]) {
    for y in row {
        // 149/128 for 255/219: never more than one off
        let full = (u16::from(y.saturating_sub(16)) * 149 + 64) >> 7;
        *y = full.min(255) as u8;
    }
}

/// The same for a row of Cb or Cr.
pub fn stretch_colour(row: &mut [u8]) {
    for c in row {
        // 146/128 for 255/224, around 128
        let full = (((i16::from(*c) - 128) * 146 + 64) >> 7) + 128;
        *c = full.clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: Size = Size { width: 8, height: 4 };

    fn overlay(rgba: [u8; 4], range: Range) -> Overlay {
        Overlay::new(&rgba.repeat(32), SIZE, range).unwrap()
    }

    /// One sample of each plane with the overlay over `behind`.
    fn over(overlay: &Overlay, behind: [u8; 3]) -> [u8; 3] {
        let mut out = behind;
        for ((plane, _), out) in overlay.planes.iter().zip(behind).zip(&mut out) {
            plane.put_over(0, 2, std::slice::from_mut(out));
        }
        out
    }

    #[test]
    fn opaque_hides_transparent_does_not() {
        for range in [Range::Video, Range::Full] {
            assert_eq!(over(&overlay([255, 255, 255, 0], range), [77, 88, 99]), [77, 88, 99]);
        }
        assert_eq!(over(&overlay([255, 255, 255, 255], Range::Full), [77, 88, 99]), [255, 128, 128]);
        assert_eq!(over(&overlay([255, 255, 255, 255], Range::Video), [77, 88, 99]), [235, 128, 128]);
        assert_eq!(over(&overlay([0, 0, 0, 255], Range::Video), [77, 88, 99]), [16, 128, 128]);
    }

    #[test]
    fn colours_are_those_of_jfif() {
        // T.871, section 7
        assert_eq!(over(&overlay([255, 0, 0, 255], Range::Full), [0; 3]), [76, 85, 255]);
        assert_eq!(over(&overlay([0, 0, 255, 255], Range::Full), [0; 3]), [29, 255, 107]);
        assert_eq!(over(&overlay([0, 255, 0, 255], Range::Video), [0; 3]), [145, 54, 34]);
    }

    #[test]
    fn half_is_half() {
        let [y, _, _] = over(&overlay([255, 255, 255, 128], Range::Full), [0, 128, 128]);
        assert!((127..=129).contains(&y), "{y}");
        let [y, cb, cr] = over(&overlay([0, 0, 0, 128], Range::Full), [200, 20, 220]);
        assert!((99..=101).contains(&y) && (73..=75).contains(&cb) && (173..=175).contains(&cr), "{y} {cb} {cr}");
    }

    #[test]
    fn rows_know_where_the_overlay_is() {
        let mut rgba = vec![0; 8 * 4 * 4];
        rgba[(8 + 3) * 4 + 3] = 200;
        let overlay = Overlay::new(&rgba, SIZE, Range::Full).unwrap();
        assert_eq!(overlay.planes[0].rows, [(8, 8), (3, 4), (8, 8), (8, 8)]);
        assert_eq!(overlay.planes[1].rows, [(1, 2), (4, 4)]);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert!(Overlay::new(&[0; 12], SIZE, Range::Full).is_none());
        assert!(Overlay::new(&[0; 60], Size { width: 5, height: 3 }, Range::Full).is_none());
        assert!(Overlay::nothing(Size { width: 0, height: 0 }, Range::Full).is_none());
    }

    #[test]
    fn stretching_keeps_grey_grey_and_reaches_both_ends() {
        let mut luma = [0, 16, 126, 235, 255];
        stretch_luma(&mut luma);
        assert_eq!(luma, [0, 0, 128, 255, 255]);
        let mut colour = [16, 128, 240];
        stretch_colour(&mut colour);
        assert_eq!(colour, [0, 128, 255]);
    }

    proptest! {
        #[test]
        fn blending_never_overflows(rgba in any::<[u8; 4]>(), behind in any::<u8>(), full in any::<bool>()) {
            let range = if full { Range::Full } else { Range::Video };
            let overlay = overlay(rgba, range);
            let [y, ..] = over(&overlay, [behind; 3]);
            let [pixel_y, _, _, a] = pixel(&rgba, range).map(f64::from);
            let wanted = (pixel_y + f64::from(behind) * (255.0 - a)) / 255.0;
            prop_assert!((f64::from(y) - wanted).abs() <= 1.5, "{y} instead of {wanted}");
        }
    }
}
