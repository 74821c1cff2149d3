//! The segmenter that the property `model` names.

use subrosa_blur::segmenter::Segmenter;

use crate::worker::Fault;

/// Opens the model; called on the segmenter's thread.
pub fn open(path: &str) -> Result<Box<dyn Segmenter>, Fault> {
    if !std::path::Path::new(path).is_file() {
        return Err(Fault::Missing);
    }
    Err(Fault::Damaged)
}
