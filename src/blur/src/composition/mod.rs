//! The background of a frame replaced, in place, in its own planes: no conversion, no copy.
//!
//! Everything that is costly happens on a coarse grid (the mask's, and one of about 128 by 72 for the blur), and is stretched
//! once for each row of the grid; a row of the picture is then mixed from two of them. What is all person is not even read.

mod ground;
mod map;
mod rows;
mod still;

pub use still::{Still, StillError};

use self::ground::Ground;
use self::map::Map;
use self::rows::Between;
use crate::picture::{Chroma, Picture, Plane};
use crate::smoothing::{Cover, Kind};
use crate::thumbnail::{Thumbnail, Window, factor};

/// How many pixels the thumbnail of a picture has at least, in width and height, where the picture has them: as many as
/// MediaPipe's landscape model looks at.
pub const THUMBNAIL: (usize, usize) = (256, 144);

/// What is put in the place of the background.
#[derive(Clone, Copy)]
pub enum Background<'a> {
    /// The background itself, blurred.
    Blurred {
        /// The thumbnail of this very picture ([`thumbnail`]).
        thumbnail: &'a Thumbnail,
        /// Standard deviation of the blur, as a share of the picture's width.
        sigma: f32,
        /// Half the resolution, which is cheaper.
        coarse: bool,
    },
    /// A picture of the same size and layout.
    Still(&'a Still),
}

/// Why a frame was not composed; it is as it was and must not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompositionError {
    /// The thumbnail was taken of another picture, or of a part.
    #[error("the thumbnail does not show the whole of the frame that is to be blurred")]
    Thumbnail,
    /// The picture for the background does not fit.
    #[error("the picture for the background has not the frame's size and layout")]
    Still,
    /// There is no mask.
    #[error("the cover has no cells")]
    Cover,
}

/// Takes the thumbnail from which [`Background::Blurred`] is made; the segmenter can look at it too.
pub fn thumbnail(picture: &Picture<'_>, into: &mut Thumbnail) {
    let window = Window::whole(picture.size());
    into.take(picture, window, factor(window, THUMBNAIL));
}

/// Composes frames, one after the other; keeps its memory between them.
#[derive(Debug, Default)]
pub struct Composition {
    ground: Ground,
    maps: Option<Maps>,
    lines: Lines,
}

/// Where the pixels of planes lie on the grids.
#[derive(Debug)]
struct Maps {
    size: (usize, usize),
    cover: (usize, usize),
    ground: (usize, usize, usize),
    luma: Places,
    chroma: Places,
}

#[derive(Debug)]
struct Places {
    cover_across: Map,
    cover_down: Map,
    ground_across: Map,
    ground_down: Map,
}

/// Two rows of a grid, stretched, and their difference.
#[derive(Debug, Default)]
struct Lines {
    ground: Stretched,
    cover: Stretched,
}

#[derive(Debug, Default)]
struct Stretched {
    upper: Vec<i16>,
    lower: Vec<i16>,
    change: Vec<i16>,
}

impl Composition {
    /// Replaces the background of the picture.
    ///
    /// # Errors
    /// When something does not belong to this picture; then it is as it was.
    pub fn compose(
        &mut self,
        picture: &mut Picture<'_>,
        cover: &Cover,
        background: Background<'_>,
    ) -> Result<(), CompositionError> {
        let size = picture.size();
        if cover.size().0 < 2 || cover.size().1 < 2 {
            return Err(CompositionError::Cover);
        }
        let still = match background {
            Background::Blurred { thumbnail, sigma, coarse } => {
                if thumbnail.window != Some(Window::whole(size)) {
                    return Err(CompositionError::Thumbnail);
                }
                self.ground.blur(thumbnail, cover, size, sigma * size.0 as f32, coarse);
                None
            }
            Background::Still(still) => {
                if !still.fits(picture) {
                    return Err(CompositionError::Still);
                }
                // Never looked at; but maps are made for some grid.
                Some(still.planes())
            }
        };
        let ground = (self.ground.columns.max(2), self.ground.rows.max(2), self.ground.block.max(1));
        let maps = match self.maps.take() {
            Some(maps) if maps.size == size && maps.cover == cover.size() && maps.ground == ground => maps,
            _ => Maps::new(size, cover.size(), ground),
        };
        let maps = self.maps.insert(maps);
        let behind = |plane: usize| match still {
            Some(planes) => Behind::Still(planes.get(plane).map(Vec::as_slice).unwrap_or_default()),
            None => Behind::Ground(&self.ground),
        };
        let lines = &mut self.lines;
        replace(&mut picture.luma, &maps.luma, cover, behind(0), [0], lines);
        match &mut picture.chroma {
            Chroma::Planar(cb, cr) => {
                replace(cb, &maps.chroma, cover, behind(1), [1], lines);
                replace(cr, &maps.chroma, cover, behind(2), [2], lines);
            }
            Chroma::Interleaved(both) => replace(both, &maps.chroma, cover, behind(1), [1, 2], lines),
        }
        Ok(())
    }
}

impl Maps {
    fn new((width, height): (usize, usize), cover: (usize, usize), ground: (usize, usize, usize)) -> Self {
        let places = |by: usize| {
            let (columns, rows) = (width.div_ceil(by), height.div_ceil(by));
            let cover_map = |positions, pixels: usize, cells: usize| {
                Map::new(positions, cells, by as f64 * cells as f64 / pixels as f64)
            };
            let ground_map = |positions, cells| Map::new(positions, cells, by as f64 / ground.2 as f64);
            Places {
                cover_across: cover_map(columns, width, cover.0),
                cover_down: cover_map(rows, height, cover.1),
                ground_across: ground_map(columns, ground.0),
                ground_down: ground_map(rows, ground.1),
            }
        };
        Maps { size: (width, height), cover, ground, luma: places(1), chroma: places(2) }
    }
}

/// What is put into a plane.
#[derive(Clone, Copy)]
enum Behind<'a> {
    Ground(&'a Ground),
    /// Rows without gaps.
    Still(&'a [u8]),
}

/// Replaces the background in a plane that holds `LANES` kinds of samples in turn, with the best instructions that this
/// processor has.
fn replace<const LANES: usize>(
    plane: &mut Plane<'_>,
    places: &Places,
    cover: &Cover,
    behind: Behind<'_>,
    kinds: [usize; LANES],
    lines: &mut Lines,
) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[target_feature(enable = "avx2")]
        fn with_avx2<const LANES: usize>(
            plane: &mut Plane<'_>,
            places: &Places,
            cover: &Cover,
            behind: Behind<'_>,
            kinds: [usize; LANES],
            lines: &mut Lines,
        ) {
            replace_rows(plane, places, cover, behind, kinds, lines);
        }
        // SAFETY: a function of safe code, whose one requirement has just been found to hold.
        return unsafe { with_avx2(plane, places, cover, behind, kinds, lines) };
    }
    replace_rows(plane, places, cover, behind, kinds, lines);
}

/// The same code for every processor; it is inlined into [`replace`] so that each gets its own instructions.
#[inline(always)]
fn replace_rows<const LANES: usize>(
    plane: &mut Plane<'_>,
    places: &Places,
    cover: &Cover,
    behind: Behind<'_>,
    kinds: [usize; LANES],
    lines: &mut Lines,
) {
    let length = plane.row_length();
    lines.ground.reset(length);
    lines.cover.reset(length);
    let Lines { ground: ground_lines, cover: cover_lines } = lines;
    let (mut ground_row, mut cover_row) = (None, None);
    let taps = places.cover_down.taps().iter().zip(places.ground_down.taps());
    for (at, (row, (cover_tap, ground_tap))) in plane.rows_mut().zip(taps).enumerate() {
        let cell = usize::from(cover_tap.cell);
        let runs = cover.runs(cell);
        if runs.iter().all(|run| run.kind == Kind::Person) {
            continue;
        }
        // Runs are in cells; samples lie behind them.
        let bounds =
            |from: usize, to: usize| (LANES * places.cover_across.start(from), LANES * places.cover_across.start(to));
        if cover_row != Some(cell) {
            cover_row = Some(cell);
            for run in runs.iter().filter(|run| run.kind == Kind::Edge) {
                let (from, to) = bounds(run.from, run.to);
                let rows = |cell: usize| [cover.row(cell); LANES];
                cover_lines.stretch(&places.cover_across, from, to, rows(cell), rows(cell + 1));
            }
        }
        if let Behind::Ground(ground) = behind {
            let cell = usize::from(ground_tap.cell);
            if ground_row != Some(cell) {
                let rows = |cell: usize| kinds.map(|kind| ground.row(kind, cell));
                if ground_row.is_some_and(|before: usize| before + 1 == cell) {
                    ground_lines.stretch_next(&places.ground_across, rows(cell + 1));
                } else {
                    ground_lines.stretch(&places.ground_across, 0, length, rows(cell), rows(cell + 1));
                }
                ground_row = Some(cell);
            }
        }
        for run in runs {
            let (from, to) = bounds(run.from, run.to);
            let Some(samples) = row.get_mut(from..to) else { continue };
            let shown = cover_lines.between(cover_tap.share).part(from, to);
            match (behind, run.kind) {
                (_, Kind::Person) => {}
                (Behind::Ground(_), Kind::Background) => {
                    rows::paint(samples, ground_lines.between(ground_tap.share).part(from, to));
                }
                (Behind::Ground(_), Kind::Edge) => {
                    rows::blend(samples, ground_lines.between(ground_tap.share).part(from, to), shown);
                }
                (Behind::Still(still), kind) => {
                    let Some(still) = still.get(at * length + from..at * length + to) else { continue };
                    match kind {
                        Kind::Edge => rows::blend_still(samples, still, shown),
                        Kind::Background | Kind::Person => samples.copy_from_slice(still),
                    }
                }
            }
        }
    }
}

impl Stretched {
    fn reset(&mut self, length: usize) {
        for line in [&mut self.upper, &mut self.lower, &mut self.change] {
            line.resize(length, 0);
        }
    }

    /// Two rows, from one sample to another.
    #[inline(always)]
    fn stretch<const LANES: usize>(
        &mut self,
        map: &Map,
        from: usize,
        to: usize,
        upper: [&[i16]; LANES],
        lower: [&[i16]; LANES],
    ) {
        let part = |line: &mut Vec<i16>, rows| {
            if let Some(line) = line.get_mut(from..to) {
                map.stretch(rows, from / LANES, line);
            }
        };
        part(&mut self.upper, upper);
        part(&mut self.lower, lower);
        self.subtract(from, to);
    }

    /// The lower row becomes the upper one.
    #[inline(always)]
    fn stretch_next<const LANES: usize>(&mut self, map: &Map, lower: [&[i16]; LANES]) {
        std::mem::swap(&mut self.upper, &mut self.lower);
        map.stretch(lower, 0, &mut self.lower);
        self.subtract(0, self.change.len());
    }

    #[inline(always)]
    fn subtract(&mut self, from: usize, to: usize) {
        let (upper, lower) = (self.upper.get(from..to), self.lower.get(from..to));
        if let (Some(upper), Some(lower), Some(change)) = (upper, lower, self.change.get_mut(from..to)) {
            for ((change, upper), lower) in change.iter_mut().zip(upper).zip(lower) {
                *change = lower - upper;
            }
        }
    }

    fn between(&self, share: i16) -> Between<'_> {
        Between { from: &self.upper, change: &self.change, share }
    }
}

#[cfg(test)]
mod tests;
