//! Jitsi Meet without Jitsi's own programs: Debian's Prosody with doubles of Jitsi's plug-ins (`tests/jitsi/*.lua`), and a
//! double of jicofo's XMPP part and one of the bridge. What the doubles say follows `tests/recordings/jitsi`.

pub mod bridge;
pub mod client;
pub mod focus;
pub mod guest;
pub mod meeting;
pub mod offered;
pub mod prosody;
pub mod socket;
pub mod visit;
pub mod wire;
