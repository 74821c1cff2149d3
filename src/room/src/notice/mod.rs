//! The notice (promise P7): who processes what, why, on what legal basis, how long and where, told before any
//! media flows. It is made from the configuration and from the facts of this call.

use serde::Serialize;

/// The notice in one language: titled paragraphs in the order in which they are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
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
