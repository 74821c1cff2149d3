//! A token from the endpoint that the operator of this room has named (`tokens` in the server's profile): what is asked, and what comes of
//! the answers. Pure; requests are made elsewhere.
//!
//! ```text
//!   due ──► asked ──► given ──► the server takes the token no longer ──► due, later each time
//!    ▲        │
//!    └────────┘ a fault that may pass, where a token was given before
//! ```
//!
//! The form is the one that LiveKit's own clients have for endpoints (`TokenSourceRequest` and `TokenSourceResponse` of its protocol): a `POST`
//! of `room_name` and `participant_name`, answered with `participant_token` and `server_url`. Nothing else of the device is said. The
//! link names the server: `server_url` is not followed, and a token that is meant for another host is not used.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use subrosa_messages::Pii;
use url::Url;

use super::token;
use crate::meeting::elsewhere::event::{Reply, Request};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::server_address::ServerAddress;
use crate::outbound::OutboundError;
use crate::servers::Tokens;

/// Bytes of an answer that are read.
const LONGEST: usize = 64 << 10;
/// A token is no longer than this, in bytes: it goes into a header.
const LONGEST_TOKEN: usize = 8192;
/// How often one request may be sent on.
const REDIRECTIONS: usize = 3;
/// Between attempts at another token: this, doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// So many attempts, and it is over.
const ATTEMPTS: u32 = 5;
/// A token that was good for so long was a good one: attempts are counted from the beginning.
const LASTED: Duration = Duration::from_secs(600);

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it is asked.
    pub tokens: Tokens,
    /// The room, as the link names it.
    pub room: Pii<String>,
    /// How this room is called there.
    pub name: Pii<String>,
    /// The server's host, as the link names it.
    pub host: Pii<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make this request; its answer bears this number.
    Ask(u64, Request),
    /// Wait until [`Errand::deadline`].
    Wait,
    /// Join with this token.
    Given(Pii<String>),
    /// There is none.
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It is asked then.
    Due(Instant),
    Asked,
    /// A token was given, or none ever will be.
    Rests,
}

/// The machine: one request at a time.
#[derive(Clone, Debug)]
pub struct Errand {
    settings: Settings,
    stage: Stage,
    /// The number of the newest request.
    question: u64,
    /// Where that went.
    url: Pii<Url>,
    redirections: usize,
    attempts: u32,
    /// When the last token came.
    given: Option<Instant>,
}

impl Errand {
    /// The first [`Errand::tick`] asks.
    #[must_use]
    pub fn new(now: Instant, settings: Settings) -> Self {
        let url = settings.tokens.url.clone();
        Errand { settings, stage: Stage::Due(now), question: 0, url, redirections: 0, attempts: 0, given: None }
    }

    /// When [`Errand::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        match self.stage {
            Stage::Due(at) => Some(at),
            Stage::Asked | Stage::Rests => None,
        }
    }

    /// Asks, where that is due.
    pub fn tick(&mut self, now: Instant) -> Option<Step> {
        if self.deadline().is_none_or(|due| now < due) {
            return None;
        }
        self.url = self.settings.tokens.url.clone();
        self.redirections = 0;
        Some(self.ask())
    }

    /// What the answer to a request leads to. One to an older request leads nowhere.
    pub fn answered(&mut self, now: Instant, number: u64, reply: Result<Reply, OutboundError>) -> Option<Step> {
        if self.stage != Stage::Asked || number != self.question {
            return None;
        }
        let step = match reply {
            Ok(Reply { status: 301 | 302 | 307 | 308, location, .. }) => self.redirected(location.as_ref()),
            Ok(reply) => self.read(&reply).map(Step::Given),
            Err(error) => Err(unasked(error)),
        };
        Some(match step {
            Ok(step) => {
                if let Step::Given(_) = step {
                    (self.stage, self.given) = (Stage::Rests, Some(now));
                }
                step
            }
            // People wait for the first one: they read what is wrong at once, and press again. A meeting that was is worth more patience.
            Err(Failure::TokenUnavailable) if self.given.is_some() => self.later(now, Failure::TokenUnavailable),
            Err(failure) => self.fail(failure),
        })
    }

    /// The server takes the token no longer that was given: another one is asked for.
    pub fn again(&mut self, now: Instant) -> Step {
        if self.given.is_some_and(|given| given + LASTED <= now) {
            self.attempts = 0;
        }
        self.later(now, Failure::TokenWrong)
    }

    fn later(&mut self, now: Instant, failure: Failure) -> Step {
        if self.attempts >= ATTEMPTS {
            return self.fail(failure);
        }
        self.stage = Stage::Due(now + FIRST_WAIT.saturating_mul(1 << self.attempts.min(ATTEMPTS)));
        self.attempts += 1;
        Step::Wait
    }

    fn fail(&mut self, failure: Failure) -> Step {
        self.stage = Stage::Rests;
        Step::Failed(failure)
    }

    fn ask(&mut self) -> Step {
        self.stage = Stage::Asked;
        self.question += 1;
        let body = json!({
            "room_name": self.settings.room.reveal(),
            "participant_name": self.settings.name.reveal(),
        });
        let secret = self.settings.tokens.secret.as_ref();
        let request = Request {
            url: self.url.clone(),
            body: Some(Pii::new(body.to_string())),
            authorization: secret.map(|secret| Pii::new(format!("Bearer {}", secret.reveal()))),
            most: LONGEST,
        };
        Step::Ask(self.question, request)
    }

    /// Only to the same host, which is the one that people were told of and that the secret is for.
    fn redirected(&mut self, location: Option<&Pii<String>>) -> Result<Step, Failure> {
        let asked = self.url.reveal();
        let next = location.and_then(|location| asked.join(location.reveal()).ok());
        let next = next.filter(|_| self.redirections < REDIRECTIONS).ok_or(Failure::TokenWrong)?;
        if next.scheme() != "https" {
            return Err(Failure::Unencrypted);
        }
        if ServerAddress::of(&next) != ServerAddress::of(asked) {
            return Err(Failure::TokenWrong);
        }
        self.redirections += 1;
        self.url = Pii::new(next);
        Ok(self.ask())
    }

    fn read(&self, reply: &Reply) -> Result<Pii<String>, Failure> {
        match reply.status {
            200..=299 => {}
            401 | 403 => return Err(Failure::TokenDenied),
            408 | 429 | 500..=599 => return Err(Failure::TokenUnavailable),
            _ => return Err(Failure::TokenWrong),
        }
        let body = Some(reply.body.reveal()).filter(|body| body.len() <= LONGEST).ok_or(Failure::TokenWrong)?;
        let answer: Answer = serde_json::from_str(body).map_err(|_| Failure::TokenWrong)?;
        let token = answer.participant_token.or(answer.token_in_camel_case).unwrap_or_default();
        let fits = token.len() <= LONGEST_TOKEN && token.chars().all(|letter| letter.is_ascii_graphic());
        if !fits || token::room(&token).is_none() {
            return Err(Failure::TokenWrong);
        }
        let server = answer.server_url.or(answer.url_in_camel_case).filter(|url| !url.trim().is_empty());
        if let Some(server) = server {
            let url = Url::parse(server.trim()).map_err(|_| Failure::TokenWrong)?;
            let address = ServerAddress::of(&url).ok_or(Failure::TokenWrong)?;
            if !address.host().reveal().eq_ignore_ascii_case(self.settings.host.reveal()) {
                return Err(Failure::TokenForAnother);
            }
        }
        Ok(Pii::new(token))
    }
}

/// What is understood of an answer, in both forms that JSON of Protocol Buffers may have. What else there is is not for this room.
#[derive(Deserialize)]
struct Answer {
    participant_token: Option<String>,
    #[serde(rename = "participantToken")]
    token_in_camel_case: Option<String>,
    server_url: Option<String>,
    #[serde(rename = "serverUrl")]
    url_in_camel_case: Option<String>,
}

/// Why there is no answer.
fn unasked(error: OutboundError) -> Failure {
    match error {
        OutboundError::NotDeclared | OutboundError::Unencrypted | OutboundError::Certificate => Failure::from(error),
        OutboundError::TooLarge => Failure::TokenWrong,
        OutboundError::NoAddress
        | OutboundError::NoConnection
        | OutboundError::Late
        | OutboundError::Tls
        | OutboundError::Refused(_)
        | OutboundError::Speech
        | OutboundError::Stalled => Failure::TokenUnavailable,
    }
}

#[cfg(test)]
mod tests;
