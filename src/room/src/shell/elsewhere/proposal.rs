//! A link that was given: how long it stands, from whom it is, and why it is declined or gone.

use std::time::{Duration, Instant};

use crate::language::Language;
use crate::meeting::elsewhere::link_error::LinkError;
use crate::opinion::Opinion;

/// A proposal that nobody takes up is forgotten.
pub(super) const PROPOSED: Duration = Duration::from_secs(120);
/// What comes over the network has stood on the screen for so long before a press can mean it.
const READ: Duration = Duration::from_secs(1);

/// A meeting that was proposed.
pub(super) struct Proposal {
    pub opinion: Opinion,
    pub from: Giver,
    /// A press before means something else.
    pub since: Instant,
    pub until: Instant,
}

/// Who gives a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    /// Somebody who looks after the device, or the server of a meeting that was joined.
    Device,
    /// A phone that was paired at the device.
    Phone,
}

/// Why a proposal is gone without having been taken up, for who looks at a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    Forgotten,
    Withdrawn,
    Guests,
}

impl Gone {
    pub fn sentence(self, language: Language) -> &'static str {
        match self {
            Gone::Forgotten => language.pick(
                "Niemand hat den Knopf gedrückt: der Vorschlag ist vergessen.",
                "Nobody has pressed the button: the proposal is forgotten.",
            ),
            Gone::Withdrawn => language.pick("Der Vorschlag ist zurückgenommen.", "The proposal has been withdrawn."),
            Gone::Guests => language.pick(
                "Ein Gast ist an der Tür des Raums: der Vorschlag ist zurückgenommen.",
                "A guest is at the room’s own door: the proposal has been withdrawn.",
            ),
        }
    }
}

/// Why a link is not proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declined {
    /// Guests are in the room's own meeting or at its door, or it is in a meeting elsewhere.
    Busy,
    /// Another link is on the screen.
    Another,
    /// It is no link of a room.
    Link(LinkError),
    /// The operator's rule forbids the server; the text is for the terminal of who asked.
    Rule(String),
}

impl Declined {
    /// For the person who gave the link.
    #[must_use]
    pub fn sentence(&self, language: Language) -> &'static str {
        match self {
            Declined::Busy => language.pick(
                "Im Raum läuft schon eine Besprechung. Beenden Sie sie erst: Knopf zwei Sekunden halten.",
                "A meeting is on in this room already. End it first: hold the button for two seconds.",
            ),
            Declined::Another => language.pick(
                "Auf dem Bildschirm steht schon ein Link. Nehmen Sie ihn erst zurück.",
                "Another link is on the screen already. Withdraw it first.",
            ),
            Declined::Link(error) => error.sentence(language),
            Declined::Rule(_) => language.pick(
                "Nach der Regel des Betreibers darf dieser Raum auf diesem Server nicht beitreten.",
                "By the operator’s rule this room may not join meetings on this server.",
            ),
        }
    }
}

impl Proposal {
    /// A proposal of now.
    pub fn new(now: Instant, opinion: Opinion, from: Giver) -> Self {
        let since = match from {
            Giver::Device => now,
            Giver::Phone => now + READ,
        };
        Proposal { opinion, from, since, until: now + PROPOSED }
    }
}
