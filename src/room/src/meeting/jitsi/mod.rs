//! A room of Jitsi Meet that this room joins as an anonymous guest.

pub mod answer;
pub mod config_js;
pub mod joined;
pub mod link;
pub mod loading;
pub mod lobby;
pub mod moderation;
pub mod muc;
pub mod presence;
pub mod refused;
pub mod request;
pub mod roster;
