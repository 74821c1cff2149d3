//! The words of a JavaScript text (ECMA-262, section 12), as far as plain values need them.

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// A name or a keyword.
    Name(String),
    /// A string.
    Text(String),
    /// A number.
    Number(f64),
    /// One character of punctuation.
    Mark(char),
    /// Two bars, or two question marks: the second value stands in where the first is nothing.
    Or,
    /// Something that cannot be a plain value: a template, a broken string.
    Other,
}

/// A word and whether it is the first of its line.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// The word.
    pub token: Token,
    /// A line break stands in front of it.
    pub first: bool,
}

/// The words of a text without its comments. Never fails: what is no word is [`Token::Other`] or left out.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = text;
    let mut first = true;
    while let Some(letter) = rest.chars().next() {
        let (token, after) = match letter {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' => {
                first = true;
                (None, rest.get(letter.len_utf8()..))
            }
            _ if letter.is_whitespace() || letter == '\u{feff}' => (None, rest.get(letter.len_utf8()..)),
            '/' if rest.starts_with("//") => (None, line_end(rest)),
            '/' if rest.starts_with("/*") => (None, rest.split_once("*/").map(|(_, after)| after)),
            // Server-side includes that nobody has carried out; in JavaScript too a comment up to the line's end.
            '<' if rest.starts_with("<!--") => (None, line_end(rest)),
            '"' | '\'' => {
                let (token, after) = string(rest, letter);
                (Some(token), Some(after))
            }
            '`' => (Some(Token::Other), rest.get(1..).and_then(|rest| rest.split_once('`')).map(|(_, after)| after)),
            '0'..='9' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
                let (number, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(number.parse().map_or(Token::Other, Token::Number)), Some(after))
            }
            _ if letter.is_alphabetic() || letter == '_' || letter == '$' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(Token::Name(name.to_owned())), Some(after))
            }
            '|' | '?' if rest.starts_with("||") || rest.starts_with("??") => (Some(Token::Or), rest.get(2..)),
            _ => (Some(Token::Mark(letter)), rest.get(letter.len_utf8()..)),
        };
        if let Some(token) = token {
            words.push(Word { token, first });
            first = false;
        }
        rest = after.unwrap_or("");
    }
    words
}

fn line_end(text: &str) -> Option<&str> {
    text.find(['\n', '\r']).and_then(|end| text.get(end..))
}

/// A string that starts with this quotation mark, and what follows it.
fn string(text: &str, mark: char) -> (Token, &str) {
    let mut out = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            _ if letter == mark => return (Token::Text(out), text.get(at + 1..).unwrap_or("")),
            '\n' | '\r' => return (Token::Other, text.get(at..).unwrap_or("")),
            '\\' => match letters.next().map(|(_, letter)| letter) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('\n') => {}
                Some('x') => out.extend(escape(&mut letters, 2)),
                Some('u') => out.extend(escape(&mut letters, 4)),
                Some(other) => out.push(other),
                None => break,
            },
            _ => out.push(letter),
        }
    }
    (Token::Other, "")
}

/// The character of an escape with so many hexadecimal digits; nothing where they are not.
fn escape(letters: &mut impl Iterator<Item = (usize, char)>, digits: usize) -> Option<char> {
    let text: String = letters.take(digits).map(|(_, letter)| letter).collect();
    char::from_u32(u32::from_str_radix(&text, 16).ok()?)
}
