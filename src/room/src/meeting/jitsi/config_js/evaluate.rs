//! From words to values. Time and memory are bounded by the length of the text: nothing is ever read twice but by
//! the search for one key, objects are never copied, and texts that are put together have a longest length.

use std::collections::BTreeMap;

use super::token::{Token, Word, words};

/// The longest text that is looked at, in bytes. Real files have 10 to 80 kB.
pub const LONGEST: usize = 512 * 1024;

/// The longest text that is put together, in bytes.
const LONGEST_TEXT: usize = 2048;

/// How deep objects, lists and brackets may be nested, and how long a path of keys may be.
const DEEPEST: usize = 32;

/// A value of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Something that is not a plain value, or is not known.
    Unknown,
    /// `null`, `undefined`.
    Nothing,
    /// `true`, `false`.
    Switch(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// An object.
    Object(BTreeMap<String, Value>),
}

impl Value {
    fn truthy(&self) -> Option<bool> {
        match self {
            Value::Unknown => None,
            Value::Nothing => Some(false),
            Value::Switch(on) => Some(*on),
            Value::Number(number) => Some(*number != 0.0 && !number.is_nan()),
            Value::Text(text) => Some(!text.is_empty()),
            Value::List(_) | Value::Object(_) => Some(true),
        }
    }

    /// What stands at a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| match value {
            Value::Object(keys) => keys.get(*key),
            Value::Unknown | Value::Nothing | Value::Switch(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
                None
            }
        })
    }
}

/// An evaluated file.
#[derive(Clone, Debug)]
pub struct Evaluation {
    words: Vec<Word>,
    /// Variables of the file; `config` is one of them.
    scope: Value,
}

/// Evaluates a text; `host` is what `window.location.host` is.
pub fn evaluate(text: &str, host: &str) -> Evaluation {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let words = words(text.get(..end).unwrap_or(""));
    let hostname = host.rsplit_once(':').filter(|(_, port)| port.chars().all(|digit| digit.is_ascii_digit()));
    let hostname = hostname.map_or(host, |(name, _)| name);
    let text = |text: &str| Value::Text(text.to_owned());
    let location = object([("host", text(host)), ("hostname", text(hostname)), ("protocol", text("https:"))]);
    let window = object([("location", location.clone())]);
    // What a server would have filled in by server-side includes.
    let scope = object([
        ("window", window),
        ("location", location),
        ("subdomain", text("")),
        ("subdir", text("")),
        ("config", object([])),
    ]);
    let mut reader = Reader { words: &words, at: 0, scope };
    reader.statements();
    let scope = reader.scope;
    Evaluation { words, scope }
}

impl Evaluation {
    /// The value of a key of `config`.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        self.scope.at(&["config"])?.at(path).filter(|value| **value != Value::Unknown)
    }

    /// The first plain text that is given to a key of this name anywhere: for files that cannot be read in order.
    pub fn anywhere(&self, key: &str) -> Option<String> {
        // Of what is given only so many words are looked at: a hostile file costs no more than a long one.
        const LOOKED_AT: usize = 16;
        for at in 0..self.words.len() {
            let named = match self.words.get(at).map(|word| &word.token) {
                Some(Token::Name(name) | Token::Text(name)) => name == key,
                Some(Token::Number(_) | Token::Mark(_) | Token::Or | Token::Other) | None => false,
            };
            let given = matches!(self.words.get(at + 1).map(|word| &word.token), Some(Token::Mark(':' | '=')));
            if named && given {
                let end = self.words.len().min(at + 2 + LOOKED_AT);
                let words = self.words.get(at + 2..end).unwrap_or(&[]);
                let mut reader = Reader { words, at: 0, scope: Value::Nothing };
                if let Value::Text(text) = reader.value(0) {
                    return Some(text);
                }
            }
        }
        None
    }
}

fn object<const N: usize>(keys: [(&str, Value); N]) -> Value {
    Value::Object(keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

struct Reader<'a> {
    words: &'a [Word],
    at: usize,
    scope: Value,
}

impl Reader<'_> {
    fn token(&self) -> Option<&Token> {
        self.words.get(self.at).map(|word| &word.token)
    }

    fn mark(&self, mark: char) -> bool {
        self.token() == Some(&Token::Mark(mark))
    }

    fn take(&mut self, mark: char) -> bool {
        let there = self.mark(mark);
        self.at += usize::from(there);
        there
    }

    fn name(&self) -> Option<&str> {
        match self.token() {
            Some(Token::Name(name)) => Some(name),
            Some(Token::Text(_) | Token::Number(_) | Token::Mark(_) | Token::Or | Token::Other) | None => None,
        }
    }

    fn statements(&mut self) {
        while self.at < self.words.len() {
            let before = self.at;
            self.statement();
            // A mark that nothing belongs to.
            self.at = self.at.max(before + 1);
        }
    }

    fn statement(&mut self) {
        match self.name() {
            Some("var" | "let" | "const") => {
                self.at += 1;
                self.declarations();
            }
            Some("if" | "while" | "for" | "with" | "switch") => self.block(),
            Some("function" | "class" | "return" | "throw" | "try" | "else" | "do") => self.skip_statement(),
            Some(_) => self.assignment(),
            None => self.skip_statement(),
        }
    }

    /// `if (…) statement`: whether it would be carried out is not known, so it is not.
    fn block(&mut self) {
        self.at += 1;
        if self.mark('(') {
            self.brackets();
        }
        if self.mark('{') {
            self.brackets();
            self.take(';');
        } else {
            self.skip_statement();
        }
    }

    fn declarations(&mut self) {
        while let Some(name) = self.name().map(str::to_owned) {
            self.at += 1;
            if self.take('=') {
                let value = self.expression(0, true);
                let value = if name == "subdomain" || name == "subdir" { included(&name, value) } else { value };
                self.store(&[name], value);
            }
            if !self.take(',') {
                break;
            }
        }
        self.end_statement();
    }

    fn assignment(&mut self) {
        let path = self.path();
        let plain = self.mark('=') && self.words.get(self.at + 1).map(|word| &word.token) != Some(&Token::Mark('='));
        match path {
            Some(path) if plain => {
                self.at += 1;
                let from = self.at;
                let again = self.path();
                self.at = from;
                let value = self.expression(0, true);
                // `config.hosts = config.hosts || {}` keeps what is there.
                let there = matches!(self.found(&path), Some(Value::Object(_) | Value::List(_)));
                let kept = there && again.as_ref() == Some(&path);
                if !kept {
                    self.store(&path, value);
                }
                self.end_statement();
            }
            Some(_) | None => self.skip_statement(),
        }
    }

    /// `name.key["key"]`; `None` where it is something else, such as a call.
    fn path(&mut self) -> Option<Vec<String>> {
        let mut path = vec![self.name()?.to_owned()];
        self.at += 1;
        loop {
            if self.take('.') {
                path.push(self.name()?.to_owned());
                self.at += 1;
            } else if self.mark('[') {
                let Some(Token::Text(key)) = self.words.get(self.at + 1).map(|word| &word.token) else { return None };
                path.push(key.clone());
                self.at += 2;
                if !self.take(']') {
                    return None;
                }
            } else {
                break;
            }
        }
        (!self.mark('(') && path.len() <= DEEPEST).then_some(path)
    }

    fn found(&self, path: &[String]) -> Option<&Value> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        self.scope.at(&path)
    }

    fn store(&mut self, path: &[String], value: Value) {
        let path = match path {
            [first, rest @ ..] if first == "window" && !rest.is_empty() => rest,
            path => path,
        };
        let Some((last, before)) = path.split_last() else { return };
        let mut place = &mut self.scope;
        for key in before {
            let Value::Object(keys) = place else { return };
            place = keys.entry(key.clone()).or_insert_with(|| object([]));
        }
        if let Value::Object(keys) = place {
            keys.insert(last.clone(), value);
        }
    }

    /// An expression up to the end of its statement, list or object.
    fn expression(&mut self, depth: usize, statement: bool) -> Value {
        let value = self.value(depth);
        if self.ends(statement) {
            return value;
        }
        self.skip(statement);
        Value::Unknown
    }

    fn ends(&self, statement: bool) -> bool {
        match self.words.get(self.at) {
            None => true,
            Some(Word { token: Token::Mark(',' | '}' | ']' | ')' | ';'), .. }) => true,
            // A line may end a statement without a semicolon, unless the next one goes on with it.
            Some(Word { token: Token::Mark(_) | Token::Or, .. }) => false,
            Some(word) => statement && word.first,
        }
    }

    /// Values put together by `+` and `||`.
    fn value(&mut self, depth: usize) -> Value {
        let mut value = self.sum(depth);
        while self.token() == Some(&Token::Or) {
            self.at += 1;
            let other = self.sum(depth);
            value = match value.truthy() {
                Some(true) => value,
                Some(false) => other,
                None => Value::Unknown,
            };
        }
        value
    }

    fn sum(&mut self, depth: usize) -> Value {
        let mut value = self.single(depth);
        while self.mark('+') {
            self.at += 1;
            let other = self.single(depth);
            value = sum(value, other);
        }
        value
    }

    fn single(&mut self, depth: usize) -> Value {
        let Some(token) = self.token().cloned() else { return Value::Unknown };
        match token {
            Token::Text(text) => {
                self.at += 1;
                Value::Text(included_text(text))
            }
            Token::Number(number) => {
                self.at += 1;
                Value::Number(number)
            }
            Token::Mark('-') => {
                self.at += 1;
                match self.token() {
                    Some(Token::Number(number)) => {
                        let number = -*number;
                        self.at += 1;
                        Value::Number(number)
                    }
                    Some(_) | None => Value::Unknown,
                }
            }
            Token::Mark('!') => {
                self.at += 1;
                if depth >= DEEPEST {
                    return Value::Unknown;
                }
                let value = self.single(depth + 1);
                value.truthy().map_or(Value::Unknown, |on| Value::Switch(!on))
            }
            Token::Mark(open @ ('{' | '[' | '(')) => {
                if depth >= DEEPEST {
                    self.brackets();
                    return Value::Unknown;
                }
                self.at += 1;
                match open {
                    '{' => self.object(depth + 1),
                    '[' => self.list(depth + 1),
                    _ => {
                        let value = self.expression(depth + 1, false);
                        if self.take(')') {
                            return value;
                        }
                        while self.take(',') {
                            self.expression(depth + 1, false);
                        }
                        self.take(')');
                        Value::Unknown
                    }
                }
            }
            Token::Name(name) => match name.as_str() {
                "true" | "false" => {
                    self.at += 1;
                    Value::Switch(name == "true")
                }
                "null" | "undefined" => {
                    self.at += 1;
                    Value::Nothing
                }
                _ => {
                    let path = self.path();
                    match path.as_deref().and_then(|path| self.found(path)) {
                        Some(value @ (Value::Nothing | Value::Switch(_) | Value::Number(_) | Value::Text(_))) => {
                            value.clone()
                        }
                        // Objects are not copied: files could grow without bound.
                        Some(Value::Unknown | Value::List(_) | Value::Object(_)) | None => Value::Unknown,
                    }
                }
            },
            Token::Mark(_) | Token::Or | Token::Other => Value::Unknown,
        }
    }

    fn object(&mut self, depth: usize) -> Value {
        let mut keys = BTreeMap::new();
        while !self.take('}') && self.at < self.words.len() {
            let key = match self.token() {
                Some(Token::Name(key) | Token::Text(key)) => Some(key.clone()),
                Some(Token::Number(key)) => Some(key.to_string()),
                Some(Token::Mark(_) | Token::Or | Token::Other) | None => None,
            };
            let colon = self.words.get(self.at + 1).map(|word| &word.token) == Some(&Token::Mark(':'));
            match key {
                Some(key) if colon => {
                    self.at += 2;
                    let value = self.expression(depth, false);
                    keys.insert(key, value);
                }
                // A method, a spread, a short form.
                Some(_) | None => self.skip(false),
            }
            if !self.take(',') && !self.mark('}') {
                // A bracket that closes nothing here: this object is over.
                break;
            }
        }
        Value::Object(keys)
    }

    fn list(&mut self, depth: usize) -> Value {
        let mut list = Vec::new();
        while !self.take(']') && self.at < self.words.len() {
            list.push(self.expression(depth, false));
            if !self.take(',') && !self.mark(']') {
                break;
            }
        }
        Value::List(list)
    }

    /// Goes past a bracket and all that is in it.
    fn brackets(&mut self) {
        let mut open = 0_usize;
        while let Some(token) = self.token() {
            match token {
                Token::Mark('(' | '[' | '{') => open += 1,
                Token::Mark(')' | ']' | '}') => open = open.saturating_sub(1),
                Token::Mark(_) | Token::Name(_) | Token::Text(_) | Token::Number(_) | Token::Or | Token::Other => {}
            }
            self.at += 1;
            if open == 0 {
                break;
            }
        }
    }

    /// Goes on to where an expression ends.
    fn skip(&mut self, statement: bool) {
        let mut begun = false;
        while let Some(word) = self.words.get(self.at) {
            match &word.token {
                Token::Mark(';') => break,
                Token::Mark(',' | '}' | ']' | ')') => break,
                _ if statement && begun && word.first && !matches!(word.token, Token::Mark(_) | Token::Or) => break,
                Token::Mark('(' | '[' | '{') => self.brackets(),
                Token::Mark(_) | Token::Name(_) | Token::Text(_) | Token::Number(_) | Token::Or | Token::Other => {
                    self.at += 1;
                }
            }
            begun = true;
        }
    }

    fn skip_statement(&mut self) {
        self.skip(true);
        self.end_statement();
    }

    fn end_statement(&mut self) {
        if !self.take(';') {
            self.take(',');
        }
    }
}

/// Adds as JavaScript does, where at least one is a text or both are numbers.
fn sum(left: Value, right: Value) -> Value {
    let plain = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Switch(on) => Some(on.to_string()),
        Value::Unknown | Value::Nothing | Value::List(_) | Value::Object(_) => None,
    };
    match (&left, &right) {
        (Value::Number(left), Value::Number(right)) => Value::Number(left + right),
        (Value::Text(_), other) | (other, Value::Text(_)) if plain(other).is_some() => {
            match (plain(&left), plain(&right)) {
                (Some(left), Some(right)) if left.len() + right.len() <= LONGEST_TEXT => Value::Text(left + &right),
                (Some(_) | None, Some(_) | None) => Value::Unknown,
            }
        }
        (_, _) => Value::Unknown,
    }
}

/// A server-side include that nobody has carried out means an empty text.
fn included_text(text: String) -> String {
    let mut text = text;
    while let Some((before, rest)) = text.split_once("<!--") {
        text = match rest.split_once("-->") {
            Some((_, after)) => format!("{before}{after}"),
            None => before.to_owned(),
        };
    }
    text
}

/// What files make of `subdomain` before they use it: no full stop at its end, none inside, lower case, one behind.
fn included(name: &str, value: Value) -> Value {
    match value {
        Value::Text(text) if name == "subdomain" && !text.is_empty() => {
            let inner = text.strip_suffix('.').unwrap_or(&text).replace('.', "_").to_lowercase();
            Value::Text(format!("{inner}."))
        }
        value => value,
    }
}
