//! The room's screen: [`view::View`] (what is true) → [`scene()`] (what is where; pure) → [`draw()`] (pixels).
//!
//! Nothing of a view is kept between two calls: no name, link or PIN outlives the scene it is in (P6).
//!
//! The strip of lamps along the lower edge ([`lamps`]) and the faults along the upper edge ([`faults`]) are the same
//! in every scene; [`asleep`], [`awake`], [`call`] and, for meetings
//! elsewhere, [`proposed`], [`joining`] and [`joined`] share what is left between them. [`card()`] is the picture that
//! guests get while the camera is closed.

mod asleep;
mod awake;
mod blank;
mod call;
pub mod card;
pub mod code;
mod column;
pub mod draw;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod examples_elsewhere;
mod faults;
pub mod fonts;
pub mod icon;
mod invitation;
mod joined;
mod joining;
pub mod label;
mod lamps;
mod network;
mod pairing;
pub mod palette;
mod people;
mod proposed;
pub mod scene;
mod sheet;
pub mod stage;
mod svg;
#[cfg(test)]
mod tests;
mod text;
pub mod view;

pub use card::{CardReason, card};
pub use draw::draw;
pub use fonts::{Fonts, FontsError};
pub use scene::{Scene, scene};
