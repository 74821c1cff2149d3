//! What a guest may be called: it stands on the room's screen, where no name may pretend to be something else.

/// The longest name, in characters.
const LONGEST: usize = 64;

/// Whether a name can be shown: 1 to 64 characters, at least one of them visible, no control or direction
/// characters. Joiners stay allowed, names are written with them.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = (1..=LONGEST).contains(&name.chars().count());
    fits && !name.chars().any(is_forbidden) && name.chars().any(is_visible)
}

fn is_forbidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{200e}' | '\u{200f}' | '\u{061c}' // direction marks
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // embeddings, overrides, isolates
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
            | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{feff}' // shaping and annotation controls
            | '\u{e0000}'..='\u{e007f}') // tags
}

fn is_visible(letter: char) -> bool {
    !letter.is_whitespace()
        && !matches!(letter,
            '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{00ad}' | '\u{034f}' | '\u{115f}' | '\u{1160}'
            | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_are_names() {
        let long = "x".repeat(64);
        for name in ["Guest A", "Änne Öz", "李", "نام\u{200c}ها", "👩\u{200d}🔬", "a", long.as_str()] {
            assert!(is_name(name), "{name:?}");
        }
    }

    #[test]
    fn what_hides_or_turns_text_is_none() {
        let long = "x".repeat(65);
        for name in
            ["", " ", "\u{3164}", "\u{200b}\u{200d}", "a\nb", "a\0", "a\u{202e}b", "\u{2066}a", "a\u{2028}b", &long]
        {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
