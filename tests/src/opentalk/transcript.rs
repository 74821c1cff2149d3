//! What was said, for `tests/recordings/opentalk/`: one frame a line, with tokens made useless.

use std::fs;

use serde_json::{Value, json};

use crate::stage::tree;

/// Which way a frame went, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It came.
    In,
    /// It was sent.
    Out,
}

/// What one client heard and said.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    lines: Vec<Value>,
}

impl Transcript {
    /// Writes down a frame.
    pub fn add(&mut self, direction: Direction, text: &str) {
        let mut frame = serde_json::from_str(text).unwrap_or(Value::Null);
        blank(&mut frame);
        let dir = if direction == Direction::In { "in" } else { "out" };
        self.lines.push(json!({ "dir": dir, "frame": frame }));
    }

    /// Writes down what a person in the room does: the name of the act.
    pub fn act(&mut self, act: &str) {
        self.lines.push(json!({ "dir": "act", "act": act }));
    }

    /// Keeps it as a recording, where `SUBROSA_RECORD` is set.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn keep(&self, name: &str) {
        if std::env::var_os("SUBROSA_RECORD").is_none() {
            return;
        }
        let text: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        let file = tree().join("tests/recordings/opentalk").join(format!("{name}.jsonl"));
        fs::write(file, text).expect("a recording");
    }
}

/// Tokens are signed: without their last part they open nothing.
fn blank(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(token) if key == "token" => {
                        let end = token.rfind('.').unwrap_or(0);
                        token.truncate(end);
                        token.push_str(".signature");
                    }
                    value => blank(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(blank),
        _ => {}
    }
}
