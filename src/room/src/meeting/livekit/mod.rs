//! A room on a LiveKit server that this room joins with a token; and what every meeting whose media is LiveKit is made of.

pub mod errand;
pub mod inside;
pub mod joined;
pub mod link;
mod token;
