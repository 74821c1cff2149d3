//! What the engine carries out: a list of steps on slots of memory, each step one pass over its rows.

use super::kernels::convolve::Convolve;
use super::kernels::depthwise::Depthwise;
use super::kernels::pointwise::Pointwise;

/// Place of a slot.
pub type Slot = usize;

/// Size of a slot. A vector (a number for each channel) is a slot of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Channels, divided by eight.
    pub octs: usize,
}

/// A pass.
#[derive(Clone, Debug)]
pub enum Step {
    /// The picture, filtered.
    Convolve {
        /// The filter.
        layer: Convolve,
        /// Where the result goes.
        output: Slot,
        /// Where the mean of each channel goes.
        mean: Option<Slot>,
    },
    /// A matrix for each pixel.
    Pointwise {
        /// Its input.
        input: Slot,
        /// A factor for each channel of it.
        factors: Option<Slot>,
        /// The matrix.
        layer: Pointwise,
        /// What is added to the result.
        residual: Option<Slot>,
        /// Where the result goes.
        output: Slot,
        /// Where the mean of each channel goes.
        mean: Option<Slot>,
    },
    /// A matrix for each pixel, then a filter for each channel, row by row: what is between them never leaves the nearest cache.
    Block(Box<Block>),
    /// The sum of two vectors.
    Sum {
        /// One.
        first: Slot,
        /// The other.
        second: Slot,
        /// Where the sum goes.
        output: Slot,
    },
}

/// See [`Step::Block`].
#[derive(Clone, Debug)]
pub struct Block {
    /// Where rows come from.
    pub source: Source,
    /// The matrix.
    pub expand: Pointwise,
    /// The filters.
    pub depthwise: Depthwise,
    /// What goes into the filters is added to what comes out.
    pub add_input: bool,
    /// Where rows go to.
    pub sink: Sink,
    /// Rows, columns and channels of the input (with the matrix applied: `expand.octs`).
    pub input: Size,
    /// The same of the output.
    pub output: Size,
    /// Where the mean of each channel goes.
    pub mean: Option<Slot>,
}

/// Rows of a block's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// As they stand in a slot.
    Stored(Slot),
    /// `large` times `factors`, plus `small` enlarged to twice its size.
    Mixed {
        /// At full size.
        large: Slot,
        /// A number for each channel of it.
        factors: Slot,
        /// At half that size.
        small: Slot,
    },
}

/// Rows of a block's output.
#[derive(Clone, Debug)]
pub enum Sink {
    /// Into a slot.
    Stored(Slot),
    /// Each pixel becomes 2 × 2 of the mask: an oct of which the first four count, then the sigmoid.
    Mask(Pointwise),
}

/// A model, ready to be carried out.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Height and width of the picture and of the mask.
    pub size: (usize, usize),
    /// Sizes of the slots.
    pub slots: Vec<Size>,
    /// In order.
    pub steps: Vec<Step>,
}
