//! A meeting on an OpenTalk server that this room joins as a guest.

pub mod joined;
pub mod link;
pub mod start;
