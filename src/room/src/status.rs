//! What the status page says about this device; facts without personal data.

use serde::Serialize;
use subrosa_messages::guard::GuardState;

/// The device as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Version of the program.
    pub version: &'static str,
    /// Name of the board.
    pub board: String,
    /// What the guard says; `None` while it restarts.
    pub guard: Option<GuardState>,
    /// Media is connected and configured.
    pub media: bool,
    /// The encoder row in use.
    pub encoder: Option<String>,
    /// Guests in the meeting, without the waiting.
    pub guests: usize,
    /// Hosts that this device contacts and why (P5); the configuration's, and nothing else.
    pub contacts: Vec<Contact>,
    /// SHA-256 of the certificate the page is served with, in hexadecimal pairs.
    pub fingerprint: String,
}

/// A host that the device contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Contact {
    /// Host name or address.
    pub host: String,
    /// What for.
    pub purpose: String,
}
