//! What is printed, and what the command ends with.

use serde::Serialize;

use super::finding::{Check, Finding, Verdict};
use crate::language::Language;

/// All that was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which board.
    pub board: String,
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
    /// The table for the board file, where lags are known.
    pub measured: Option<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    check: Check,
    verdict: Verdict,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<&'a str>,
}

#[derive(Serialize)]
struct Page<'a> {
    board: &'a str,
    verdict: Verdict,
    findings: Vec<Line<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<&'a str>,
}

impl Report {
    /// The gravest of all.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::NotChecked)
    }

    /// 0: nothing is wrong; 1: something is; 2: something could not be looked at.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Verdict::Ok | Verdict::Note => 0,
            Verdict::Wrong => 1,
            Verdict::NotChecked => 2,
        }
    }

    /// For programs.
    ///
    /// # Errors
    /// Never, as far as is known.
    pub fn json(&self, language: Language) -> serde_json::Result<String> {
        let findings = self.findings.iter().map(|finding| line(finding, language)).collect();
        let page = Page { board: &self.board, verdict: self.verdict(), findings, measured: self.measured.as_deref() };
        serde_json::to_string_pretty(&page)
    }

    /// For people.
    #[must_use]
    pub fn text(&self, language: Language) -> String {
        let mut text = format!("{}\n", self.board);
        for finding in &self.findings {
            let (word, what) = (finding.verdict.word(language), finding.what.text(language));
            text.push_str(&format!("{word}  {:<11}  {what}\n", finding.check.to_string()));
            if let Some(todo) = &finding.todo {
                text.push_str(&format!("{:22}→ {}\n", "", todo.text(language)));
            }
        }
        if let Some(measured) = &self.measured {
            let paste = language.pick("Für die Board-Datei:", "For the board file:");
            text.push_str(&format!("\n{paste}\n\n{measured}"));
        }
        text
    }
}

fn line(finding: &Finding, language: Language) -> Line<'_> {
    Line {
        check: finding.check,
        verdict: finding.verdict,
        what: finding.what.text(language),
        todo: finding.todo.as_ref().map(|todo| todo.text(language)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::both;
    use super::*;

    fn report(findings: Vec<Finding>) -> Report {
        Report { board: "Board".into(), findings, measured: Some("[measured]\n".into()) }
    }

    #[test]
    fn the_gravest_finding_decides() {
        let (fine, todo) = (|| both("gut", "fine"), || both("tun", "do"));
        let (ok, note) = (Finding::ok(Check::Clock, fine()), Finding::note(Check::Swap, fine(), todo()));
        let open = Finding::not_checked(Check::Lines, fine(), todo());
        let wrong = Finding::wrong(Check::Nodes, fine(), todo());
        for (findings, code) in [
            (vec![ok.clone()], 0),
            (vec![ok.clone(), note.clone()], 0),
            (vec![ok.clone(), open.clone()], 2),
            (vec![open, wrong, note], 1),
            (vec![], 2),
        ] {
            assert_eq!(report(findings).exit_code(), code);
        }
    }

    #[test]
    fn people_and_programs_read_the_same() {
        let finding = Finding::wrong(Check::GuardDeath, both("schlecht", "bad"), both("richten", "mend it"));
        let report = report(vec![finding]);
        let page: serde_json::Value = serde_json::from_str(&report.json(Language::English).unwrap()).unwrap();
        assert_eq!(page["verdict"], "wrong");
        assert_eq!(page["findings"][0]["check"], "guard-death");
        assert_eq!(page["findings"][0]["todo"], "mend it");
        let text = report.text(Language::German);
        for part in ["FALSCH", "guard-death", "schlecht", "richten", "[measured]"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
