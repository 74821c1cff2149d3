use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that says who a person is or where they are: a name, an address, a link, a line of chat.
///
/// It prints as `‹withheld›` whatever the format string asks for, so that no log line can hold it (promise P9).
/// Reading it takes [`Pii::reveal`], which is easy to search for.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Pii(value)
    }

    /// The value itself, for the place that shows it to a person or sends it to a peer. Never for a log.
    pub fn reveal(&self) -> &T {
        &self.0
    }

    /// The value itself, by value.
    pub fn into_revealed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹withheld›")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹withheld›")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p9_a_wrapped_value_never_prints() {
        let name = Pii::new("Rosa".to_owned());
        assert_eq!(format!("{name} {name:?} {name:#?}"), "‹withheld› ‹withheld› ‹withheld›");
    }
}
