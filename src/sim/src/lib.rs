//! The sim process.
