//! A server's `config.js`: a program in JavaScript, of which only the part that says plain values is read.
//!
//! Nothing of it is executed. Literals, objects, lists, `+`, variables and assignments are evaluated; whatever else
//! stands there, its key is not known. Where even that fails, the few keys that matter are looked for one by one.

mod configuration;
mod evaluate;
mod token;

pub use configuration::{Configuration, ConfigurationError};
pub use evaluate::{LONGEST, Value};

#[cfg(test)]
mod tests;
