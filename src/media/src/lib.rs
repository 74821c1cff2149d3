//! The media process: sources, privacy card, encoders, links, sound, display. It has no HTTP, no names, no PINs
//! and no meeting.
//!
//! Separate pipelines, joined in Rust, so that one can be torn down while the others run (`docs/architecture.md`):
//!
//! ```text
//! camera → blur ─┐                               ┌→ link 1 → network
//!                ├→ picture → encoder (per codec) ┼→ link 2
//! card  ─────────┘                               └→ …
//! microphone → sound ───────────────────────────→ links
//! links → inbound → display, sound
//! ```

// The bridge that the tests have in common calls this crate by its name.
#[cfg(test)]
extern crate self as subrosa_media;

use std::sync::Arc;

use subrosa_messages::media::MediaToRoom;

pub mod blur;
pub mod camera;
pub mod captures;
pub mod card;
pub mod cut;
pub mod display;
pub mod doctor;
pub mod encode;
pub mod guard;
pub mod inbound;
pub mod link;
pub mod pads;
pub mod permit;
pub mod picture;
pub mod plugins;
pub mod reveal;
pub mod room;
pub mod sample;
pub mod session;
pub mod sound;
pub mod timebase;

/// Says something to the room. Never blocks; may be called from any thread.
pub type Notify = Arc<dyn Fn(MediaToRoom) + Send + Sync>;
