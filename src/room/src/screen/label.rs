//! Texts from outside made fit for one place on the screen: names that guests chose, links, room names.

use super::fonts::{Fonts, Weight};

/// How many combining marks may stand on one letter. Vietnamese needs two, pointed Hebrew three; towers of marks
/// would cover the lines above.
const MARKS: usize = 3;

/// A name as it can be shown: one line, without characters that turn the direction of what follows, that cannot be
/// seen, or that pile up on each other.
#[must_use]
pub fn printable(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let (mut marks, mut space) = (0, false);
    for character in name.chars() {
        if character.is_whitespace() || matches!(character, '\u{2028}' | '\u{2029}') {
            space = true;
            continue;
        }
        if character.is_control() || is_invisible(character) {
            continue;
        }
        if is_mark(character) {
            marks += 1;
            if marks > MARKS {
                continue;
            }
        } else {
            marks = 0;
        }
        if space && !out.is_empty() {
            out.push(' ');
        }
        space = false;
        out.push(character);
    }
    out
}

/// Format characters of Unicode without a picture of their own: direction marks, overrides and isolates, joiners that
/// join nothing, tags, variation selectors beyond the first sixteen.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// A mark that stands on the letter before it, of the blocks that hold nothing else.
fn is_mark(character: char) -> bool {
    matches!(character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// The text, or as much of its beginning as fits with an ellipsis; and its width. Widths are in em.
#[must_use]
pub fn shortened(fonts: &Fonts, text: &str, weight: Weight, width: f32) -> (String, f32) {
    let whole = fonts.width(text, weight);
    if whole <= width {
        return (text.to_owned(), whole);
    }
    let characters: Vec<char> = text.chars().collect();
    let cut = |length: usize| {
        let mut kept: String = characters.iter().take(length).collect();
        // Not between a letter and its marks, and no space before the ellipsis.
        while kept.ends_with(|last: char| last.is_whitespace() || is_mark(last) || last == '\u{200d}') {
            kept.pop();
        }
        kept.push('…');
        kept
    };
    let (mut fits, mut too_long) = (0, characters.len());
    while fits + 1 < too_long {
        let middle = usize::midpoint(fits, too_long);
        if fonts.width(&cut(middle), weight) <= width {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    let text = cut(fits);
    let measured = fonts.width(&text, weight);
    (text, measured)
}

/// The host, or as much of its end as fits after an ellipsis; and its width, in em. The end of a host says whose it is;
/// its beginning can be anything.
#[must_use]
pub fn shortened_host(fonts: &Fonts, host: &str, weight: Weight, width: f32) -> (String, f32) {
    let whole = fonts.width(host, weight);
    if whole <= width {
        return (host.to_owned(), whole);
    }
    let count = host.chars().count();
    let cut = |left_out: usize| format!("…{}", host.chars().skip(left_out).collect::<String>());
    let (mut too_long, mut fits) = (0, count);
    while too_long + 1 < fits {
        let middle = usize::midpoint(too_long, fits);
        if fonts.width(&cut(middle), weight) <= width {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    let text = cut(fits);
    let measured = fonts.width(&text, weight);
    (text, measured)
}

/// Where a line may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    /// At spaces.
    Words,
    /// After the parts of a link: scheme, labels of the host, port, path.
    Link,
}

/// The text in lines no wider than `width` (em), at most `most` of them; the last one is shortened if there is more.
/// Each line comes with its width, and `true` if anything was left out.
#[must_use]
pub fn wrapped(
    fonts: &Fonts,
    text: &str,
    weight: Weight,
    width: f32,
    most: usize,
    breaks: Breaks,
) -> (Vec<(String, f32)>, bool) {
    if let Some((first, rest)) = text.split_once('\n') {
        let (mut lines, mut left_out) = wrapped(fonts, first, weight, width, most, breaks);
        if lines.len() < most {
            let (more, cut) = wrapped(fonts, rest, weight, width, most - lines.len(), breaks);
            lines.extend(more);
            left_out |= cut;
        } else {
            left_out = true;
        }
        return (lines, left_out);
    }
    let whole = fonts.width(text, weight);
    if whole <= width {
        return (vec![(text.to_owned(), whole)], false);
    }
    // A link that does not fit is easiest to type when its scheme has a line of its own and the rest is in one piece.
    if breaks == Breaks::Link
        && most > 1
        && let Some((scheme, rest)) = text.split_once("://")
        && fonts.width(rest, weight) <= width
    {
        let scheme = format!("{scheme}://");
        let scheme_width = fonts.width(&scheme, weight);
        return (vec![(scheme, scheme_width), (rest.to_owned(), fonts.width(rest, weight))], false);
    }
    let parts = parts(text, breaks);
    let mut lines: Vec<(String, f32)> = Vec::new();
    let mut rest = parts.iter().peekable();
    while let Some(first) = rest.next() {
        if lines.len() + 1 == most.max(1) {
            // The last line takes all that is left.
            let tail: String = std::iter::once(first).chain(rest).map(String::as_str).collect();
            let (line, line_width) = shortened(fonts, tail.trim_end(), weight, width);
            let left_out = line != tail.trim_end();
            lines.push((line, line_width));
            return (lines, left_out);
        }
        let (mut line, mut line_width) = (first.clone(), fonts.width(first.trim_end(), weight));
        if line_width > width {
            // One word that does not fit: as many characters as do, the others on the next lines.
            let (mut left_out, mut at) = (false, line.trim_end().to_owned());
            while !at.is_empty() {
                if lines.len() + 1 == most.max(1) {
                    let tail: String = std::iter::once(at.clone() + " ").chain(rest.by_ref().cloned()).collect();
                    let (line, line_width) = shortened(fonts, tail.trim_end(), weight, width);
                    left_out |= line != tail.trim_end();
                    lines.push((line, line_width));
                    return (lines, left_out);
                }
                let (head, head_width) = longest_head(fonts, &at, weight, width);
                at = at.chars().skip(head.chars().count()).collect();
                lines.push((head, head_width));
            }
            continue;
        }
        while let Some(next) = rest.peek() {
            let longer = format!("{line}{next}");
            let longer_width = fonts.width(longer.trim_end(), weight);
            if longer_width > width {
                break;
            }
            (line, line_width) = (longer, longer_width);
            rest.next();
        }
        lines.push((line.trim_end().to_owned(), line_width));
    }
    (lines, false)
}

fn longest_head(fonts: &Fonts, text: &str, weight: Weight, width: f32) -> (String, f32) {
    let characters: Vec<char> = text.chars().collect();
    let (mut fits, mut too_long) = (1, characters.len() + 1);
    while fits + 1 < too_long {
        let middle = usize::midpoint(fits, too_long);
        let head: String = characters.iter().take(middle).collect();
        if fonts.width(&head, weight) <= width {
            fits = middle;
        } else {
            too_long = middle;
        }
    }
    let head: String = characters.iter().take(fits).collect();
    let measured = fonts.width(&head, weight);
    (head, measured)
}

fn parts(text: &str, breaks: Breaks) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if let Some(last) = parts.last_mut() {
            last.push(character);
        }
        let ends = match breaks {
            Breaks::Words => character == ' ',
            Breaks::Link => {
                matches!(character, '/' | '.' | ':' | '-') && !matches!(characters.peek(), Some('/' | ':') | None)
            }
        };
        if ends {
            parts.push(String::new());
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// A PIN in groups that can be read out: threes where that comes out even, else fours, the first one shorter.
#[must_use]
pub fn pin_groups(pin: &str) -> Vec<String> {
    let digits: Vec<char> = pin.chars().filter(|character| !character.is_whitespace()).collect();
    groups(&digits, if digits.len().is_multiple_of(3) { 3 } else { 4 })
}

/// A fingerprint in groups of four hexadecimal digits, capitals.
#[must_use]
pub fn fingerprint_groups(fingerprint: &str) -> Vec<String> {
    let digits: Vec<char> =
        fingerprint.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_uppercase()).collect();
    groups(&digits, 4)
}

fn groups(characters: &[char], size: usize) -> Vec<String> {
    characters.rchunks(size).rev().map(|group| group.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_cannot_turn_or_hide_or_cover_what_stands_beside_it() {
        for (name, shown) in [
            ("Guest A", "Guest A"),
            ("  Guest \t\n A ", "Guest A"),
            ("Guest \u{202e}A\u{202c}", "Guest A"),
            ("\u{2066}Guest\u{2069}\u{200f} A\u{feff}\u{200b}", "Guest A"),
            ("a\u{301}\u{301}\u{301}\u{301}\u{301}b", "a\u{301}\u{301}\u{301}b"),
            ("\u{7}\u{1b}[31mGuest", "[31mGuest"),
            ("Zoë Ångström", "Zoë Ångström"),
            ("\u{202e}\u{200b}", ""),
        ] {
            assert_eq!(printable(name), shown, "{name:?}");
        }
    }

    #[test]
    fn pins_and_fingerprints_come_in_groups() {
        for (pin, groups) in
            [("482917", "482 917"), ("4829", "4829"), ("48291733", "4829 1733"), ("4829173", "482 9173"), ("", "")]
        {
            assert_eq!(pin_groups(pin).join(" "), groups);
        }
        assert_eq!(fingerprint_groups("ab:cd:ef:01:23:45").join(" "), "ABCD EF01 2345");
    }

    #[test]
    fn links_break_after_their_parts_only() {
        assert_eq!(parts("https://192.0.2.7:8443/", Breaks::Link), ["https://", "192.", "0.", "2.", "7:", "8443/"]);
        assert_eq!(parts("https://[2001:db8::1]:8443/", Breaks::Link), ["https://", "[2001:", "db8::", "1]:", "8443/"]);
        assert_eq!(parts("a b c", Breaks::Words), ["a ", "b ", "c"]);
    }

    #[test]
    fn a_link_that_is_too_long_gives_its_scheme_a_line() {
        let fonts = Fonts::load().unwrap();
        let lines = |text, width, most| {
            let (lines, left_out) = wrapped(&fonts, text, Weight::Regular, width, most, Breaks::Link);
            (lines.into_iter().map(|(line, _)| line).collect::<Vec<_>>(), left_out)
        };
        let text = "https://192.0.2.7:8443/";
        assert_eq!(lines(text, 40.0, 2), (vec![text.to_owned()], false));
        assert_eq!(lines(text, 10.0, 2), (vec!["https://".to_owned(), "192.0.2.7:8443/".to_owned()], false));
        assert_eq!(lines("https://[2001:db8:1:2:3:4:5:6]:8443/", 8.0, 3).0.len(), 3);
    }

    #[test]
    fn a_host_that_is_too_long_keeps_its_end_which_says_whose_it_is() {
        let fonts = Fonts::load().unwrap();
        let host = format!("meet.example.org.{}.example.net", "a".repeat(80));
        for width in [12.0_f32, 20.0, 30.0] {
            let (shown, measured) = shortened_host(&fonts, &host, Weight::Bold, width);
            assert!(measured <= width && shown.starts_with('…') && shown.ends_with("example.net"), "{shown}");
        }
        assert_eq!(shortened_host(&fonts, "meet.example.org", Weight::Bold, 20.0).0, "meet.example.org");
    }

    #[test]
    fn a_line_break_is_a_line_break() {
        let fonts = Fonts::load().unwrap();
        let (lines, left_out) = wrapped(&fonts, "one\ntwo three", Weight::Regular, 40.0, 2, Breaks::Words);
        assert_eq!(lines.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(), ["one", "two three"]);
        assert!(!left_out);
        assert!(wrapped(&fonts, "one\ntwo", Weight::Regular, 40.0, 1, Breaks::Words).1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn nothing_is_wider_than_its_place(text in "[ -~äöüß…א-ת]{0,60}", width in 3.0_f32..12.0, most in 1_usize..4) {
            let fonts = Fonts::load().unwrap();
            let name = printable(&text);
            let (short, measured) = shortened(&fonts, &name, Weight::SemiBold, width);
            prop_assert!(measured <= width, "{short:?} {measured}");
            for breaks in [Breaks::Words, Breaks::Link] {
                let (lines, left_out) = wrapped(&fonts, &name, Weight::Regular, width, most, breaks);
                prop_assert!(lines.len() <= most);
                for (line, measured) in &lines {
                    prop_assert!(*measured <= width, "{line:?} {measured}");
                }
                let kept: String = lines.iter().flat_map(|(line, _)| line.chars()).filter(|c| !c.is_whitespace()).collect();
                let all: String = name.chars().filter(|c| !c.is_whitespace()).collect();
                prop_assert!(left_out || kept == all, "{kept:?} {all:?}");
            }
        }
    }
}
