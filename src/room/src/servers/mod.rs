//! Servers of others that this room may join: what the operator has on record about each (`[[servers]]`), and what
//! follows from it. Without it nobody could say, before a meeting, who processes what is said in it (P7).

mod judgement;

pub use judgement::{Judgement, Reason};

use std::path::PathBuf;

use subrosa_messages::Pii;
use time::Date;
use url::Url;

/// What the operator has on record about a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its host, as links name it: in ASCII (IDNA), lower case, without a port.
    pub host: String,
    /// Who runs it.
    pub operator: String,
    /// The postal address of that, with line breaks.
    pub address: Option<String>,
    /// The room's operator runs it itself; no contract is needed.
    pub own: bool,
    /// Where the processor contract is filed (GDPR, Article 28(3)).
    pub contract: Option<String>,
    /// The last day of the contract; `None`: it does not end by itself.
    pub contract_until: Option<Date>,
    /// How long the server keeps what, in the operator's words.
    pub retention: Option<String>,
    /// Where the server's own privacy notice is.
    pub privacy: Option<String>,
    /// What happens when the server records.
    pub recording: Recording,
    /// Where this room gets a token for a room on it (LiveKit), if a link has none.
    pub tokens: Option<Tokens>,
}

/// The operator's own endpoint for tokens. Its address may hold a secret, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// `https`, without a user.
    pub url: Pii<Url>,
    /// What lets this room ask there (RFC 6750), in characters that a header may have.
    pub secret: Option<Pii<String>>,
}

/// What the room does when the server begins to record or to write down what is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// It leaves.
    #[default]
    Leave,
    /// It says so on the screen and stays.
    Tell,
}

/// What is made of a server that is not on record, or whose contract has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// It is joined.
    Allow,
    /// It is joined after people in the room have read that it is not on record.
    #[default]
    Warn,
    /// It is not joined.
    Refuse,
}

/// All that is on record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    /// One profile for each host.
    pub profiles: Vec<Server>,
    /// What is made of all others.
    pub unknown: Policy,
    /// The operator's own certificate authorities (PEM), trusted beside the system's.
    pub authority: Option<PathBuf>,
}

impl Servers {
    /// What is on record about a host.
    #[must_use]
    pub fn profile(&self, host: &str) -> Option<&Server> {
        let host = host.trim_end_matches('.');
        self.profiles.iter().find(|server| server.host.eq_ignore_ascii_case(host))
    }

    /// Where this room gets tokens for rooms on this host.
    #[must_use]
    pub fn tokens(&self, host: &str) -> Option<&Tokens> {
        self.profile(host).and_then(|server| server.tokens.as_ref())
    }
}

#[cfg(test)]
mod tests;
