//! IQs that were sent and are not answered yet (RFC 6120, section 8.2.3).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use minidom::Element;

use super::element::condition;

/// How long an answer may take (as in lib-jitsi-meet).
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Questions that may be open; more come from no meeting.
const MOST: usize = 256;

/// What an IQ is for: the one who asked knows it again by this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question(pub u64);

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoResult {
    /// The other side said no; the condition of RFC 6120, section 8.3.3, or one of the application's.
    Refused(String),
    /// No answer in [`PATIENCE`].
    TimedOut,
    /// The session that it was asked in is gone.
    SessionLost,
    /// Too many questions are open already.
    TooMany,
}

#[derive(Clone, Debug)]
struct Open {
    to: Option<String>,
    until: Instant,
    question: Question,
}

/// The open questions.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    last: u64,
    open: BTreeMap<String, Open>,
}

impl Asked {
    /// A new question to `to` (`None`: our own server). The id for its IQ; `None` when too many are open.
    pub fn ask(&mut self, now: Instant, to: Option<&str>, question: Question) -> Option<String> {
        if self.open.len() >= MOST {
            return None;
        }
        self.last += 1;
        let id = format!("q{}", self.last);
        self.open.insert(id.clone(), Open { to: to.map(str::to_owned), until: now + PATIENCE, question });
        Some(id)
    }

    /// The question that this IQ of type `result` or `error` answers. `None`: it answers none, or comes from somebody who
    /// was not asked.
    pub fn answered(&mut self, iq: &Element, server: &str) -> Option<(Question, Result<(), NoResult>)> {
        let id = iq.attr("id")?;
        let open = self.open.get(id)?;
        let from = iq.attr("from");
        let fits = match (open.to.as_deref(), from) {
            (Some(to), Some(from)) => to == from,
            (Some(to), None) => to == server,
            (None, from) => from.is_none_or(|from| from == server),
        };
        if !fits {
            return None;
        }
        let question = open.question;
        let result = match iq.attr("type") {
            Some("result") => Ok(()),
            Some("error") => Err(NoResult::Refused(condition(iq).chars().take(64).collect())),
            _ => return None,
        };
        self.open.remove(id);
        Some((question, result))
    }

    /// Those that nobody answers any more.
    pub fn overdue(&mut self, now: Instant) -> Vec<Question> {
        let late: Vec<String> =
            self.open.iter().filter(|(_, open)| open.until <= now).map(|(id, _)| id.clone()).collect();
        late.iter().filter_map(|id| self.open.remove(id)).map(|open| open.question).collect()
    }

    /// All of them: the session is gone.
    pub fn take_all(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.open).into_values().map(|open| open.question).collect()
    }
}
