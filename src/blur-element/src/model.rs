//! The segmenter that the property `model` names.

use std::path::Path;

use subrosa_blur::segmenter::Segmenter;
use subrosa_blur::selfie::{ModelError, Selfie};

use crate::worker::Fault;

/// Opens the model; called on the segmenter's thread.
pub fn open(path: &str) -> Result<Box<dyn Segmenter>, Fault> {
    match Selfie::open(Path::new(path)) {
        Ok(selfie) => Ok(Box::new(selfie)),
        Err(ModelError::Unreadable { .. }) => Err(Fault::Missing),
        Err(ModelError::Damaged(_) | ModelError::Unsupported(_)) => Err(Fault::Damaged),
    }
}
