//! A model as a graph of the few operations that the engine knows: constants as numbers of 32 bits, each activation with the
//! operation that it follows.

use super::ModelError;
use super::schema::{self, FLOAT16, FLOAT32, Model, Operator, Options, SAME};

/// What is done with a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// x · min(max(x + 3, 0), 6) / 6.
    HardSwish,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
}

/// A kind of operation; [`Node`] says on which values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Convolution. Filter: output, row, column, input.
    Convolve {
        /// Rows and columns.
        stride: (usize, usize),
        /// "Same" padding, else none (which is the same for single pixels).
        padded: bool,
    },
    /// A convolution for each channel, "same" padding. Filter: 1, row, column, channel.
    Depthwise {
        /// Rows and columns.
        stride: (usize, usize),
    },
    /// Each pixel becomes 2 × 2 of them. Filter: output, row, column, input.
    Transposed,
    /// Mean of all pixels of a channel.
    Mean,
    /// By a factor for each channel.
    Multiply,
    /// Of two values of one shape.
    Add,
    /// To twice the height and width, bilinear, centres of pixels at one half.
    Enlarge,
    /// What follows a value that is used elsewhere as well: kept apart.
    Activate,
}

/// An operation on values.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is done.
    pub operation: Operation,
    /// Places of the values taken; constants are filter and bias.
    pub inputs: Vec<usize>,
    /// Place of the value given.
    pub output: usize,
    /// What is done with it at last.
    pub activation: Activation,
}

/// A value: height, width, channels, and the numbers of a constant.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// As in the file; what is computed has four dimensions, the first of them 1.
    pub shape: Vec<usize>,
    /// Empty for what is computed.
    pub constant: Vec<f32>,
}

/// The graph.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Values, by place.
    pub values: Vec<Value>,
    /// In an order in which they can be carried out.
    pub nodes: Vec<Node>,
    /// Place of the picture.
    pub input: usize,
    /// Place of the mask.
    pub output: usize,
}

/// A file larger than this is no model for this engine.
pub const LARGEST_FILE: u64 = 8 << 20;
/// No value has more numbers than this.
const LARGEST_VALUE: usize = 1 << 22;

// Numbers of operators in `BuiltinOperator`.
const ADD: i32 = 0;
const CONV_2D: i32 = 3;
const DEPTHWISE_CONV_2D: i32 = 4;
const DEQUANTIZE: i32 = 6;
const LOGISTIC: i32 = 14;
const MUL: i32 = 18;
const RELU: i32 = 19;
const RESIZE_BILINEAR: i32 = 23;
const CUSTOM: i32 = 32;
const MEAN: i32 = 40;
const HARD_SWISH: i32 = 117;
/// MediaPipe's own: a transposed convolution with a bias.
const TRANSPOSED: &str = "Convolution2DTransposeBias";
/// Its options in the model: padding "same", steps of two.
const TRANSPOSED_OPTIONS: [u8; 12] = [1, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0];

fn unsupported(what: impl Into<String>) -> ModelError {
    ModelError::Unsupported(what.into())
}

fn damaged(what: impl Into<String>) -> ModelError {
    ModelError::Damaged(what.into())
}

impl Graph {
    /// Reads a `.tflite` file.
    ///
    /// # Errors
    /// A damaged file, or operations that the engine has not.
    pub fn read(file: &[u8]) -> Result<Graph, ModelError> {
        if file.get(4..8) != Some(b"TFL3") {
            return Err(damaged("it is no TensorFlow Lite file"));
        }
        let model = schema::read(file).map_err(|_| damaged("its tables point out of the file"))?;
        let graph = model.subgraphs().filter(|all| !all.is_empty()).map(|all| all.get(0));
        let graph = graph.ok_or_else(|| damaged("it has no graph"))?;
        let tensors = graph.tensors().ok_or_else(|| damaged("it has no values"))?;
        let mut read = Reader { model, values: Vec::with_capacity(tensors.len()), nodes: Vec::new() };
        for tensor in tensors {
            let value = read.value(&tensor)?;
            read.values.push(value);
        }
        for operator in graph.operators().ok_or_else(|| damaged("it has no operators"))? {
            read.operator(&operator)?;
        }
        let input = read.only(graph.inputs().map(|all| all.iter().collect()))?;
        let output = read.only(graph.outputs().map(|all| all.iter().collect()))?;
        let mut graph = Graph { values: read.values, nodes: read.nodes, input, output };
        graph.attach_activations();
        Ok(graph)
    }

    /// How many operations take a value.
    pub fn uses(&self, value: usize) -> usize {
        self.users(value).count()
    }

    /// The operations that take a value.
    pub fn users(&self, value: usize) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.inputs.contains(&value))
    }

    /// An activation that alone takes a sum becomes a part of what made the sum.
    fn attach_activations(&mut self) {
        let mut done: Vec<Node> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let alone = |value: usize| self.uses(value) == 1 && value != self.output;
            if node.operation == Operation::Activate
                && let [input] = *node.inputs
                && alone(input)
                && let Some(before) = done.iter_mut().find(|before| before.output == input)
                && before.activation == Activation::None
            {
                before.activation = node.activation;
                before.output = node.output;
                continue;
            }
            done.push(node.clone());
        }
        self.nodes = done;
    }
}

struct Reader<'a> {
    model: Model<'a>,
    values: Vec<Value>,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    fn value(&self, tensor: &schema::Tensor) -> Result<Value, ModelError> {
        let mut shape = Vec::new();
        let mut size = 1_usize;
        for length in tensor.shape().into_iter().flatten() {
            let length = usize::try_from(length).ok().filter(|length| *length > 0);
            let length = length.ok_or_else(|| damaged("a value has no size"))?;
            size = size
                .checked_mul(length)
                .filter(|size| *size <= LARGEST_VALUE)
                .ok_or_else(|| damaged("a value is too large"))?;
            shape.push(length);
        }
        let place = usize::try_from(tensor.buffer().unwrap_or(0)).unwrap_or(usize::MAX);
        let buffers = self.model.buffers().ok_or_else(|| damaged("it has no constants"))?;
        if place >= buffers.len() {
            return Err(damaged("a value names a constant that is not there"));
        }
        let bytes = buffers.get(place).data().map(|data| data.bytes()).unwrap_or_default();
        let constant: Vec<f32> = match tensor.kind().unwrap_or(FLOAT32) {
            FLOAT32 => bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect(),
            FLOAT16 => bytes.as_chunks::<2>().0.iter().map(|number| from_half(u16::from_le_bytes(*number))).collect(),
            _ => return Ok(Value { shape, constant: Vec::new() }), // sizes and axes: said by the shapes as well
        };
        if !constant.is_empty() && constant.len() != size {
            return Err(damaged("a constant has another length than its shape says"));
        }
        if constant.iter().any(|number| !number.is_finite()) {
            return Err(damaged("a constant is no number"));
        }
        Ok(Value { shape, constant })
    }

    fn only(&self, places: Option<Vec<i32>>) -> Result<usize, ModelError> {
        match places.as_deref() {
            Some([place]) => self.place(*place),
            _ => Err(unsupported("more than one picture comes in or goes out")),
        }
    }

    fn place(&self, place: i32) -> Result<usize, ModelError> {
        let place = usize::try_from(place).ok().filter(|place| *place < self.values.len());
        place.ok_or_else(|| damaged("an operator names a value that is not there"))
    }

    /// Adds a node, or nothing for what is done once and for all here.
    fn operator(&mut self, operator: &Operator) -> Result<(), ModelError> {
        let codes = self.model.operator_codes().ok_or_else(|| damaged("it has no kinds of operators"))?;
        let index = usize::try_from(operator.opcode_index().unwrap_or(0)).unwrap_or(usize::MAX);
        if index >= codes.len() {
            return Err(damaged("an operator is of a kind that is not there"));
        }
        let code = codes.get(index);
        let number = i32::from(code.deprecated_builtin_code().unwrap_or(0)).max(code.builtin_code().unwrap_or(0));
        let mut inputs = Vec::new();
        for place in operator.inputs().into_iter().flatten() {
            inputs.push(self.place(place)?);
        }
        let outputs: Vec<i32> = operator.outputs().into_iter().flatten().collect();
        let output = match *outputs {
            [output] => self.place(output)?,
            _ => return Err(unsupported("an operator gives more than one value")),
        };
        let none = Activation::None;
        let (operation, activation) = match (number, operator.options()) {
            (DEQUANTIZE, _) => return self.dequantize(&inputs, output),
            (CONV_2D, Options::Convolution(options)) => {
                dense([options.dilation_width(), options.dilation_height()])?;
                let stride = stride(options.stride_height(), options.stride_width())?;
                let padded = options.padding().unwrap_or(SAME) == SAME;
                (Operation::Convolve { stride, padded }, activation(options.activation())?)
            }
            (DEPTHWISE_CONV_2D, Options::Depthwise(options)) => {
                dense([options.dilation_width(), options.dilation_height()])?;
                if options.padding().unwrap_or(SAME) != SAME || options.multiplier() != Some(1) {
                    return Err(unsupported("a filter for each channel is not padded, or gives several"));
                }
                let stride = stride(options.stride_height(), options.stride_width())?;
                (Operation::Depthwise { stride }, activation(options.activation())?)
            }
            (ADD, Options::Arithmetic(options)) => (Operation::Add, activation(options.activation())?),
            (MUL, Options::Arithmetic(options)) => (Operation::Multiply, activation(options.activation())?),
            (ADD, _) => (Operation::Add, none),
            (MUL, _) => (Operation::Multiply, none),
            (MEAN, _) => (Operation::Mean, none),
            (RESIZE_BILINEAR, Options::Resize(options))
                if options.half_pixel_centers() == Some(true) && options.align_corners() != Some(true) =>
            {
                (Operation::Enlarge, none)
            }
            (RELU, _) => (Operation::Activate, Activation::Relu),
            (HARD_SWISH, _) => (Operation::Activate, Activation::HardSwish),
            (LOGISTIC, _) => (Operation::Activate, Activation::Sigmoid),
            (CUSTOM, _) if code.custom_code() == Some(TRANSPOSED) => {
                if operator.custom_options().map(|options| options.bytes()) != Some(&TRANSPOSED_OPTIONS) {
                    return Err(unsupported("a transposed convolution has other steps than two"));
                }
                (Operation::Transposed, none)
            }
            _ => return Err(unsupported(format!("operator {number} is none of those in MediaPipe's selfie models"))),
        };
        if matches!(operation, Operation::Mean | Operation::Enlarge) {
            inputs.truncate(1); // axes and size are said by the shapes as well
        }
        self.nodes.push(Node { operation, inputs, output, activation });
        Ok(())
    }

    fn dequantize(&mut self, inputs: &[usize], output: usize) -> Result<(), ModelError> {
        let from = inputs
            .first()
            .and_then(|input| self.values.get(*input))
            .ok_or_else(|| damaged("an operator takes nothing"))?;
        let from = from.clone();
        match self.values.get_mut(output) {
            Some(to) if !from.constant.is_empty() && to.shape == from.shape => {
                *to = from;
                Ok(())
            }
            _ => Err(unsupported("a value that is computed is dequantized")),
        }
    }
}

fn dense(dilation: [Option<i32>; 2]) -> Result<(), ModelError> {
    if dilation.iter().all(|distance| distance.unwrap_or(1) == 1) {
        Ok(())
    } else {
        Err(unsupported("the taps of a convolution lie apart"))
    }
}

fn stride(rows: Option<i32>, columns: Option<i32>) -> Result<(usize, usize), ModelError> {
    match (rows.unwrap_or(0), columns.unwrap_or(0)) {
        (1, 1) => Ok((1, 1)),
        (2, 2) => Ok((2, 2)),
        _ => Err(unsupported("a convolution has other steps than one or two")),
    }
}

fn activation(number: Option<i8>) -> Result<Activation, ModelError> {
    match number.unwrap_or(0) {
        0 => Ok(Activation::None),
        1 => Ok(Activation::Relu),
        _ => Err(unsupported("an activation is neither none nor ReLU")),
    }
}

/// A number of 16 bits (IEEE 754 binary16).
fn from_half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits & 0x8000) << 16, u32::from(bits >> 10 & 0x1f), bits & 0x3ff);
    match exponent {
        0 => f32::from(fraction) * if sign == 0 { SMALLEST_HALF } else { -SMALLEST_HALF },
        31 => f32::NAN,
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | u32::from(fraction) << 13),
    }
}

/// 2⁻²⁴.
const SMALLEST_HALF: f32 = 1.0 / (1 << 24) as f32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_are_read_as_the_standard_says() {
        // Examples of IEEE 754 binary16: largest, smallest normal, smallest of all, one third.
        for (bits, number) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0x8000, -0.0),
        ] {
            assert_eq!(from_half(bits), number);
        }
        assert!(from_half(0x7c00).is_nan() && from_half(0x7e01).is_nan());
    }
}
