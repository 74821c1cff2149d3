//! The newest lines of a meeting's chat, while they stand on the screen. They are nowhere else.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;

/// Lines that are shown, and for how long.
pub const LINES: usize = 4;
const STAYS: Duration = Duration::from_secs(30);

/// Lines with who wrote them.
#[derive(Clone, Debug)]
pub struct Chat<Who> {
    lines: Vec<(Instant, Who, Pii<String>)>,
}

impl<Who> Default for Chat<Who> {
    fn default() -> Self {
        Chat { lines: Vec::new() }
    }
}

impl<Who> Chat<Who> {
    /// Somebody has written something.
    pub fn said(&mut self, now: Instant, who: Who, line: Pii<String>) {
        self.lines.push((now, who, line));
        let more = self.lines.len().saturating_sub(LINES);
        self.lines.drain(..more);
    }

    /// Takes away what has stood there long enough.
    pub fn tick(&mut self, now: Instant) {
        self.lines.retain(|(since, ..)| *since + STAYS > now);
    }

    /// When [`Chat::tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.lines.first().map(|(since, ..)| *since + STAYS)
    }

    /// The lines, newest last.
    pub fn iter(&self) -> impl Iterator<Item = (&Who, &Pii<String>)> {
        self.lines.iter().map(|(_, who, line)| (who, line))
    }

    /// All of them are forgotten.
    pub fn clear(&mut self) {
        self.lines.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lines_stand_for_half_a_minute() {
        let mut chat = Chat::default();
        let start = Instant::now();
        for second in 0..6 {
            chat.said(start + Duration::from_secs(second), second, Pii::new(format!("line {second}")));
        }
        assert_eq!(chat.iter().map(|(who, _)| *who).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!(chat.deadline(), Some(start + Duration::from_secs(32)));
        chat.tick(start + Duration::from_secs(33));
        assert_eq!(chat.iter().map(|(who, _)| *who).collect::<Vec<_>>(), [4, 5]);
        chat.clear();
        assert_eq!((chat.iter().count(), chat.deadline()), (0, None));
    }
}
