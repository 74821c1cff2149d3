//! The file with every key at its default and a word about each; `subrosa check --example` prints it.

/// The example file. A test holds it equal to the defaults.
pub const EXAMPLE: &str = include_str!("example.toml");
