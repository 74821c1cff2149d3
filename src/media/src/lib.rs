//! The media process: sources, privacy card, encoders, links, sound, display. It has no HTTP, no names, no PINs
//! and no meeting.

pub mod inbound;
pub mod timebase;
