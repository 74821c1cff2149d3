//! The notice (promise P7): who processes what, why, on what legal basis, how long and where, told before any
//! media flows. It is made from the configuration and from the facts of this call.
//!
//! It is layered: the first section is the short one, which the page always shows; the others are behind it
//! (Article 29 Working Party, WP 260, paragraph 35).

mod joined;
mod sections;

pub use joined::{JoinedFacts, joined};

use serde::Serialize;

use crate::language::Language;
use crate::status::Contact;

/// The notice in one language: titled paragraphs in the order in which they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Name of the room.
    pub room: String,
    /// Its paragraphs.
    pub sections: Vec<NoticeSection>,
}

/// One paragraph of the notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoticeSection {
    /// What it is about.
    pub title: String,
    /// The text; lines are paragraphs.
    pub text: String,
}

/// Who is responsible (GDPR, Article 4(7)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Its name; may be empty.
    pub name: String,
    /// Its postal address, with line breaks; may be empty.
    pub address: String,
    /// Where questions about privacy go.
    pub privacy_contact: Option<String>,
}

/// What the notice is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeFacts {
    /// Name of the room.
    pub room: String,
    /// Who is responsible, if it has been entered.
    pub operator: Option<Operator>,
    /// What the meetings are for, in the operator's words.
    pub purpose: Option<String>,
    /// The legal basis, in the operator's words.
    pub legal_basis: Option<String>,
    /// The hosts that this device contacts.
    pub contacts: Vec<Contact>,
    /// Browsers can check the certificate of the page.
    pub encryption_checked: bool,
    /// What stands behind the people in the room is hidden on the device before anything is sent.
    pub background_hidden: bool,
    /// The room is reached from its own network only.
    pub local_only: bool,
    /// Sound and picture may pass through the operator's relay.
    pub relay: bool,
    /// Other guests can be in the meeting, who get what a guest sends.
    pub others: bool,
    /// The room's screen shows the last lines that guests write.
    pub chat_on_screen: bool,
}

impl Notice {
    /// Writes the notice.
    #[must_use]
    pub fn of(language: Language, facts: &NoticeFacts) -> Notice {
        Notice {
            room: facts.room.clone(),
            sections: vec![
                sections::short(language, facts),
                sections::responsible(language, facts),
                sections::tool(language),
                sections::data(language, facts),
                sections::purpose(language, facts),
                sections::legal_basis(language, facts),
                sections::retention(language),
                sections::place(language, facts),
                sections::encryption(language, facts),
                sections::rights(language),
            ],
        }
    }
}

/// Where the operator has not entered itself, whom to ask.
fn named(operator: Option<&Operator>) -> Option<&str> {
    operator.map(|operator| operator.name.trim()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
