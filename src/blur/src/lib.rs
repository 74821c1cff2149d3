//! Background blur: people are found in a picture, and what is not them is replaced, in the picture's own planes.

pub mod composition;
pub mod finds;
pub mod freshness;
pub mod governor;
pub mod picture;
pub mod regions;
pub mod segmenter;
pub mod selfie;
pub mod smoothing;
#[cfg(test)]
mod testing;
pub mod thumbnail;
