//! Fuzz targets for everything that a foreign server or a guest can say. One program, since they share all but a few lines: `SUBROSA_FUZZ` names the target,
//! the rest of the command line is libFuzzer's (`make fuzz`).
//!
//! A target breaks by a panic, by an arithmetic overflow, by an assertion in here, and by time or memory without bound (libFuzzer's `-timeout` and
//! `-malloc_limit_mb`).

#![no_main]

mod description;
mod hosted;
mod livekit;
mod meeting;
mod opentalk;
mod readers;

use std::sync::OnceLock;

type Target = fn(&str);

/// By name, as `setup/fuzz.sh` and the seeds have them.
const TARGETS: [(&str, Target); 12] = [
    ("link", readers::link),
    ("config", readers::config),
    ("stanza", readers::stanza),
    ("jingle", readers::jingle),
    ("sources", readers::sources),
    ("colibri", readers::colibri),
    ("meeting", meeting::meeting),
    ("hosted", hosted::hosted),
    ("description", description::description),
    ("livekit", livekit::meeting),
    ("opentalk", opentalk::session),
    ("opentalk-start", opentalk::start),
];

#[allow(clippy::panic, reason = "that a target is not named is the caller's mistake, and ends the run")]
fn target() -> Target {
    let name = std::env::var("SUBROSA_FUZZ").unwrap_or_default();
    let named = TARGETS.iter().find(|(known, _)| *known == name);
    named
        .map_or_else(|| panic!("SUBROSA_FUZZ names no target: {}", TARGETS.map(|(name, _)| name).join(", ")), |it| it.1)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<Target> = OnceLock::new();
    // A text frame that is not UTF-8 ends its WebSocket (RFC 6455, section 8.1), before any of this.
    if let Ok(text) = std::str::from_utf8(data) {
        TARGET.get_or_init(target)(text);
    }
});
