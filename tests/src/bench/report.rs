//! Lines of a report: what was measured, the goal, the reference.

use std::time::Duration;

use serde_json::{Map, Value, json};
use subrosa_tests::mute::percentile;

/// The report of a run.
pub struct Report {
    json: bool,
    lines: Vec<Line>,
    notes: Vec<String>,
}

/// What the design wants of a figure.
#[derive(Clone, Copy)]
pub enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

struct Line {
    key: String,
    value: f64,
    unit: &'static str,
    goal: Option<Goal>,
    /// Lowest and highest of several rounds.
    range: Option<(f64, f64)>,
    /// Name of the reference and the ratio to it.
    ratio: Option<(&'static str, f64)>,
}

impl Report {
    pub fn start(json: bool) -> Self {
        Report { json, lines: Vec::new(), notes: Vec::new() }
    }

    /// Says on standard error what is being measured, since it takes minutes.
    pub fn doing(&self, what: &str) {
        eprintln!("… {what}");
    }

    /// Says a condition under which the figures hold.
    pub fn note(&mut self, words: &str) {
        self.notes.push(words.to_owned());
    }

    /// A figure of this name was added before.
    pub fn has(&self, key: &str) -> bool {
        self.lines.iter().any(|line| line.key == key)
    }

    pub fn add(&mut self, key: &str, value: f64, unit: &'static str, goal: Option<f64>) {
        self.add_goal(key, value, unit, goal.map(Goal::AtMost));
    }

    pub fn add_goal(&mut self, key: &str, value: f64, unit: &'static str, goal: Option<Goal>) {
        self.push(Line { key: key.to_owned(), value, unit, goal, range: None, ratio: None });
    }

    pub fn add_range(&mut self, key: &str, value: f64, unit: &'static str, range: Option<(f64, f64)>) {
        self.push(Line { key: key.to_owned(), value, unit, goal: None, range, ratio: None });
    }

    pub fn add_against(&mut self, key: &str, value: f64, unit: &'static str, reference: &'static str) {
        let base = self.lines.iter().find(|line| line.key == reference).map_or(f64::NAN, |line| line.value);
        let ratio = Some((reference, value / base));
        self.push(Line { key: key.to_owned(), value, unit, goal: None, range: None, ratio });
    }

    /// Says it on standard error at once, too: who ends a long run early has what was measured until then.
    fn push(&mut self, line: Line) {
        eprintln!("  {}", line.text(0));
        self.lines.push(line);
    }

    /// Median and 99th percentile of times.
    pub fn add_times(&mut self, key: &str, times: &[Duration], goal: Option<f64>) {
        if times.is_empty() {
            return;
        }
        let milliseconds = |part: f64| percentile(times, part).as_secs_f64() * 1000.0;
        self.add(&format!("{key}, p50"), milliseconds(0.5), "ms", None);
        let high = if times.len() >= 100 { ("p99", 0.99) } else { ("worst", 1.0) };
        self.add(&format!("{key}, {}", high.0), milliseconds(high.1), "ms", goal);
    }

    pub fn print(&self) {
        if self.json {
            let lines: Vec<Value> = self.lines.iter().map(Line::json).collect();
            println!("{:#}", json!({"machine": machine(), "notes": self.notes, "measured": lines}));
            return;
        }
        println!("{}", machine());
        for note in &self.notes {
            println!("{note}");
        }
        println!();
        let width = self.lines.iter().map(|line| line.key.chars().count()).max().unwrap_or(0);
        for line in &self.lines {
            println!("{}", line.text(width));
        }
    }
}

impl Line {
    fn text(&self, width: usize) -> String {
        let unit = self.unit;
        let goal = self.goal.map_or_else(String::new, |goal| match goal {
            Goal::AtMost(goal) => format!("   goal ≤ {goal:.0} {unit}"),
            Goal::AtLeast(goal) => format!("   goal ≥ {goal:.0} {unit}"),
        });
        let range = self.range.map_or_else(String::new, |(low, high)| format!("   [{low:.1} to {high:.1}]"));
        let ratio = self.ratio.map_or_else(String::new, |(name, ratio)| format!("   {ratio:.2} × {name}"));
        let digits = if self.value.abs() < 10.0 { 2 } else { 1 };
        format!("{:width$}  {:>9.digits$} {unit}{range}{goal}{ratio}", self.key, self.value)
    }

    fn json(&self) -> Value {
        let mut map = Map::new();
        map.insert("what".into(), self.key.clone().into());
        map.insert("value".into(), ((self.value * 100.0).round() / 100.0).into());
        map.insert("unit".into(), self.unit.into());
        if let Some(goal) = self.goal {
            let (name, goal) = match goal {
                Goal::AtMost(goal) => ("goal", goal),
                Goal::AtLeast(goal) => ("goal_at_least", goal),
            };
            map.insert(name.into(), goal.into());
        }
        if let Some((low, high)) = self.range {
            map.insert("lowest".into(), ((low * 100.0).round() / 100.0).into());
            map.insert("highest".into(), ((high * 100.0).round() / 100.0).into());
        }
        if let Some((name, ratio)) = self.ratio {
            map.insert("reference".into(), name.into());
            map.insert("ratio".into(), ((ratio * 100.0).round() / 100.0).into());
        }
        Value::Object(map)
    }
}

/// The machine in a line, without its name.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("a processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib: u64 = memory.lines().next().and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0);
    gstreamer::init().expect("GStreamer");
    format!("{cores} × {model}, {} GiB, {}", kib >> 20, gstreamer::version_string())
}
