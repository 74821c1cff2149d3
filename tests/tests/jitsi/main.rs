//! The room as a guest of Jitsi Meet, against real Prosody and doubles of Jitsi's own programs.

mod lobby;
mod prosody;
mod session;
