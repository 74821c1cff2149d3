//! The guard process.
