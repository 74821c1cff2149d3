//! The guard process.
fn main() {}
