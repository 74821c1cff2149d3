//! One table of the file: takes the keys it knows, and remembers what was wrong.

use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Wrong;

/// Everything wrong so far, and every key that is known, for *did you mean*.
#[derive(Debug, Default)]
pub struct Findings<'a> {
    source: &'a str,
    wrong: Vec<Wrong>,
    known: Vec<(&'static str, &'static str)>,
    unknown: Vec<(&'static str, String, usize)>,
}

impl<'a> Findings<'a> {
    /// Nothing found yet in this text.
    pub fn of(source: &'a str) -> Self {
        Findings { source, ..Findings::default() }
    }

    /// Notes a fault at a place in the text.
    pub fn note(&mut self, span: Range<usize>, key: String, wrong: String, right: String) {
        let line = self.line(span.start);
        self.wrong.push(Wrong { line, key, wrong, right });
    }

    /// Every key asked for so far, with its section.
    #[cfg(test)]
    pub fn known(&self) -> &[(&'static str, &'static str)] {
        &self.known
    }

    /// All faults in the order of their lines; empty when the file is right.
    pub fn finish(mut self) -> Vec<Wrong> {
        for (section, key, line) in std::mem::take(&mut self.unknown) {
            let right = self.meant(section, &key);
            self.wrong.push(Wrong { line, key: path(section, &key), wrong: "there is no such key".to_owned(), right });
        }
        self.wrong.sort_by_key(|fault| fault.line);
        self.wrong
    }

    fn line(&self, offset: usize) -> usize {
        self.source.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }

    fn meant(&self, section: &str, key: &str) -> String {
        let alike = |known: &str| strsim::damerau_levenshtein(known, &key.to_lowercase());
        let here = self.known.iter().filter(|(place, _)| *place == section);
        let nearest = here.clone().map(|(_, known)| (alike(known), *known)).min();
        if let Some((distance, known)) = nearest
            && distance <= 1 + known.len() / 4
        {
            return format!("did you mean `{known}`?");
        }
        if let Some((place, known)) = self.known.iter().find(|(_, known)| *known == key) {
            return if place.is_empty() {
                format!("`{known}` stands above the first section")
            } else {
                format!("`{known}` belongs to [{place}]")
            };
        }
        let keys: Vec<&str> = here.map(|(_, known)| *known).collect();
        format!("here are known: {}", keys.join(", "))
    }
}

fn path(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// A table of the file, or its absence.
pub struct Section<'a, 'f> {
    name: &'static str,
    table: Option<&'a DeTable<'a>>,
    findings: &'f mut Findings<'a>,
    taken: Vec<&'static str>,
}

impl<'a, 'f> Section<'a, 'f> {
    /// The top of the file.
    pub fn top(table: &'a DeTable<'a>, findings: &'f mut Findings<'a>) -> Self {
        Section { name: "", table: Some(table), findings, taken: Vec::new() }
    }

    /// A table below the one that `parent` is; what it holds if it is there.
    pub fn table(&mut self, key: &'static str) -> Option<&'a DeTable<'a>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                let wrong = format!("{} is not a section", shown(other));
                let heading = path(self.name, key);
                self.wrong(value.span(), key, wrong, format!("write [{heading}] on a line of its own"));
                None
            }
        }
    }

    /// The tables of a list below the top, each with its place in the text.
    pub fn tables(&mut self, key: &'static str) -> Vec<(usize, &'a DeTable<'a>)> {
        self.taken.push(key);
        let Some(value) = self.table.and_then(|table| table.get(key)) else { return Vec::new() };
        let right = format!("write [[{key}]] on a line of its own in front of each");
        let Some(list) = value.get_ref().as_array() else {
            let wrong = format!("{} is not a list of sections", shown(value.get_ref()));
            self.wrong(value.span(), key, wrong, right);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for entry in list.iter() {
            match entry.get_ref().as_table() {
                Some(table) => tables.push((entry.span().start, table)),
                None => {
                    let wrong = format!("{} is not a section", shown(entry.get_ref()));
                    self.wrong(entry.span(), key, wrong, right.clone());
                }
            }
        }
        tables
    }

    /// Reads a table that [`Section::table`] has found.
    pub fn below(name: &'static str, table: Option<&'a DeTable<'a>>, findings: &'f mut Findings<'a>) -> Self {
        Section { name, table, findings, taken: Vec::new() }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.taken.push(key);
        self.findings.known.push((self.name, key));
        self.table?.get(key)
    }

    fn wrong(&mut self, span: Range<usize>, key: &str, wrong: String, right: String) {
        self.findings.note(span, path(self.name, key), wrong, right);
    }

    /// Takes `key` if it is there and `read` understands it; `right` says what would be understood.
    pub fn take<T>(&mut self, key: &'static str, slot: &mut T, right: &str, read: impl Fn(&DeValue) -> Option<T>) {
        let Some(value) = self.value(key) else { return };
        match read(value.get_ref()) {
            Some(read) => *slot = read,
            None => self.wrong(value.span(), key, format!("{} cannot be used", shown(value.get_ref())), right.into()),
        }
    }

    /// A line of text that may not be empty.
    pub fn text(&mut self, key: &'static str, slot: &mut String, longest: usize) {
        self.take(key, slot, &format!("write a text of 1 to {longest} characters in quotes"), |value| {
            let text = value.as_str()?.trim();
            let plain = !text.chars().any(char::is_control);
            (plain && (1..=longest).contains(&text.chars().count())).then(|| text.to_owned())
        });
    }

    /// Text that may have several lines; empty means that it is not set.
    pub fn lines(&mut self, key: &'static str, slot: &mut Option<String>, longest: usize) {
        self.take(key, slot, &format!("write a text of at most {longest} characters in quotes"), |value| {
            let text = value.as_str()?.trim();
            let plain = !text.chars().any(|letter| letter.is_control() && letter != '\n');
            (plain && text.chars().count() <= longest).then(|| (!text.is_empty()).then(|| text.to_owned()))
        });
    }

    /// As [`Section::take`], but what stands there is in no message: it lets somebody in.
    pub fn secret<T>(&mut self, key: &'static str, slot: &mut T, right: &str, read: impl Fn(&DeValue) -> Option<T>) {
        let Some(value) = self.value(key) else { return };
        match read(value.get_ref()) {
            Some(read) => *slot = read,
            None => self.wrong(value.span(), key, "what stands there cannot be used".to_owned(), right.into()),
        }
    }

    /// A whole number.
    pub fn number<N>(&mut self, key: &'static str, slot: &mut N, range: RangeInclusive<i64>)
    where
        N: TryFrom<i64>,
    {
        let right = format!("write a whole number from {} to {}", range.start(), range.end());
        self.take(key, slot, &right, |value| {
            let number = integer(value)?;
            if range.contains(&number) { N::try_from(number).ok() } else { None }
        });
    }

    /// Yes or no.
    pub fn switch(&mut self, key: &'static str, slot: &mut bool) {
        self.take(key, slot, "write true or false", |value| value.as_bool());
    }

    /// One of some words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, slot: &mut T, words: &[(&str, T)]) {
        let list: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        self.take(key, slot, &format!("write {}", list.join(" or ")), |value| {
            let word = value.as_str()?;
            words.iter().find(|(known, _)| *known == word).map(|(_, meant)| *meant)
        });
    }

    /// Notes that a key is there without the one that belongs to it.
    pub fn lacks(&mut self, span: Range<usize>, missing: &str, present: &str) {
        let wrong = format!("`{present}` is set and `{missing}` is not");
        self.wrong(span, missing, wrong, format!("set both, or set both to \"\": `{missing}` is a PEM file"));
    }

    /// Notes that a key is not there although another one asks for it.
    pub fn misses(&mut self, span: Range<usize>, missing: &str, wrong: &str, right: &str) {
        self.wrong(span, missing, wrong.to_owned(), right.to_owned());
    }

    /// Ends the section: what nobody has taken is unknown.
    pub fn end(self) {
        for key in self.table.into_iter().flat_map(DeTable::keys) {
            let name: &str = key.get_ref();
            if !self.taken.contains(&name) {
                let line = self.findings.line(key.span().start);
                self.findings.unknown.push((self.name, name.to_owned(), line));
            }
        }
    }
}

/// A whole number of the file.
pub fn integer(value: &DeValue) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A value as it may stand in a message: long ones are cut, a table is named only.
fn shown(value: &DeValue) -> String {
    match value {
        DeValue::String(text) if text.chars().count() > 40 => {
            format!("\"{}…\"", text.chars().take(40).collect::<String>())
        }
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(_) => "this list".to_owned(),
        DeValue::Table(_) => "a section".to_owned(),
    }
}
