//! What guests write to each other: lines of chat, and real-time text (RFC 8865 carries ITU-T T.140 in a data channel).
//!
//! What arrives is cleaned, bounded and passed on; the last lines are kept for the room's screen, for a while and only in
//! memory.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;
use zeroize::Zeroizing;

use crate::meeting::guest::GuestId;

/// The longest line of chat, in characters.
const LONGEST_LINE: usize = 1000;
/// The longest block of real-time text that is looked at, in bytes.
const LONGEST_BLOCK: usize = 4096;
/// Lines a guest may send at once; one more comes back each second.
const LINES: u32 = 8;
/// Characters a guest may type at once, and how many come back each second: RFC 8865 (section 4.1) allows 30 where nothing
/// else was agreed; what is pasted is longer.
const LETTERS: u32 = 600;
const LETTERS_A_SECOND: u32 = 30;
/// Lines that are kept for the screen.
const KEPT: usize = 4;
/// A line stays on the screen for so long.
const STAYS: Duration = Duration::from_secs(90);
/// Of what somebody is typing, so much is kept for the screen.
const TYPED: usize = 240;

/// T.140: takes back the letter before.
const BACKSPACE: char = '\u{8}';
/// T.140: a new line.
const LINE_SEPARATOR: char = '\u{2028}';

/// A line of chat as the page gets it.
#[derive(Serialize)]
pub struct Line<'a> {
    /// Who wrote it.
    pub from: GuestId,
    /// What they call themselves.
    pub name: &'a str,
    /// What.
    pub text: &'a str,
    /// The reader wrote it.
    pub own: bool,
}

/// A line of chat that can be passed on; `None`: there is nothing in it, or it is no text or too long.
pub fn line(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.chars().take(LONGEST_LINE + 1).count() > LONGEST_LINE {
        return None;
    }
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let clean: Zeroizing<String> = Zeroizing::new(text.chars().filter(|l| !turns(*l)).map(plain).collect());
    let trimmed = clean.trim();
    (!trimmed.is_empty()).then(|| Zeroizing::new(trimmed.to_owned()))
}

/// A block of T.140 that can be passed on: letters, backspaces and new lines, and nothing else.
pub fn block(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let text = std::str::from_utf8(bytes.get(..LONGEST_BLOCK.min(bytes.len()))?).ok()?;
    let mut clean = Zeroizing::new(String::with_capacity(text.len()));
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' => {
                if letters.peek() == Some(&'\n') {
                    letters.next();
                }
                clean.push(LINE_SEPARATOR);
            }
            '\n' | LINE_SEPARATOR | '\u{2029}' => clean.push(LINE_SEPARATOR),
            BACKSPACE => clean.push(BACKSPACE),
            letter if letter.is_control() || turns(letter) => {}
            letter => clean.push(letter),
        }
    }
    (!clean.is_empty()).then_some(clean)
}

/// Characters that turn or hide the text behind them.
fn turns(letter: char) -> bool {
    matches!(letter,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}')
}

/// How much somebody may still write.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    lines: Bucket,
    letters: Bucket,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    most: f64,
    a_second: f64,
    at: Instant,
}

impl Bucket {
    fn new(now: Instant, most: u32, a_second: u32) -> Self {
        Bucket { left: most.into(), most: most.into(), a_second: a_second.into(), at: now }
    }

    fn take(&mut self, now: Instant, amount: usize) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.a_second;
        self.left = (self.left + gained).min(self.most);
        self.at = now;
        let amount = amount as f64;
        let enough = self.left >= amount;
        if enough {
            self.left -= amount;
        }
        enough
    }
}

impl Allowance {
    /// A whole one.
    pub fn new(now: Instant) -> Self {
        Allowance { lines: Bucket::new(now, LINES, 1), letters: Bucket::new(now, LETTERS, LETTERS_A_SECOND) }
    }

    /// One line of chat.
    pub fn line(&mut self, now: Instant) -> bool {
        self.lines.take(now, 1)
    }

    /// A block of real-time text.
    pub fn block(&mut self, now: Instant, text: &str) -> bool {
        self.letters.take(now, text.chars().count())
    }
}

/// The newest of what was written, for the room's screen.
#[derive(Default)]
pub struct Written {
    lines: VecDeque<Kept>,
    typed: Vec<(GuestId, Kept)>,
}

struct Kept {
    name: Zeroizing<String>,
    text: Zeroizing<String>,
    at: Instant,
}

impl Written {
    /// Somebody has written a line.
    pub fn line(&mut self, now: Instant, name: &str, text: &str) {
        let kept = Kept { name: Zeroizing::new(name.to_owned()), text: Zeroizing::new(text.to_owned()), at: now };
        self.lines.push_back(kept);
        while self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }

    /// Somebody is typing.
    pub fn block(&mut self, now: Instant, who: GuestId, name: &str, block: &str) {
        let place = self.typed.iter().position(|(known, _)| *known == who);
        let mut kept = match place {
            Some(place) => self.typed.swap_remove(place).1,
            None => Kept {
                name: Zeroizing::new(name.to_owned()),
                text: Zeroizing::new(String::with_capacity(TYPED * 4)),
                at: now,
            },
        };
        kept.at = now;
        for letter in block.chars() {
            match letter {
                BACKSPACE => {
                    // What a person sees as one character, as the pages have it.
                    let last = kept.text.grapheme_indices(true).next_back().map_or(0, |(place, _)| place);
                    kept.text.truncate(last);
                }
                LINE_SEPARATOR => {
                    if !kept.text.trim().is_empty() {
                        let text = std::mem::take(&mut *kept.text);
                        let text = Zeroizing::new(text);
                        self.line(now, name, &text);
                    }
                }
                letter => {
                    if kept.text.chars().count() < TYPED {
                        kept.text.push(letter);
                    }
                }
            }
        }
        if !kept.text.is_empty() {
            self.typed.push((who, kept));
        }
    }

    /// Whoever is gone types no more; what they have typed becomes a line.
    pub fn gone(&mut self, now: Instant, who: GuestId) {
        if let Some(place) = self.typed.iter().position(|(known, _)| *known == who) {
            let (_, kept) = self.typed.swap_remove(place);
            self.line(now, &kept.name, &kept.text);
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now: Instant) {
        self.lines.retain(|kept| now < kept.at + STAYS);
        self.typed.retain(|(_, kept)| now < kept.at + STAYS);
    }

    /// When [`Written::tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        let typed = self.typed.iter().map(|(_, kept)| kept);
        self.lines.iter().chain(typed).map(|kept| kept.at + STAYS).min()
    }

    /// Name and text of the newest, the newest last; what is being typed is newer than all lines.
    pub fn shown(&self) -> Vec<(&str, &str)> {
        let typed = self.typed.iter().map(|(_, kept)| kept);
        let all: Vec<_> = self.lines.iter().chain(typed).map(|kept| (kept.name.as_str(), kept.text.as_str())).collect();
        let older = all.len().saturating_sub(KEPT);
        all.into_iter().skip(older).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_text_and_stays_what_was_written() {
        let written = |text: &str| line(text.as_bytes()).map(|line| line.to_string());
        assert_eq!(
            written("  <b>bold</b>\n& more "),
            Some("<b>bold</b> & more".to_owned()),
            "the page shows it as text"
        );
        assert_eq!(written("a\u{202e}b"), Some("ab".to_owned()));
        for nothing in ["", "  \n", "\u{202e}", &"x".repeat(LONGEST_LINE + 1)] {
            assert_eq!(written(nothing), None, "{nothing:?}");
        }
        assert!(line(&[0xff, 0xfe]).is_none());
    }

    #[test]
    fn a_block_keeps_backspaces_and_new_lines() {
        let typed = |text: &str| block(text.as_bytes()).map(|block| block.to_string());
        assert_eq!(typed("\u{feff}Hi\u{8}!\r\nB\nC\u{7}"), Some("Hi\u{8}!\u{2028}B\u{2028}C".to_owned()));
        assert_eq!(typed("\u{7}\u{feff}"), None);
    }

    #[test]
    fn a_flood_ends_and_a_person_does_not_notice_the_bound() {
        let now = Instant::now();
        let mut allowance = Allowance::new(now);
        let flood = (0..100).filter(|_| allowance.line(now)).count();
        assert_eq!(flood, LINES as usize);
        assert!(!allowance.line(now) && allowance.line(now + Duration::from_secs(1)));
        // Ten letters a second, for a minute.
        assert!((0..600).all(|n| allowance.block(now + Duration::from_millis(n * 100), "x")));
    }

    #[test]
    fn the_screen_shows_the_newest_and_forgets() {
        let (mut written, now) = (Written::default(), Instant::now());
        for n in 0..6 {
            written.line(now, "A", &format!("line {n}"));
        }
        written.block(now, GuestId(2), "B", "He\u{1f469}\u{200d}\u{1f467}\u{8}lo\u{8}lo");
        assert_eq!(written.shown(), [("A", "line 3"), ("A", "line 4"), ("A", "line 5"), ("B", "Hello")]);
        written.block(now, GuestId(2), "B", "\u{2028}next");
        assert_eq!(written.shown().last(), Some(&("B", "next")));
        written.gone(now, GuestId(2));
        assert_eq!(written.shown().last(), Some(&("B", "next")));
        written.tick(written.deadline().unwrap());
        assert!(written.shown().is_empty() && written.deadline().is_none());
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_is_kept_without_bound(blocks in prop::collection::vec((0_u64..4, prop::collection::vec(any::<u8>(), 0..200)), 0..60)) {
            let (mut written, now) = (Written::default(), Instant::now());
            for (who, bytes) in blocks {
                if let Some(block) = block(&bytes) {
                    prop_assert!(block.chars().all(|letter| !letter.is_control() || letter == BACKSPACE));
                    written.block(now, GuestId(who), "N", &block);
                }
                if let Some(line) = line(&bytes) {
                    prop_assert!(!line.chars().any(|letter| letter.is_control() || turns(letter)));
                }
            }
            prop_assert!(written.lines.len() <= KEPT && written.typed.len() <= 4);
            prop_assert!(written.typed.iter().all(|(_, kept)| kept.text.chars().count() <= TYPED));
        }
    }
}
