//! A meeting elsewhere, at the edge: the link that was proposed, the way there, and what the desk does for it.
//!
//! [`trip`] is the task that speaks with the meeting's server; [`visit`] the socket on which a link is given. What is decided is decided in
//! [`crate::meeting`].

mod desk;
mod meeting;
mod proposal;
mod settings;
#[cfg(test)]
mod tests;
pub mod trip;
pub mod visit;

pub use desk::{Effect, Elsewhere};
pub use proposal::Giver;
