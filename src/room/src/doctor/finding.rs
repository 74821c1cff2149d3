//! One thing that was looked at: how it is, what that means, what to do about it; in both languages.

use std::fmt;

use serde::Serialize;

use crate::language::Language;

/// What is looked at. The names are those of `--json`, and stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The board file fits and was measured.
    Board,
    /// Every switch and button can be read.
    Lines,
    /// The lamps can be lit and read back.
    Lamps,
    /// Switches and buttons say what the hand does.
    Polarity,
    /// What a guard that dies leaves behind.
    GuardDeath,
    /// Guard, media and room run.
    Processes,
    /// How far the units are shut in.
    Hardening,
    /// Users and groups.
    Users,
    /// Owner and mode of capture nodes.
    Nodes,
    /// Encoders of the board.
    Encoders,
    /// Memory for encoders and cameras.
    Memory,
    /// The camera in use.
    Camera,
    /// The microphone in use.
    Microphone,
    /// Sound devices are there.
    Sound,
    /// The way from the speaker to the microphone.
    Echo,
    /// From the switch to the closed device, from the permit to the lamp.
    Lag,
    /// The clock.
    Clock,
    /// The certificate of the page.
    Certificate,
    /// Free space.
    Space,
    /// The hardware's watchdog.
    Watchdog,
    /// Nothing is left by a crash.
    CoreDumps,
    /// Nothing of memory gets on a disk.
    Swap,
    /// Whether guests can reach the page.
    Network,
    /// The network that the device makes itself.
    Island,
}

/// How it is. Ordered by how much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// It could not be looked at.
    NotChecked,
    /// Not as it should be.
    Wrong,
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Both {
    german: String,
    english: String,
}

/// A sentence in both languages: the German one first, as in every table of texts here.
pub fn both(german: impl Into<String>, english: impl Into<String>) -> Both {
    Both { german: german.into(), english: english.into() }
}

impl Both {
    /// In one of them.
    #[must_use]
    pub fn text(&self, language: Language) -> &str {
        language.pick(&self.german, &self.english)
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub check: Check,
    /// How it is.
    pub verdict: Verdict,
    /// The same in words.
    pub what: Both,
    /// What to do about it; nothing where it is well.
    pub todo: Option<Both>,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(check: Check, what: Both) -> Self {
        Finding { check, verdict: Verdict::Ok, what, todo: None }
    }

    /// Worth knowing.
    #[must_use]
    pub fn note(check: Check, what: Both, todo: Both) -> Self {
        Finding { check, verdict: Verdict::Note, what, todo: Some(todo) }
    }

    /// Could not be looked at.
    #[must_use]
    pub fn not_checked(check: Check, what: Both, todo: Both) -> Self {
        Finding { check, verdict: Verdict::NotChecked, what, todo: Some(todo) }
    }

    /// Not as it should be.
    #[must_use]
    pub fn wrong(check: Check, what: Both, todo: Both) -> Self {
        Finding { check, verdict: Verdict::Wrong, what, todo: Some(todo) }
    }
}

impl Verdict {
    /// The word in front of a line, always seven letters wide.
    #[must_use]
    pub fn word(self, language: Language) -> &'static str {
        match self {
            Verdict::Ok => language.pick("gut    ", "ok     "),
            Verdict::Note => language.pick("Hinweis", "note   "),
            Verdict::NotChecked => language.pick("unklar ", "unknown"),
            Verdict::Wrong => language.pick("FALSCH ", "WRONG  "),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Check::Board => "board",
            Check::Lines => "lines",
            Check::Lamps => "lamps",
            Check::Polarity => "polarity",
            Check::GuardDeath => "guard-death",
            Check::Processes => "processes",
            Check::Hardening => "hardening",
            Check::Users => "users",
            Check::Nodes => "nodes",
            Check::Encoders => "encoders",
            Check::Memory => "memory",
            Check::Camera => "camera",
            Check::Microphone => "microphone",
            Check::Sound => "sound",
            Check::Echo => "echo",
            Check::Lag => "lag",
            Check::Clock => "clock",
            Check::Certificate => "certificate",
            Check::Space => "space",
            Check::Watchdog => "watchdog",
            Check::CoreDumps => "core-dumps",
            Check::Swap => "swap",
            Check::Network => "network",
            Check::Island => "island",
        })
    }
}

/// Test words: what a judge found, without its sentences.
#[cfg(test)]
pub fn verdicts(findings: &[Finding]) -> Vec<(Check, Verdict)> {
    findings.iter().map(|finding| (finding.check, finding.verdict)).collect()
}
