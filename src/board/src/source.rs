//! A board file and the files that it extends, read as one: `extends = "raspberry-pi"` takes everything from
//! `base/raspberry-pi.toml` beside it, tables are put together key by key, and what the nearer file says wins.
//!
//! Each key remembers the file and the line it came from, so that a fault is told where a person can mend it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The folder of what can be extended, beside the board files.
pub const BASES: &str = "base";

/// Where a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
}

/// Why a board cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file cannot be read.
    #[error("the board file {path} cannot be read: give --board one of the names that `subrosa boards` lists")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or one that it extends is not a board file.
    #[error("{}{}: {explanation}", path.display(), line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Which line, where one is at fault.
        line: Option<usize>,
        /// Key, what is wrong, what would be right.
        explanation: String,
    },
    /// The board is known, and known not to work.
    #[error("{title} (board \"{name}\") is not supported: {reason}")]
    Unsupported {
        /// Its name.
        name: String,
        /// What a person calls it.
        title: String,
        /// Why.
        reason: String,
    },
}

/// The text of one file.
struct Text {
    path: PathBuf,
    text: String,
}

/// A board file with all that it extends.
pub(crate) struct Source {
    /// The board file itself first.
    texts: Vec<Text>,
}

impl Source {
    /// Reads a file and whatever it extends.
    pub(crate) fn read(path: &Path) -> Result<Self, BoardError> {
        let mut texts: Vec<Text> = Vec::new();
        let mut next = Some(path.to_owned());
        let bases = path.parent().unwrap_or(Path::new("")).join(BASES);
        while let Some(path) = next {
            let text = fs::read_to_string(&path);
            let text = match (text, texts.last()) {
                (Ok(text), _) => text,
                (Err(source), None) => return Err(BoardError::Read { path, source }),
                (Err(_), Some(by)) => {
                    let place = root(by)?.get("extends").map(|name| line(&by.text, name.span().start));
                    let explanation = format!("extends: there is no {}; see the folder {BASES}/", path.display());
                    return Err(BoardError::Invalid { path: by.path.clone(), line: place, explanation });
                }
            };
            let text = Text { path, text };
            next = match root(&text)?.get("extends") {
                None => None,
                Some(name) => {
                    let invalid = |what: &str| BoardError::Invalid {
                        path: text.path.clone(),
                        line: Some(line(&text.text, name.span().start)),
                        explanation: format!("extends: {what}"),
                    };
                    let base = name.get_ref().as_str().filter(|name| is_name(name));
                    let base =
                        base.ok_or_else(|| invalid("write the name of a file in base/, such as \"raspberry-pi\""))?;
                    let base = bases.join(format!("{base}.toml"));
                    if base == text.path || texts.iter().any(|earlier| earlier.path == base) {
                        return Err(invalid("this file is extended by what it extends; take one of the two out"));
                    }
                    Some(base)
                }
            };
            texts.push(text);
        }
        Ok(Source { texts })
    }

    /// Everything in one table; where two files say the same, the nearer one is heard. Spans count through all files.
    fn merged(&self) -> Result<Spanned<DeTable<'_>>, BoardError> {
        let mut whole = Spanned::new(0..0, DeTable::new());
        let mut end: usize = self.texts.iter().map(|text| text.text.len() + 1).sum();
        for text in self.texts.iter().rev() {
            end -= text.text.len() + 1;
            let mut table = root(text)?;
            table.remove("extends");
            let table = shifted_table(table, end);
            whole = Spanned::new(end..end, merge(whole.into_inner(), table));
        }
        Ok(whole)
    }

    /// As a value of a type. `T` says by `deny_unknown_fields` what may be there.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, BoardError> {
        let whole = self.merged()?;
        T::deserialize(toml::Deserializer::from(whole)).map_err(|error| {
            // What the file lacks as a whole stands in no line of it.
            let place = error.span().filter(|span| *span != (0..0)).and_then(|span| self.place(span.start));
            let (path, line) = match place {
                Some(place) => (place.file, Some(place.line)),
                None => (self.path().to_owned(), None),
            };
            BoardError::Invalid { path, line, explanation: error.message().to_owned() }
        })
    }

    /// Every key with its place, as `camera.switch.line` or `encoders.0.element`.
    pub(crate) fn places(&self) -> Result<Places, BoardError> {
        let mut places = BTreeMap::new();
        let whole = self.merged()?;
        self.note(&mut places, "", whole.get_ref());
        Ok(Places { file: self.path().to_owned(), places })
    }

    fn note(&self, places: &mut BTreeMap<String, Place>, above: &str, table: &DeTable<'_>) {
        for (key, value) in table.iter() {
            let path = if above.is_empty() { key.get_ref().to_string() } else { format!("{above}.{}", key.get_ref()) };
            self.note_value(places, &path, value.get_ref());
            places.extend(self.place(key.span().start).map(|place| (path, place)));
        }
    }

    fn note_value(&self, places: &mut BTreeMap<String, Place>, path: &str, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.note(places, path, table),
            DeValue::Array(array) => {
                for (index, value) in array.iter().enumerate() {
                    let path = format!("{path}.{index}");
                    self.note_value(places, &path, value.get_ref());
                    places.extend(self.place(value.span().start).map(|place| (path, place)));
                }
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => {}
        }
    }

    /// The board file itself.
    pub(crate) fn path(&self) -> &Path {
        self.texts.first().map_or(Path::new(""), |text| &text.path)
    }

    fn place(&self, mut at: usize) -> Option<Place> {
        for text in &self.texts {
            if at <= text.text.len() {
                return Some(Place { file: text.path.clone(), line: line(&text.text, at) });
            }
            at -= text.text.len() + 1;
        }
        None
    }
}

/// Where each key of a board stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    file: PathBuf,
    places: BTreeMap<String, Place>,
}

impl Places {
    /// The place of a key such as `camera.switch.bias`; of what holds it, where it is not written out.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<&Place> {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return Some(place);
            }
            key = key.rsplit_once('.')?.0;
        }
    }

    /// The board file itself.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// An error about this key.
    #[must_use]
    pub fn invalid(&self, key: &str, explanation: String) -> BoardError {
        let place = self.of(key);
        BoardError::Invalid {
            path: place.map_or(&self.file, |place| &place.file).clone(),
            line: place.map(|place| place.line),
            explanation,
        }
    }
}

/// Whether this can be the name of a board or base file.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.chars().all(plain)
}

fn root(text: &Text) -> Result<DeTable<'_>, BoardError> {
    DeTable::parse(&text.text).map(Spanned::into_inner).map_err(|error| BoardError::Invalid {
        path: text.path.clone(),
        line: error.span().map(|span| line(&text.text, span.start)),
        explanation: error.message().to_owned(),
    })
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

fn merge<'t>(mut under: DeTable<'t>, over: DeTable<'t>) -> DeTable<'t> {
    for (key, value) in over {
        let below = under.remove_entry(key.get_ref().as_ref()).map(|(_, below)| below.into_inner());
        let span = value.span();
        let value = match (below, value.into_inner()) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => DeValue::Table(merge(below, above)),
            (_, value) => value,
        };
        under.insert(key, Spanned::new(span, value));
    }
    under
}

fn shifted<T>(span: Range<usize>, by: usize, value: T) -> Spanned<T> {
    Spanned::new(span.start + by..span.end + by, value)
}

fn shifted_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter().map(|(key, value)| {
        let span = key.span();
        (shifted(span, by, key.into_inner()), shifted_value(value, by))
    });
    entries.collect()
}

fn shifted_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = value.span();
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(shifted_table(table, by)),
        DeValue::Array(array) => DeValue::Array(array.into_iter().map(|value| shifted_value(value, by)).collect()),
        value @ (DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)) => value,
    };
    shifted(span, by, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files; the first is the board.
    fn read(files: &[(&str, &str)]) -> Result<Source, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BASES)).unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Source::read(&folder.path().join(files[0].0)).map_err(|error| error.to_string())
    }

    fn table(source: &Source) -> toml::Table {
        source.parse().unwrap()
    }

    #[test]
    fn a_key_that_is_given_wins_and_tables_are_put_together() {
        let source = read(&[
            ("a.toml", "extends = \"b\"\nx = 1\n[t]\nnear = 1\n[t.deep]\none = 1\n"),
            ("base/b.toml", "extends = \"c\"\nx = 2\ny = 2\nlist = [1, 2]\n[t]\nnear = 2\nfar = 2\n"),
            ("base/c.toml", "y = 3\nz = 3\nlist = [3]\n[t.deep]\none = 3\ntwo = 3\n"),
        ])
        .unwrap();
        let expected = "x = 1\ny = 2\nz = 3\nlist = [1, 2]\n[t]\nnear = 1\nfar = 2\n[t.deep]\none = 1\ntwo = 3\n";
        assert_eq!(table(&source), toml::from_str(expected).unwrap());
        let places = source.places().unwrap();
        let place = |key: &str| {
            let place = places.of(key).unwrap();
            (place.file.file_name().unwrap().to_str().unwrap().to_owned(), place.line)
        };
        assert_eq!(place("x"), ("a.toml".to_owned(), 2));
        assert_eq!(place("list.1"), ("b.toml".to_owned(), 4));
        assert_eq!(place("t.deep.two"), ("c.toml".to_owned(), 6));
        assert_eq!(place("t.deep.missing"), ("a.toml".to_owned(), 5), "what is not written out is where its table is");
        assert!(places.of("nothing").is_none());
    }

    #[test]
    fn faults_are_told_with_the_file_and_line_that_are_at_fault() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(dead_code, reason = "only its form counts")]
        struct Form {
            a: Option<u32>,
            b: Option<u32>,
        }
        let error = |near: &str, far: &str| {
            read(&[("near.toml", near), ("base/far.toml", far)])
                .and_then(|source| source.parse::<Form>().map_err(|error| error.to_string()))
                .unwrap_err()
        };
        for (near, far, parts) in [
            ("extends = \"far\"\na = 1", "\nb = \"x\"", ["base/far.toml, line 2", "expected u32", ""]),
            ("a = \"x\"\nextends = \"far\"", "b = 1", ["near.toml, line 1", "expected u32", ""]),
            ("extends = \"far\"", "\n\nc = 1", ["base/far.toml, line 3", "unknown field", "`b`"]),
            ("extends = \"far\"", "a = ", ["base/far.toml, line 1", "", ""]),
            ("\nextends = \"gone\"", "", ["near.toml, line 2", "base/gone.toml", "base/"]),
            ("extends = \"../far\"", "", ["near.toml, line 1", "name of a file in base/", ""]),
            ("extends = 7", "", ["near.toml, line 1", "name of a file in base/", ""]),
            ("extends = \"far\"", "b = 1\nextends = \"far\"", ["base/far.toml, line 2", "extended by", "take one"]),
        ] {
            let error = error(near, far);
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
        let circle =
            [("a.toml", "extends = \"b\""), ("base/b.toml", "extends = \"c\""), ("base/c.toml", "\nextends = \"b\"")];
        let error = read(&circle).err().unwrap();
        assert!(error.contains("base/c.toml, line 2") && error.contains("extended by"), "{error}");
    }
}
