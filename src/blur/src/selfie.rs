//! MediaPipe's selfie segmentation on the processor.
//!
//! The model (Apache-2.0, obtained at set-up, see `setup/`) takes a picture of 256 × 144 pixels and needs 33 million
//! multiplications. [`graph`] reads its file, [`compile`] makes a program of it, [`engine`] carries that out with the instructions
//! that the processor has. Runtimes for any model spend five times as long on one this small.

mod compile;
mod engine;
mod graph;
mod kernels;
mod memory;
mod program;
mod schema;
mod simd;

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::segmenter::{SegmentError, Segmenter};
use engine::Engine;
use graph::Graph;
use simd::Instructions;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error("the segmentation model {path} cannot be read: {why}. `make data` fetches it; `make install` installs it")]
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// The file contradicts itself.
    #[error("the segmentation model is damaged: {0}. Remove it; `make data` fetches it anew")]
    Damaged(String),
    /// The file is sound, but another model.
    #[error(
        "the segmentation model is none that this engine knows: {0}. MediaPipe's selfie_segmentation_landscape.tflite is expected"
    )]
    Unsupported(String),
}

/// The model, ready to be used.
pub struct Selfie {
    engine: Engine,
}

impl Selfie {
    /// Reads a model's file.
    ///
    /// # Errors
    /// When it is missing, damaged, or another model.
    pub fn open(path: &Path) -> Result<Selfie, ModelError> {
        let unreadable = |why| ModelError::Unreadable { path: path.to_owned(), why };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(graph::LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Selfie::read(&bytes)
    }

    /// Reads a model from memory.
    ///
    /// # Errors
    /// When it is damaged, or another model.
    pub fn read(file: &[u8]) -> Result<Selfie, ModelError> {
        let best = Instructions::all().into_iter().next().unwrap_or(Instructions::Scalar);
        Selfie::with(file, best)
    }

    /// Reads a model once for each kind of instructions that this processor has, the fastest first. For comparisons.
    ///
    /// # Errors
    /// As [`Selfie::read`].
    pub fn each(file: &[u8]) -> Result<Vec<Selfie>, ModelError> {
        Instructions::all().into_iter().map(|instructions| Selfie::with(file, instructions)).collect()
    }

    /// Names the instructions it computes with.
    pub fn instructions(&self) -> &'static str {
        self.engine.instructions().name()
    }

    fn with(file: &[u8], instructions: Instructions) -> Result<Selfie, ModelError> {
        if file.len() as u64 > graph::LARGEST_FILE {
            return Err(ModelError::Unsupported("it is far too large".to_owned()));
        }
        Ok(Selfie { engine: Engine::new(compile::compile(&Graph::read(file)?, instructions.wide())?, instructions) })
    }
}

impl Segmenter for Selfie {
    fn size(&self) -> (usize, usize) {
        let (height, width) = self.engine.size();
        (width, height)
    }

    fn segment(&mut self, picture: &[[f32; 3]], mask: &mut [f32]) -> Result<(), SegmentError> {
        let (width, height) = self.size();
        if picture.len() != width * height || mask.len() != width * height {
            return Err(SegmentError::Size);
        }
        self.engine.run(picture.as_flattened(), mask);
        Ok(())
    }
}
