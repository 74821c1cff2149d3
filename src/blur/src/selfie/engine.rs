//! Carries a program out, with whichever instructions there are.

use super::graph::Activation;
use super::kernels::{self, blend, convolve, depthwise, pointwise, sigmoid};
use super::memory::Memory;
use super::program::{Block, Program, Sink, Size, Slot, Source, Step};
use super::simd::{Instructions, Oct, Simd, Work};

/// How many pixels a matrix takes at a time: a multiple of what fits into registers, and within the nearest cache.
const RUN: usize = 48;

/// A program and the memory it works in.
pub struct Engine {
    program: Program,
    instructions: Instructions,
    slots: Vec<Memory>,
    spaces: Vec<Space>,
}

/// Memory of one step.
#[derive(Default)]
struct Space {
    /// Weights with their factors.
    weights: Memory,
    /// Rows that the filter takes, each with its zeros at both ends, and last a row of zeros.
    ring: Memory,
    /// A row that is mixed, and the same at half the width.
    mixed: Memory,
    between: Memory,
    /// A row of output on its way to the mask.
    row: Memory,
    squares: Memory,
}

impl Engine {
    /// Memory for a program.
    pub fn new(program: Program, instructions: Instructions) -> Engine {
        let slots = program.slots.iter().map(|size| Memory::new(size.height * size.width * size.octs)).collect();
        let spaces = program.steps.iter().map(|step| Space::new(step, &program.slots)).collect();
        Engine { program, instructions, slots, spaces }
    }

    /// Height and width.
    pub fn size(&self) -> (usize, usize) {
        self.program.size
    }

    /// With which instructions.
    pub fn instructions(&self) -> Instructions {
        self.instructions
    }

    /// Makes the mask of a picture. Both have the program's size; a pixel of the picture is three numbers.
    pub fn run(&mut self, picture: &[f32], mask: &mut [f32]) {
        self.instructions.dispatch(Run {
            program: &self.program,
            slots: &mut self.slots,
            spaces: &mut self.spaces,
            picture,
            mask,
        });
    }
}

impl Space {
    fn new(step: &Step, slots: &[Size]) -> Space {
        let mut space = Space::default();
        match step {
            Step::Convolve { .. } | Step::Sum { .. } => {}
            Step::Pointwise { factors, layer, .. } => {
                if factors.is_some() {
                    space.weights = Memory::new(layer.weights.len());
                }
            }
            Step::Block(block) => {
                let padded = block.depthwise.padded(block.output.width) * block.input.octs;
                space.ring = Memory::new(padded * (block.depthwise.size + 1));
                if let Source::Mixed { large, .. } = block.source {
                    let octs = slots.get(large).map_or(0, |size| size.octs);
                    space.mixed = Memory::new(block.input.width * octs);
                    space.between = Memory::new(block.input.width / 2 * octs);
                }
                if let Sink::Mask(_) = block.sink {
                    space.row = Memory::new(block.output.width * block.output.octs);
                    space.squares = Memory::new(block.output.width);
                }
            }
        }
        space
    }
}

struct Run<'a> {
    program: &'a Program,
    slots: &'a mut [Memory],
    spaces: &'a mut [Space],
    picture: &'a [f32],
    mask: &'a mut [f32],
}

impl Work for Run<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (slots, mask) = (self.slots, self.mask);
        for (step, space) in self.program.steps.iter().zip(self.spaces) {
            match step {
                Step::Convolve { layer, output, mean } => {
                    let mut place = Output::take(slots, &self.program.slots, *output, *mean);
                    let width = place.size.width * place.size.octs;
                    let (all, mut sum) = place.all();
                    for (y, row) in all.chunks_exact_mut(width.max(1)).enumerate() {
                        convolve::row(simd, layer, self.picture, self.program.size, y, row);
                        sum.add(simd, row);
                    }
                    place.put_back(simd, slots);
                }
                Step::Pointwise { input, factors, layer, residual, output, mean } => {
                    let mut place = Output::take(slots, &self.program.slots, *output, *mean);
                    let weights = match factors {
                        Some(factors) => {
                            layer.scaled(simd, memory(slots, *factors).as_flattened(), &mut space.weights);
                            &*space.weights
                        }
                        None => &*layer.weights,
                    };
                    let input = memory(slots, *input).as_flattened();
                    let residual = residual.map(|slot| memory(slots, slot));
                    let octs = layer.octs;
                    let (octets, mut sum) = place.all();
                    for (at, run) in octets.chunks_mut(RUN * octs).enumerate() {
                        let input = input.get(at * RUN * layer.inputs..).unwrap_or_default();
                        let residual = residual.map(|all| all.get(at * RUN * octs..).unwrap_or_default());
                        pointwise::run(simd, layer, weights, input, residual, run);
                        if layer.activation == Activation::Sigmoid {
                            sigmoid::row(simd, run.as_flattened_mut());
                        }
                        sum.add(simd, run);
                    }
                    place.put_back(simd, slots);
                }
                Step::Block(block) => run_block(simd, block, &self.program.slots, slots, space, mask),
                Step::Sum { first, second, output } => {
                    let mut place = Output::take(slots, &self.program.slots, *output, None);
                    let (first, second) = (memory(slots, *first), memory(slots, *second));
                    for ((to, first), second) in place.all().0.iter_mut().zip(first).zip(second) {
                        simd.store(simd.add(simd.load(first), simd.load(second)), to);
                    }
                    place.put_back(simd, slots);
                }
            }
        }
    }
}

fn memory(slots: &[Memory], slot: Slot) -> &[Oct] {
    slots.get(slot).map_or(&[], |memory| memory)
}

#[inline(always)]
#[allow(clippy::indexing_slicing)] // rows of slots whose sizes the block names
fn run_block<S: Simd>(
    simd: S,
    block: &Block,
    sizes: &[Size],
    slots: &mut [Memory],
    space: &mut Space,
    mask: &mut [f32],
) {
    let Block { depthwise, expand, input, output, .. } = block;
    let slot = if let Sink::Stored(slot) = block.sink { Some(slot) } else { None };
    let mut place = Output::take(slots, sizes, slot.unwrap_or(usize::MAX), block.mean);
    let padded = depthwise.padded(output.width) * input.octs;
    let (ring, zeros) = space.ring.split_at_mut(padded * depthwise.size);
    let left = depthwise.padding.1 * input.octs;
    let mut ready = 0;
    for y in 0..output.height {
        let first = (y * depthwise.stride) as isize - depthwise.padding.0 as isize;
        while ready < input.height && (ready as isize) < first + depthwise.size as isize {
            let row = match block.source {
                Source::Stored(slot) => {
                    let width = input.width * expand.inputs;
                    &memory(slots, slot).as_flattened()[ready * width..][..width]
                }
                Source::Mixed { large, factors, small } => {
                    let octs = expand.inputs / 8;
                    let width = input.width * octs;
                    let large = &memory(slots, large)[ready * width..][..width];
                    let small = memory(slots, small);
                    let half = width / 2;
                    let (upper, lower, weight) = blend::rows(ready, input.height / 2);
                    let rows = (&small[upper * half..][..half], &small[lower * half..][..half], weight);
                    blend::row(simd, large, memory(slots, factors), rows, &mut space.between, &mut space.mixed);
                    space.mixed.as_flattened()
                }
            };
            let into = &mut ring[ready % depthwise.size * padded + left..][..input.width * input.octs];
            pointwise::run(simd, expand, &expand.weights, row, None, into);
            ready += 1;
        }
        let mut rows: [&[Oct]; 5] = [&[]; 5];
        for (tap, row) in rows.iter_mut().enumerate().take(depthwise.size) {
            let at = first + tap as isize;
            let inside = at >= 0 && at < input.height as isize;
            *row = if inside { &ring[at as usize % depthwise.size * padded..][..padded] } else { zeros };
        }
        let width = output.width * output.octs;
        match &block.sink {
            Sink::Stored(_) => {
                let (all, mut sum) = place.all();
                let row = &mut all[y * width..][..width];
                depthwise::row(simd, depthwise, rows, block.add_input, row);
                sum.add(simd, row);
            }
            Sink::Mask(layer) => {
                depthwise::row(simd, depthwise, rows, block.add_input, &mut space.row);
                pointwise::run(simd, layer, &layer.weights, space.row.as_flattened(), None, &mut space.squares);
                let both = &mut mask[y * 4 * output.width..][..4 * output.width];
                let (upper, lower) = both.split_at_mut(2 * output.width);
                for ((square, upper), lower) in
                    space.squares.iter().zip(upper.as_chunks_mut::<2>().0).zip(lower.as_chunks_mut::<2>().0)
                {
                    *upper = [square[0], square[1]];
                    *lower = [square[2], square[3]];
                }
                sigmoid::row(simd, both);
            }
        }
    }
    place.put_back(simd, slots);
}

/// A slot that is being filled, and its mean, taken out of the others meanwhile.
struct Output {
    slot: Slot,
    size: Size,
    memory: Memory,
    mean: Option<(Slot, Memory)>,
}

/// A sum for each channel, where one is wanted.
struct Sum<'a>(Option<&'a mut [Oct]>);

impl Sum<'_> {
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, row: &[Oct]) {
        if let Some(sum) = &mut self.0 {
            kernels::add_row(simd, row, sum);
        }
    }
}

impl Output {
    fn take(slots: &mut [Memory], sizes: &[Size], slot: Slot, mean: Option<Slot>) -> Output {
        let mut take = |slot: Slot| slots.get_mut(slot).map(std::mem::take).unwrap_or_default();
        let mean = mean.map(|slot| {
            let mut memory = take(slot);
            memory.fill([0.0; 8]);
            (slot, memory)
        });
        let size = sizes.get(slot).copied().unwrap_or(Size { height: 0, width: 0, octs: 0 });
        Output { slot, size, memory: take(slot), mean }
    }

    fn all(&mut self) -> (&mut [Oct], Sum<'_>) {
        (&mut self.memory, Sum(self.mean.as_mut().map(|(_, memory)| &mut **memory)))
    }

    #[inline(always)]
    fn put_back<S: Simd>(mut self, simd: S, slots: &mut [Memory]) {
        if let Some((slot, mut memory)) = self.mean.take() {
            kernels::scale(simd, &mut memory, 1.0 / (self.size.height * self.size.width) as f32);
            if let Some(place) = slots.get_mut(slot) {
                *place = memory;
            }
        }
        if let Some(place) = slots.get_mut(self.slot) {
            *place = self.memory;
        }
    }
}
