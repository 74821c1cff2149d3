//! Kinds of meeting. Each is a pure machine and a thin shell; all speak the same events and actions.

pub mod act;
pub mod elsewhere;
pub mod guest;
pub mod hosted;
pub mod hosts;
pub mod jitsi;
pub mod livekit;
pub mod opentalk;
pub mod role;
pub mod wish;
