//! The screen's content, put together: pictures scaled into their places, the overlay over them.
//!
//! Only what changes is touched. A canvas remembers which overlay it was made with and where pictures were, so that
//! a moving picture costs its own place and not the screen; a screen without pictures costs nothing at all.

use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use subrosa_messages::media::{Rectangle, Size};

use super::fit::{fit, on_screen};
use super::overlay::{Overlay, Range, stretch_colour, stretch_luma};

/// A decoded picture and the place that the room gave it.
pub struct Placed<'a> {
    /// The decoded frame, I420.
    pub sample: &'a gst::Sample,
    /// Where.
    pub place: Rectangle,
}

/// What to convert into what; a converter is made once for each.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    from: gst_video::VideoInfo,
    to: Rectangle,
}

/// Scales one picture, again and again.
#[derive(Debug, Default)]
pub struct Scaler {
    way: Option<Way>,
    converter: Option<gst_video::VideoConverter>,
}

/// A buffer with the screen's content.
struct Sheet {
    buffer: gst::Buffer,
    /// The overlay it was made with.
    generation: u64,
    painted: Vec<Rectangle>,
}

/// Puts the screen together.
pub struct Canvas {
    info: gst_video::VideoInfo,
    size: Size,
    range: Range,
    overlay: Overlay,
    generation: u64,
    /// Several, since a screen may still show the last one.
    sheets: Vec<Sheet>,
}

/// More sheets than any screen keeps.
const SHEETS: usize = 4;

impl Canvas {
    /// Black. `None` when the size is odd or nothing.
    #[must_use]
    pub fn new(size: Size, range: Range) -> Option<Self> {
        let colorimetry = match range {
            Range::Video => gst_video::VideoColorimetry::new(
                gst_video::VideoColorRange::Range16_235,
                gst_video::VideoColorMatrix::Bt601,
                gst_video::VideoTransferFunction::Bt601,
                gst_video::VideoColorPrimaries::Smpte170m,
            ),
            Range::Full => gst_video::VideoColorimetry::new(
                gst_video::VideoColorRange::Range0_255,
                gst_video::VideoColorMatrix::Bt601,
                gst_video::VideoTransferFunction::Unknown,
                gst_video::VideoColorPrimaries::Unknown,
            ),
        };
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, size.width, size.height)
            .fps((0, 1))
            .colorimetry(&colorimetry)
            .build()
            .ok()?;
        Some(Canvas { info, size, range, overlay: Overlay::nothing(size, range)?, generation: 1, sheets: Vec::new() })
    }

    /// Format of what [`Canvas::paint`] delivers.
    #[must_use]
    pub fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// Replaces the overlay: RGBA of the screen's size. `false`, and nothing changes, when it is something else.
    pub fn set_overlay(&mut self, rgba: &[u8], size: Size) -> bool {
        let overlay = if size == self.size { Overlay::new(rgba, size, self.range) } else { None };
        let Some(overlay) = overlay else { return false };
        self.overlay = overlay;
        self.generation += 1;
        true
    }

    /// The screen's content now, pictures from back to front. The buffer is not written to again before the screen has
    /// let go of it.
    ///
    /// `None` when memory or a converter is missing, which the next frame may cure.
    pub fn paint(&mut self, pictures: &mut [(Placed<'_>, &mut Scaler)]) -> Option<gst::Buffer> {
        let free = self.sheets.iter().position(|sheet| sheet.buffer.is_writable());
        let mut sheet = match free {
            Some(place) => self.sheets.swap_remove(place),
            None => {
                Sheet { buffer: gst::Buffer::with_size(self.info.size()).ok()?, generation: 0, painted: Vec::new() }
            }
        };
        let buffer = sheet.buffer.get_mut()?;
        let before = if sheet.generation == self.generation {
            std::mem::take(&mut sheet.painted)
        } else {
            vec![Rectangle { x: 0, y: 0, width: self.size.width, height: self.size.height }]
        };
        let mut painted = Vec::with_capacity(pictures.len());
        {
            let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(buffer, &self.info).ok()?;
            let places: Vec<Option<(gst_video::VideoInfo, Rectangle)>> =
                pictures.iter().map(|(picture, _)| self.place(picture)).collect();
            for old in before {
                if !places.iter().flatten().any(|(_, new)| *new == old) {
                    self.restore(&mut frame, old);
                }
            }
            for ((picture, scaler), place) in pictures.iter_mut().zip(places) {
                if let Some((info, place)) = place
                    && scaler.scale(picture.sample, &info, &mut frame, &self.info, place).is_some()
                {
                    self.stretch(&mut frame, place);
                    painted.push(place);
                }
            }
            self.put_overlay_over(&mut frame, &painted);
        }
        sheet.generation = self.generation;
        sheet.painted = painted;
        let out = sheet.buffer.clone();
        if self.sheets.len() < SHEETS {
            self.sheets.push(sheet);
        }
        Some(out)
    }

    fn place(&self, picture: &Placed<'_>) -> Option<(gst_video::VideoInfo, Rectangle)> {
        let info = gst_video::VideoInfo::from_caps(picture.sample.caps()?).ok()?;
        let aspect = info.par();
        let positive = |n: i32| u32::try_from(n).unwrap_or(1);
        let place = on_screen(picture.place, self.size);
        let place = fit(place, info.width(), info.height(), (positive(aspect.numer()), positive(aspect.denom())))?;
        Some((info, place))
    }

    /// Nothing but the overlay here.
    fn restore(&self, frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, place: Rectangle) {
        for (n, plane) in (0_u32..).zip(&self.overlay.planes) {
            each_row(frame, n, place, |y, x, row| {
                let start = y * plane.width + x;
                if let Some(clean) = plane.over_black.get(start..start + row.len()) {
                    row.copy_from_slice(clean);
                }
            });
        }
    }

    fn stretch(&self, frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, place: Rectangle) {
        if self.range == Range::Full {
            each_row(frame, 0, place, |_, _, row| stretch_luma(row));
            each_row(frame, 1, place, |_, _, row| stretch_colour(row));
            each_row(frame, 2, place, |_, _, row| stretch_colour(row));
        }
    }

    /// Each pixel once, also where places overlap.
    fn put_overlay_over(&self, frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>, places: &[Rectangle]) {
        for (index, place) in places.iter().enumerate() {
            for piece in without(*place, places.get(index + 1..).unwrap_or_default()) {
                for (n, plane) in (0_u32..).zip(&self.overlay.planes) {
                    each_row(frame, n, piece, |y, x, row| plane.put_over(y, x, row));
                }
            }
        }
    }
}

impl Scaler {
    fn scale(
        &mut self,
        sample: &gst::Sample,
        info: &gst_video::VideoInfo,
        to: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
        to_info: &gst_video::VideoInfo,
        place: Rectangle,
    ) -> Option<()> {
        let way = Way { from: info.clone(), to: place };
        if self.way.as_ref() != Some(&way) {
            self.converter = Some(converter(info, to_info, place)?);
            self.way = Some(way);
        }
        let from = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, info).ok()?;
        self.converter.as_ref()?.frame_ref(&from, to);
        Some(())
    }
}

fn converter(
    from: &gst_video::VideoInfo,
    to: &gst_video::VideoInfo,
    place: Rectangle,
) -> Option<gst_video::VideoConverter> {
    // The colours are taken as they are, which keeps the converter on its quick way. Browsers send BT.601; what the
    // decoder says of them is a guess by size. The range is stretched afterwards, in the place only.
    let to = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, to.width(), to.height())
        .fps(from.fps())
        .colorimetry(&from.colorimetry())
        .build()
        .ok()?;
    let signed = |n: u32| i32::try_from(n).ok();
    let mut config = gst_video::VideoConverterConfig::new();
    config.set_dest_x(signed(place.x)?);
    config.set_dest_y(signed(place.y)?);
    config.set_dest_width(signed(place.width));
    config.set_dest_height(signed(place.height));
    config.set_fill_border(false);
    config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
    config.set_threads(1);
    gst_video::VideoConverter::new(from, &to, Some(config)).ok()
}

/// Calls `work` with each row of `place` on one plane: its number, the first sample's number, the samples.
fn each_row(
    frame: &mut gst_video::VideoFrameRef<&mut gst::BufferRef>,
    plane: u32,
    place: Rectangle,
    mut work: impl FnMut(usize, usize, &mut [u8]),
) {
    let shift = u32::from(plane > 0);
    let [x, y, width, height] =
        [place.x, place.y, place.width, place.height].map(|n| usize::try_from(n >> shift).unwrap_or(0));
    let Some(stride) = frame.plane_stride().get(plane as usize).and_then(|stride| usize::try_from(*stride).ok()) else {
        return;
    };
    let Ok(data) = frame.plane_data_mut(plane) else { return };
    for (n, row) in data.chunks_mut(stride.max(1)).enumerate().skip(y).take(height) {
        if let Some(row) = row.get_mut(x..x + width) {
            work(n, x, row);
        }
    }
}

/// What is left of `place` when `others` are cut out of it.
fn without(place: Rectangle, others: &[Rectangle]) -> Vec<Rectangle> {
    others.iter().fold(vec![place], |pieces, hole| pieces.into_iter().flat_map(|piece| cut(piece, *hole)).collect())
}

fn cut(piece: Rectangle, hole: Rectangle) -> Vec<Rectangle> {
    let (left, top) = (piece.x.max(hole.x), piece.y.max(hole.y));
    let (right, bottom) =
        ((piece.x + piece.width).min(hole.x + hole.width), (piece.y + piece.height).min(hole.y + hole.height));
    if left >= right || top >= bottom {
        return vec![piece];
    }
    let rectangle = |x: u32, y: u32, to_x: u32, to_y: u32| Rectangle { x, y, width: to_x - x, height: to_y - y };
    let (end_x, end_y) = (piece.x + piece.width, piece.y + piece.height);
    [
        rectangle(piece.x, piece.y, end_x, top),
        rectangle(piece.x, bottom, end_x, end_y),
        rectangle(piece.x, top, left, bottom),
        rectangle(right, top, end_x, bottom),
    ]
    .into_iter()
    .filter(|piece| piece.width > 0 && piece.height > 0)
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCREEN: Size = Size { width: 64, height: 32 };

    fn rectangle(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    /// A picture of one colour.
    fn sample(y: u8, cb: u8, cr: u8, width: u32, height: u32) -> gst::Sample {
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height).build().unwrap();
        let mut buffer = gst::Buffer::with_size(info.size()).unwrap();
        {
            let frame = buffer.get_mut().unwrap();
            let mut frame = gst_video::VideoFrameRef::from_buffer_ref_writable(frame, &info).unwrap();
            for (plane, value) in [(0, y), (1, cb), (2, cr)] {
                frame.plane_data_mut(plane).unwrap().fill(value);
            }
        }
        gst::Sample::builder().buffer(&buffer).caps(&info.to_caps().unwrap()).build()
    }

    fn overlay(alpha: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        (0..32)
            .flat_map(|y| (0..64).flat_map(move |x| [x, y]))
            .collect::<Vec<usize>>()
            .chunks(2)
            .flat_map(|at| [255, 255, 255, alpha(at[0], at[1])])
            .collect()
    }

    fn pixel(buffer: &gst::Buffer, canvas: &Canvas, x: usize, y: usize) -> [u8; 3] {
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, canvas.info()).unwrap();
        let at = |plane: u32, x: usize, y: usize| {
            frame.plane_data(plane).unwrap()[y * frame.plane_stride()[plane as usize] as usize + x]
        };
        [at(0, x, y), at(1, x / 2, y / 2), at(2, x / 2, y / 2)]
    }

    fn paint(canvas: &mut Canvas, pictures: &[(&gst::Sample, Rectangle)]) -> gst::Buffer {
        let mut scalers: Vec<Scaler> = pictures.iter().map(|_| Scaler::default()).collect();
        let mut placed: Vec<_> = pictures
            .iter()
            .zip(&mut scalers)
            .map(|((sample, place), scaler)| (Placed { sample, place: *place }, scaler))
            .collect();
        canvas.paint(&mut placed).unwrap()
    }

    #[test]
    fn a_picture_is_in_its_place_and_nowhere_else_and_gone_when_it_is_gone() {
        gst::init().unwrap();
        let mut canvas = Canvas::new(SCREEN, Range::Video).unwrap();
        let grey = sample(126, 100, 200, 32, 16);
        for round in 0..6 {
            let place = if round < 3 { rectangle(8, 8, 16, 8) } else { rectangle(40, 8, 16, 8) };
            let out = paint(&mut canvas, &[(&grey, place)]);
            for (x, y) in (0..64).flat_map(|x| (0..32).map(move |y| (x, y))) {
                let inside = (place.x..place.x + 16).contains(&x) && (8..16).contains(&y);
                let wanted = if inside { [126, 100, 200] } else { [16, 128, 128] };
                assert_eq!(pixel(&out, &canvas, x as usize, y as usize), wanted, "round {round} at {x} {y}");
            }
        }
        let out = paint(&mut canvas, &[]);
        assert_eq!(pixel(&out, &canvas, 44, 10), [16, 128, 128]);
    }

    #[test]
    fn a_full_range_screen_gets_full_range_pictures() {
        gst::init().unwrap();
        let mut canvas = Canvas::new(SCREEN, Range::Full).unwrap();
        let out = paint(&mut canvas, &[(&sample(235, 128, 240, 32, 16), rectangle(0, 0, 64, 32))]);
        assert_eq!(pixel(&out, &canvas, 30, 20), [255, 128, 255]);
    }

    #[test]
    fn the_overlay_is_over_each_pixel_once_also_where_pictures_overlap() {
        gst::init().unwrap();
        let mut canvas = Canvas::new(SCREEN, Range::Full).unwrap();
        assert!(canvas.set_overlay(&overlay(|x, _| if x < 32 { 128 } else { 0 }), SCREEN));
        let black = sample(16, 128, 128, 32, 16);
        for _ in 0..5 {
            let out = paint(&mut canvas, &[(&black, rectangle(0, 0, 40, 20)), (&black, rectangle(16, 6, 40, 20))]);
            for y in 0..32 {
                let [half, ..] = pixel(&out, &canvas, 20, y);
                assert!((127..=129).contains(&half), "{half} in row {y}");
                assert_eq!(pixel(&out, &canvas, 40, y), [0, 128, 128]);
            }
        }
    }

    #[test]
    fn a_new_overlay_replaces_the_old_one_everywhere() {
        gst::init().unwrap();
        let mut canvas = Canvas::new(SCREEN, Range::Full).unwrap();
        let grey = sample(126, 128, 128, 32, 16);
        for step in 0..8_u8 {
            let alpha = step % 2 * 255;
            canvas.set_overlay(&overlay(|_, _| alpha), SCREEN);
            let out = paint(&mut canvas, &[(&grey, rectangle(16, 8, 32, 16))]);
            let wanted = if alpha == 255 { [255, 255] } else { [0, 128] };
            assert_eq!([pixel(&out, &canvas, 2, 2)[0], pixel(&out, &canvas, 32, 16)[0]], wanted, "step {step}");
        }
        assert!(!canvas.set_overlay(&[0; 16], Size { width: 2, height: 2 }));
    }

    #[test]
    fn a_buffer_that_a_screen_still_shows_is_left_alone() {
        gst::init().unwrap();
        let mut canvas = Canvas::new(SCREEN, Range::Video).unwrap();
        let shown: Vec<gst::Buffer> = (0..10_u8)
            .map(|n| paint(&mut canvas, &[(&sample(20 + n, 128, 128, 32, 16), rectangle(0, 0, 64, 32))]))
            .collect();
        for (n, buffer) in shown.iter().enumerate() {
            assert_eq!(usize::from(pixel(buffer, &canvas, 9, 9)[0]), 20 + n);
        }
    }

    proptest! {
        #[test]
        fn cutting_loses_nothing_and_doubles_nothing(
            rects in prop::collection::vec((0_u32..20, 0_u32..20, 1_u32..20, 1_u32..20), 1..6),
        ) {
            let rects: Vec<Rectangle> = rects.iter().map(|(x, y, w, h)| rectangle(*x, *y, *w, *h)).collect();
            let inside = |r: &Rectangle, x, y| (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y);
            let pieces: Vec<Rectangle> = rects
                .iter()
                .enumerate()
                .flat_map(|(n, place)| without(*place, &rects[n + 1..]))
                .collect();
            for (x, y) in (0..40).flat_map(|x| (0..40).map(move |y| (x, y))) {
                let covered = pieces.iter().filter(|piece| inside(piece, x, y)).count();
                prop_assert_eq!(covered, usize::from(rects.iter().any(|r| inside(r, x, y))));
            }
        }
    }
}
