//! `subrosa doctor`, and somebody in the room who does what it asks for.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a doctor came to.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Its exit code.
    pub code: Option<i32>,
    /// What it printed.
    pub report: Value,
    /// What it asked for, in order.
    pub asked: Vec<String>,
}

impl Visit {
    /// Starts a command with `--json --language en` and does what it asks for.
    ///
    /// # Panics
    /// When it prints no JSON.
    #[must_use]
    #[track_caller]
    pub fn make(mut command: Command, mut act: impl FnMut(&str)) -> Self {
        command.args(["--json", "--language", "en"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut doctor = command.spawn().expect("subrosa doctor");
        let mut output = doctor.stdout.take().expect("its report");
        let report = std::thread::spawn(move || {
            let mut text = String::new();
            let _read = output.read_to_string(&mut text);
            text
        });
        let mut asked = Vec::new();
        let mut rest = String::new();
        for line in BufReader::new(doctor.stderr.take().expect("its questions")).lines().map_while(Result::ok) {
            match line.trim_start().strip_prefix("→ ") {
                Some(words) => {
                    act(words);
                    asked.push(words.to_owned());
                }
                None => rest.push_str(&line),
            }
        }
        let code = doctor.wait().expect("its end").code();
        let text = report.join().expect("its report");
        let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}; it said {rest}"));
        Visit { code, report, asked }
    }

    /// All verdicts about one thing, in order.
    #[must_use]
    pub fn of(&self, check: &str) -> Vec<String> {
        let findings = self.report["findings"].as_array().into_iter().flatten();
        let of = findings.filter(|finding| finding["check"] == check);
        of.map(|finding| finding["verdict"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What is said about one thing.
    #[must_use]
    pub fn says(&self, check: &str) -> String {
        let findings = self.report["findings"].as_array().into_iter().flatten();
        let of = findings.filter(|finding| finding["check"] == check);
        of.map(|finding| finding["what"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(" ")
    }
}
