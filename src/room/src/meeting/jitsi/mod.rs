//! A room of Jitsi Meet, as an anonymous guest.

pub mod request;
