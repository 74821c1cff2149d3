//! From graph to program.
//!
//! The graph's nodes are taken in order. What a value *is* is kept beside it ([`Known`]), so that work is put off until it is known
//! what it is for: a factor for each channel goes into the weights of the next matrix, a matrix is applied before its input is
//! enlarged (a quarter of the pixels; both are linear, and weights of the enlargement sum to one), the mean of an enlarged
//! picture is the mean of the small one, and a matrix whose result is only filtered is computed row by row with the filter.

use super::ModelError;
use super::graph::{Activation, Graph, Node, Operation, Value};
use super::kernels::convolve::Convolve;
use super::kernels::depthwise::Depthwise;
use super::kernels::pointwise::Pointwise;
use super::program::{Block, Program, Sink, Size, Slot, Source, Step};

/// What is known of a value.
#[derive(Clone)]
enum Known {
    /// It stands in a slot.
    Stored(Slot),
    /// A slot, times a factor for each channel.
    Scaled { slot: Slot, factors: Slot },
    /// A slot, times factors, enlarged to twice its size.
    Enlarged { slot: Slot, factors: Option<Slot> },
    /// A slot plus another, enlarged.
    Sum { large: Slot, small: Slot },
    /// A slot times factors, plus another, enlarged.
    Mixed { large: Slot, factors: Slot, small: Slot },
    /// The sum of two means.
    Means { first: Slot, second: Slot },
    /// A matrix, not applied yet.
    Expanded { source: Source, layer: Pointwise, size: Size },
}

/// Makes a program of a graph. `wide`: layers are laid out for sixteen numbers at once.
///
/// # Errors
/// When shapes contradict each other, or nodes follow each other in a way that the engine has no step for.
pub fn compile(graph: &Graph, wide: bool) -> Result<Program, ModelError> {
    let picture = Shape::of(value(graph, graph.input)?)?;
    let mask = Shape::of(value(graph, graph.output)?)?;
    if (picture.height, picture.width, picture.channels, mask.channels) != (mask.height, mask.width, 3, 1) {
        return Err(ModelError::Unsupported("it does not make one mask of one picture in colours".to_owned()));
    }
    let program = Program { size: (picture.height, picture.width), ..Program::default() };
    let mut compiler = Compiler { graph, wide, program, known: vec![None; graph.values.len()], finished: false };
    for node in &graph.nodes {
        compiler.node(node)?;
    }
    if !compiler.finished {
        return Err(ModelError::Unsupported("it has no mask at its end".to_owned()));
    }
    Ok(compiler.program)
}

/// Rows, columns and channels.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    height: usize,
    width: usize,
    channels: usize,
}

impl Shape {
    fn of(value: &Value) -> Result<Shape, ModelError> {
        match *value.shape {
            [1, height, width, channels] => Ok(Shape { height, width, channels }),
            _ => Err(mismatch()),
        }
    }

    /// A size of whole octs.
    fn size(self) -> Result<Size, ModelError> {
        if !self.channels.is_multiple_of(8) {
            return Err(ModelError::Unsupported("a layer's channels are no multiple of eight".to_owned()));
        }
        Ok(Size { height: self.height, width: self.width, octs: self.channels / 8 })
    }
}

fn mismatch() -> ModelError {
    ModelError::Damaged("shapes of its values contradict each other".to_owned())
}

fn unknown(what: &str) -> ModelError {
    ModelError::Unsupported(format!("{what} stands where the engine has no step for it"))
}

fn value(graph: &Graph, place: usize) -> Result<&Value, ModelError> {
    graph.values.get(place).ok_or_else(mismatch)
}

/// Zeros before the first pixel with "same" padding, when the output has the length that goes with it.
fn padding(input: usize, output: usize, size: usize, stride: usize) -> Result<usize, ModelError> {
    if output != input.div_ceil(stride) {
        return Err(mismatch());
    }
    Ok(((output - 1) * stride + size).saturating_sub(input) / 2)
}

struct Compiler<'a> {
    graph: &'a Graph,
    wide: bool,
    program: Program,
    known: Vec<Option<Known>>,
    finished: bool,
}

impl Compiler<'_> {
    fn node(&mut self, node: &Node) -> Result<(), ModelError> {
        match (node.operation, &*node.inputs) {
            (Operation::Convolve { stride, padded }, &[input, filter, bias]) if input == self.graph.input && padded => {
                self.first(node, filter, bias, stride)
            }
            (Operation::Convolve { stride: (1, 1), .. }, &[input, filter, bias]) => {
                self.pointwise(node, input, filter, bias)
            }
            (Operation::Depthwise { stride }, &[input, filter, bias]) => {
                self.depthwise(node, input, filter, bias, stride)
            }
            (Operation::Transposed, &[input, filter, bias]) => self.transposed(node, input, filter, bias),
            (Operation::Mean, &[input]) => self.mean(node, input),
            (Operation::Multiply, &[first, second]) => self.multiply(node, first, second),
            (Operation::Add, &[first, second]) => self.add(node, first, second),
            (Operation::Enlarge, &[input]) => self.enlarge(node, input),
            (Operation::Activate, _) => Err(unknown("an activation")),
            _ => Err(ModelError::Damaged("an operator takes another number of values".to_owned())),
        }
    }

    fn shape(&self, place: usize) -> Result<Shape, ModelError> {
        Shape::of(value(self.graph, place)?)
    }

    fn constant(&self, place: usize, shape: &[usize]) -> Result<&[f32], ModelError> {
        let value = value(self.graph, place)?;
        if value.constant.is_empty() || value.shape != shape {
            return Err(mismatch());
        }
        Ok(&value.constant)
    }

    fn known(&self, place: usize) -> Result<Known, ModelError> {
        let known = self.known.get(place).and_then(Option::as_ref);
        known.cloned().ok_or_else(|| ModelError::Damaged("a value is used before it is computed".to_owned()))
    }

    fn stored(&self, place: usize) -> Result<Slot, ModelError> {
        match self.known(place)? {
            Known::Stored(slot) => Ok(slot),
            _ => Err(unknown("a value that was put off")),
        }
    }

    fn learn(&mut self, place: usize, known: Known) -> Result<(), ModelError> {
        match self.known.get_mut(place) {
            Some(entry @ None) => {
                *entry = Some(known);
                Ok(())
            }
            _ => Err(ModelError::Damaged("a value is computed twice".to_owned())),
        }
    }

    fn slot(&mut self, size: Size) -> Slot {
        self.program.slots.push(size);
        self.program.slots.len() - 1
    }

    fn size(&self, slot: Slot) -> Result<Size, ModelError> {
        self.program.slots.get(slot).copied().ok_or_else(mismatch)
    }

    fn pointwise(&mut self, node: &Node, input: usize, filter: usize, bias: usize) -> Result<(), ModelError> {
        let (from, to) = (self.shape(input)?, self.shape(node.output)?);
        let weights = self.constant(filter, &[to.channels, 1, 1, from.channels])?;
        let bias = self.constant(bias, &[to.channels])?;
        if (from.height, from.width) != (to.height, to.width) {
            return Err(mismatch());
        }
        let (from, to) = (from.size()?, to.size()?);
        let layer = Pointwise::new(from.octs * 8, weights, bias, node.activation, self.wide);
        // A sigmoid is for vectors (one pixel); nothing else has a step for it.
        if node.activation == Activation::Sigmoid && (to.height, to.width) != (1, 1) {
            return Err(unknown("a sigmoid"));
        }
        let filtered = self.graph.users(node.output).any(|user| matches!(user.operation, Operation::Depthwise { .. }));
        let (slot, factors, enlarged) = match self.known(input)? {
            Known::Mixed { large, factors, small } if filtered => {
                let source = Source::Mixed { large, factors, small };
                return self.learn(node.output, Known::Expanded { source, layer, size: to });
            }
            Known::Stored(slot) if filtered => {
                return self.learn(node.output, Known::Expanded { source: Source::Stored(slot), layer, size: to });
            }
            Known::Stored(slot) => (slot, None, false),
            Known::Scaled { slot, factors } => (slot, Some(factors), false),
            // Linear, as is the enlargement: they may change places.
            Known::Enlarged { slot, factors } if node.activation == Activation::None => (slot, factors, true),
            Known::Means { first, second } => {
                let output = self.slot(from);
                self.program.steps.push(Step::Sum { first, second, output });
                (output, None, false)
            }
            _ => return Err(unknown("a matrix")),
        };
        let applied = self.size(slot)?;
        let output = self.slot(Size { octs: to.octs, ..applied });
        self.program.steps.push(Step::Pointwise { input: slot, factors, layer, residual: None, output, mean: None });
        let known = if enlarged { Known::Enlarged { slot: output, factors: None } } else { Known::Stored(output) };
        self.learn(node.output, known)
    }

    /// The filter on the picture.
    fn first(&mut self, node: &Node, filter: usize, bias: usize, stride: (usize, usize)) -> Result<(), ModelError> {
        let (from, to) = (self.shape(self.graph.input)?, self.shape(node.output)?);
        if node.activation == Activation::Sigmoid {
            return Err(unknown("a sigmoid"));
        }
        let shape = value(self.graph, filter)?.shape.clone();
        let [outputs, rows, columns, channels] = *shape else { return Err(mismatch()) };
        let weights = self.constant(filter, &[to.channels, rows, columns, from.channels])?;
        let bias = self.constant(bias, &[outputs])?;
        let (&[low, high], []) = bias.as_chunks::<8>() else {
            return Err(ModelError::Unsupported("its first layer has not sixteen channels".to_owned()));
        };
        if rows > from.height || columns > from.width {
            return Err(mismatch());
        }
        let padding =
            (padding(from.height, to.height, rows, stride.0)?, padding(from.width, to.width, columns, stride.1)?);
        let layer = Convolve::new((rows, columns, channels), weights, [low, high], stride, padding, node.activation);
        let output = self.slot(to.size()?);
        self.program.steps.push(Step::Convolve { layer, output, mean: None });
        self.learn(node.output, Known::Stored(output))
    }

    fn depthwise(
        &mut self,
        node: &Node,
        input: usize,
        filter: usize,
        bias: usize,
        stride: (usize, usize),
    ) -> Result<(), ModelError> {
        let (from, to) = (self.shape(input)?, self.shape(node.output)?);
        let Known::Expanded { source, layer: expand, size } = self.known(input)? else {
            return Err(unknown("a filter for each channel"));
        };
        let rows = match *value(self.graph, filter)?.shape {
            [1, rows @ (3 | 5), ..] => rows,
            _ => return Err(ModelError::Unsupported("a filter is neither 3 × 3 nor 5 × 5".to_owned())),
        };
        if from.channels != to.channels || stride.0 != stride.1 || node.activation == Activation::Sigmoid {
            return Err(mismatch());
        }
        let weights = self.constant(filter, &[1, rows, rows, to.channels])?;
        let bias = self.constant(bias, &[to.channels])?;
        let padding =
            (padding(from.height, to.height, rows, stride.0)?, padding(from.width, to.width, rows, stride.0)?);
        let depthwise = Depthwise::new(rows, stride.0, padding, weights, bias, node.activation, self.wide);
        let output = to.size()?;
        let slot = self.slot(output);
        let sink = Sink::Stored(slot);
        let block = Block { source, expand, depthwise, add_input: false, sink, input: size, output, mean: None };
        self.program.steps.push(Step::Block(Box::new(block)));
        self.learn(node.output, Known::Stored(slot))
    }

    /// The last layer: the block before it makes the mask instead of filling a slot.
    fn transposed(&mut self, node: &Node, input: usize, filter: usize, bias: usize) -> Result<(), ModelError> {
        let (from, to) = (self.shape(input)?, self.shape(node.output)?);
        if (from.height * 2, from.width * 2, 1) != (to.height, to.width, to.channels) {
            return Err(mismatch());
        }
        if node.output != self.graph.output || node.activation != Activation::Sigmoid || self.graph.uses(input) != 1 {
            return Err(unknown("a transposed convolution"));
        }
        // In a matrix of eight outputs the first four are the pixels of a square, row by row.
        let mut weights = self.constant(filter, &[1, 2, 2, from.channels])?.to_vec();
        weights.resize(8 * from.channels, 0.0);
        let bias = self.constant(bias, &[1])?;
        let layer = Pointwise::new(
            from.channels,
            &weights,
            &[bias, bias, bias, bias].concat().repeat(2),
            Activation::None,
            self.wide,
        );
        let slot = self.stored(input)?;
        match self.producer(slot) {
            Some(Step::Block(block)) if block.mean.is_none() && matches!(block.sink, Sink::Stored(_)) => {
                block.sink = Sink::Mask(layer)
            }
            _ => return Err(unknown("a transposed convolution")),
        }
        if let Some(size) = self.program.slots.get_mut(slot) {
            *size = Size { height: 0, ..*size }; // nobody fills it any more
        }
        self.finished = true;
        Ok(())
    }

    /// The step that fills a slot.
    fn producer(&mut self, slot: Slot) -> Option<&mut Step> {
        self.program.steps.iter_mut().find(|step| match step {
            Step::Convolve { output, .. } | Step::Pointwise { output, .. } | Step::Sum { output, .. } => {
                *output == slot
            }
            Step::Block(block) => matches!(block.sink, Sink::Stored(output) if output == slot),
        })
    }

    fn mean(&mut self, node: &Node, input: usize) -> Result<(), ModelError> {
        let (from, to) = (self.shape(input)?, self.shape(node.output)?);
        if to != (Shape { height: 1, width: 1, channels: from.channels }) {
            return Err(mismatch());
        }
        let known = match self.known(input)? {
            Known::Stored(slot) => Known::Stored(self.mean_of(slot)?),
            Known::Sum { large, small } => Known::Means { first: self.mean_of(large)?, second: self.mean_of(small)? },
            _ => return Err(unknown("a mean")),
        };
        self.learn(node.output, known)
    }

    /// The mean of a slot, which the step that fills it computes on the way.
    fn mean_of(&mut self, slot: Slot) -> Result<Slot, ModelError> {
        let size = self.size(slot)?;
        let vector = self.slot(Size { height: 1, width: 1, ..size });
        let mean = match self.producer(slot) {
            Some(Step::Convolve { mean, .. } | Step::Pointwise { mean, .. }) => mean,
            Some(Step::Block(block)) => &mut block.mean,
            _ => return Err(unknown("a mean")),
        };
        Ok(*mean.get_or_insert(vector))
    }

    fn multiply(&mut self, node: &Node, first: usize, second: usize) -> Result<(), ModelError> {
        let (large, factors) = (self.shape(first)?, self.shape(second)?);
        if node.activation != Activation::None
            || factors != (Shape { height: 1, width: 1, channels: large.channels })
            || self.shape(node.output)? != large
        {
            return Err(unknown("a product"));
        }
        let known = Known::Scaled { slot: self.stored(first)?, factors: self.stored(second)? };
        self.learn(node.output, known)
    }

    fn add(&mut self, node: &Node, first: usize, second: usize) -> Result<(), ModelError> {
        let shape = self.shape(first)?;
        if node.activation != Activation::None || shape != self.shape(second)? || shape != self.shape(node.output)? {
            return Err(unknown("a sum"));
        }
        let known = match (self.known(first)?, self.known(second)?) {
            (Known::Stored(large), Known::Enlarged { slot: small, factors: None })
            | (Known::Enlarged { slot: small, factors: None }, Known::Stored(large)) => Known::Sum { large, small },
            (Known::Scaled { slot: large, factors }, Known::Enlarged { slot: small, factors: None })
            | (Known::Enlarged { slot: small, factors: None }, Known::Scaled { slot: large, factors }) => {
                Known::Mixed { large, factors, small }
            }
            (Known::Expanded { source, .. }, Known::Stored(slot))
            | (Known::Stored(slot), Known::Expanded { source, .. }) => {
                let filtered = if matches!(self.known(first)?, Known::Stored(_)) { first } else { second };
                let other = if filtered == first { second } else { first };
                self.add_input(filtered, other, slot, source)?
            }
            (Known::Stored(one), Known::Stored(other)) => match self.add_residual(second, other, one) {
                Some(known) => known,
                None => self.add_residual(first, one, other).ok_or_else(|| unknown("a sum"))?,
            },
            _ => return Err(unknown("a sum")),
        };
        self.learn(node.output, known)
    }

    /// `filtered` (in `slot`) is what a filter made of `input`, and both are added.
    fn add_input(&mut self, filtered: usize, input: usize, slot: Slot, of: Source) -> Result<Known, ModelError> {
        let made = self.graph.nodes.iter().find(|node| node.output == filtered);
        let from_input = made.is_some_and(|node| node.inputs.first() == Some(&input));
        let alone = self.graph.uses(filtered) == 1;
        match self.producer(slot) {
            Some(Step::Block(block))
                if from_input && alone && block.source == of && block.depthwise.stride == 1 && block.mean.is_none() =>
            {
                block.add_input = true;
                Ok(Known::Stored(slot))
            }
            _ => Err(unknown("a sum")),
        }
    }

    /// What a matrix made (in `slot`, taken by nobody else) gets `other` added, if that is there before it.
    fn add_residual(&mut self, made: usize, slot: Slot, other: Slot) -> Option<Known> {
        if self.graph.uses(made) != 1 || slot < other {
            return None;
        }
        match self.producer(slot) {
            Some(Step::Pointwise { layer, residual: residual @ None, mean: None, .. })
                if layer.activation != Activation::Sigmoid =>
            {
                *residual = Some(other);
                Some(Known::Stored(slot))
            }
            _ => None,
        }
    }

    fn enlarge(&mut self, node: &Node, input: usize) -> Result<(), ModelError> {
        let (from, to) = (self.shape(input)?, self.shape(node.output)?);
        if to != (Shape { height: from.height * 2, width: from.width * 2, channels: from.channels }) {
            return Err(mismatch());
        }
        let known = match self.known(input)? {
            Known::Stored(slot) => Known::Enlarged { slot, factors: None },
            Known::Scaled { slot, factors } => Known::Enlarged { slot, factors: Some(factors) },
            _ => return Err(unknown("an enlargement")),
        };
        self.learn(node.output, known)
    }
}
