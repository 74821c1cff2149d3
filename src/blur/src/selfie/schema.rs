//! Tables of a `.tflite` file that the model uses, in the order of TensorFlow Lite's `schema.fbs`.
//!
//! One list of a table's fields makes both what verifies them and what reads them, so that nothing is read which was not verified.
#![allow(unsafe_code)] // reading a verified field; see `table!`

use flatbuffers::{
    Follow, ForwardsUOffset, InvalidFlatbuffer, Table, TableVerifier, VOffsetT, Vector, Verifiable, Verifier,
    VerifierOptions,
};

/// Text, bytes or numbers.
type Numbers<'a, T> = ForwardsUOffset<Vector<'a, T>>;
/// Tables.
type Tables<'a, T> = ForwardsUOffset<Vector<'a, ForwardsUOffset<T>>>;

/// Where the field with this number stands in its table's index.
const fn offset(slot: VOffsetT) -> VOffsetT {
    4 + 2 * slot
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident<$life:lifetime> { $($(#[$field_doc:meta])* $field:ident = $slot:literal: $type:ty,)* } $(with $more:ident)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<$life>(Table<$life>);

        impl<$life> Follow<$life> for $name<$life> {
            type Inner = Self;
            unsafe fn follow(file: &$life [u8], at: usize) -> Self {
                // SAFETY: passed on; `at` is that of a verified table.
                Self(unsafe { Table::new(file, at) })
            }
        }

        impl<$life> Verifiable for $name<$life> {
            fn run_verifier(verifier: &mut Verifier, at: usize) -> Result<(), InvalidFlatbuffer> {
                let table = verifier.visit_table(at)?$(.visit_field::<$type>(stringify!($field), offset($slot), false)?)*;
                $(let table = $more(table)?;)?
                table.finish();
                Ok(())
            }
        }

        impl<$life> $name<$life> {
            $(
                $(#[$field_doc])*
                pub fn $field(&self) -> Option<<$type as Follow<$life>>::Inner> {
                    // SAFETY: `run_verifier` has visited this slot as this very type: both come from the same line of the list.
                    unsafe { self.0.get::<$type>(offset($slot), None) }
                }
            )*
        }
    };
}

table! {
    /// The file.
    Model<'a> {
        /// Kinds of operators; operators name them by their place.
        operator_codes = 1: Tables<'a, OperatorCode<'a>>,
        /// Graphs; the first is the model.
        subgraphs = 2: Tables<'a, SubGraph<'a>>,
        /// Constants; tensors name them by their place.
        buffers = 4: Tables<'a, Buffer<'a>>,
    }
}

table! {
    /// A kind of operator.
    OperatorCode<'a> {
        /// Its number, where that is below 127.
        deprecated_builtin_code = 0: i8,
        /// Its name, where it is none of the built-in ones.
        custom_code = 1: ForwardsUOffset<&'a str>,
        /// Its number, in newer files.
        builtin_code = 3: i32,
    }
}

table! {
    /// A graph.
    SubGraph<'a> {
        /// All values, constants among them.
        tensors = 0: Tables<'a, Tensor<'a>>,
        /// Places of the values that come in.
        inputs = 1: Numbers<'a, i32>,
        /// Places of the values that go out.
        outputs = 2: Numbers<'a, i32>,
        /// In an order in which they can be carried out.
        operators = 3: Tables<'a, Operator<'a>>,
    }
}

table! {
    /// A value.
    Tensor<'a> {
        /// Its dimensions.
        shape = 0: Numbers<'a, i32>,
        /// [`FLOAT32`], [`FLOAT16`], …
        kind = 1: i8,
        /// Place of its constant; an empty one belongs to what is computed.
        buffer = 2: u32,
    }
}

table! {
    /// Bytes of a constant.
    Buffer<'a> {
        /// The bytes, little-endian.
        data = 0: Numbers<'a, u8>,
    }
}

table! {
    /// One operation.
    Operator<'a> {
        /// Place of its kind.
        opcode_index = 0: u32,
        /// Places of the values it takes; -1 for one that is left out.
        inputs = 1: Numbers<'a, i32>,
        /// Places of the values it gives.
        outputs = 2: Numbers<'a, i32>,
        /// Which table of options follows.
        options_kind = 3: u8,
        /// Options of a custom operator.
        custom_options = 5: Numbers<'a, u8>,
    } with verify_options
}

table! {
    /// Options of `CONV_2D`.
    Convolution<'a> {
        /// [`SAME`] or not.
        padding = 0: i8,
        /// Step between outputs.
        stride_width = 1: i32,
        /// Step between rows of outputs.
        stride_height = 2: i32,
        /// What is done with the sum.
        activation = 3: i8,
        /// Distance of taps.
        dilation_width = 4: i32,
        /// Distance of rows of taps.
        dilation_height = 5: i32,
    }
}

table! {
    /// Options of `DEPTHWISE_CONV_2D`.
    DepthwiseConvolution<'a> {
        /// [`SAME`] or not.
        padding = 0: i8,
        /// Step between outputs.
        stride_width = 1: i32,
        /// Step between rows of outputs.
        stride_height = 2: i32,
        /// Outputs of one channel.
        multiplier = 3: i32,
        /// What is done with the sum.
        activation = 4: i8,
        /// Distance of taps.
        dilation_width = 5: i32,
        /// Distance of rows of taps.
        dilation_height = 6: i32,
    }
}

table! {
    /// Options of `ADD` and of `MUL`.
    Arithmetic<'a> {
        /// What is done with the result.
        activation = 0: i8,
    }
}

table! {
    /// Options of `RESIZE_BILINEAR`.
    Resize<'a> {
        /// Corners of both pictures lie on each other.
        align_corners = 2: bool,
        /// Centres of pixels are at one half.
        half_pixel_centers = 3: bool,
    }
}

/// 32-bit numbers.
pub const FLOAT32: i8 = 0;
/// 16-bit numbers.
pub const FLOAT16: i8 = 1;
/// Padding with which the output is as large as the input, divided by the step.
pub const SAME: i8 = 0;

/// Options of an operator.
#[derive(Clone, Copy)]
pub enum Options<'a> {
    /// None, or none that this reader knows.
    Other,
    /// Of `CONV_2D`.
    Convolution(Convolution<'a>),
    /// Of `DEPTHWISE_CONV_2D`.
    Depthwise(DepthwiseConvolution<'a>),
    /// Of `ADD` and `MUL`.
    Arithmetic(Arithmetic<'a>),
    /// Of `RESIZE_BILINEAR`.
    Resize(Resize<'a>),
}

// Places of the tables in the union `BuiltinOptions`.
const CONVOLUTION: u8 = 1;
const DEPTHWISE: u8 = 2;
const ADD: u8 = 11;
const RESIZE: u8 = 15;
const MULTIPLY: u8 = 21;

fn verify_options<'v, 'o, 'b>(
    table: TableVerifier<'v, 'o, 'b>,
) -> Result<TableVerifier<'v, 'o, 'b>, InvalidFlatbuffer> {
    table.visit_union::<u8, _>(
        "options_kind",
        offset(3),
        "options",
        offset(4),
        false,
        |kind, verifier, at| match kind {
            CONVOLUTION => verifier.verify_union_variant::<ForwardsUOffset<Convolution>>("Conv2DOptions", at),
            DEPTHWISE => {
                verifier.verify_union_variant::<ForwardsUOffset<DepthwiseConvolution>>("DepthwiseConv2DOptions", at)
            }
            ADD | MULTIPLY => verifier.verify_union_variant::<ForwardsUOffset<Arithmetic>>("AddOptions", at),
            RESIZE => verifier.verify_union_variant::<ForwardsUOffset<Resize>>("ResizeBilinearOptions", at),
            _ => Ok(()), // never read
        },
    )
}

impl<'a> Operator<'a> {
    /// The options that came with it.
    pub fn options(&self) -> Options<'a> {
        // SAFETY: `verify_options` has visited the field as the type that the same number stands for here.
        unsafe {
            match self.options_kind() {
                Some(CONVOLUTION) => {
                    self.0.get::<ForwardsUOffset<Convolution>>(offset(4), None).map(Options::Convolution)
                }
                Some(DEPTHWISE) => {
                    self.0.get::<ForwardsUOffset<DepthwiseConvolution>>(offset(4), None).map(Options::Depthwise)
                }
                Some(ADD | MULTIPLY) => {
                    self.0.get::<ForwardsUOffset<Arithmetic>>(offset(4), None).map(Options::Arithmetic)
                }
                Some(RESIZE) => self.0.get::<ForwardsUOffset<Resize>>(offset(4), None).map(Options::Resize),
                _ => None,
            }
        }
        .unwrap_or(Options::Other)
    }
}

/// Verifies a whole file.
///
/// # Errors
/// Anything that points out of it, overlaps what it must not, or is nested too deeply.
pub fn read(file: &[u8]) -> Result<Model<'_>, InvalidFlatbuffer> {
    let limits = VerifierOptions {
        max_depth: 8,
        max_tables: 20_000,
        max_apparent_size: 1 << 26,
        ignore_missing_null_terminator: false,
    };
    flatbuffers::root_with_opts::<Model>(&limits, file)
}
