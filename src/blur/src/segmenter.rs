//! Finding people in a picture.

/// Why there is no mask.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The picture or the mask has not the segmenter's size.
    #[error("the segmenter was given a picture or a mask of another size than its own")]
    Size,
}

/// Finds people in a picture.
pub trait Segmenter: Send {
    /// Width and height of the input picture and of the mask.
    fn size(&self) -> (usize, usize);

    /// `picture`: width*height pixels, row by row, RGB in 0..=1 (f32, full range). `mask`: width*height, 0 = background, 1 = person.
    ///
    /// # Errors
    /// When no mask could be made; what is in `mask` then means nothing.
    fn segment(&mut self, picture: &[[f32; 3]], mask: &mut [f32]) -> Result<(), SegmentError>;
}
