//! The media process.
fn main() {}
