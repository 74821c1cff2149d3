//! The sim process.
fn main() {}
