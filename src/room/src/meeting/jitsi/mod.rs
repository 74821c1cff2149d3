//! A room of Jitsi Meet, as an anonymous guest.

pub mod lobby;
pub mod moderation;
pub mod presence;
pub mod refused;
pub mod request;
pub mod roster;
