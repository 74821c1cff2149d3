//! `docs/security.md` names the tests that carry each promise: every one of them exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use subrosa_tests::stage::tree;

/// Names like `p3_muted_means_closed` in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let words = text.split(|c| !is_part(c));
    let promise = |word: &&str| {
        let number = word.strip_prefix('p').and_then(|rest| rest.split_once('_'));
        number.is_some_and(|(number, claim)| (1..=10).any(|n: u8| number == n.to_string()) && claim.len() > 4)
    };
    words.filter(promise).map(str::to_owned).collect()
}

fn functions(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            all.extend(text.lines().filter(|line| line.trim_start().contains("fn p")).flat_map(|line| [line, "\n"]));
        }
    }
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let mut code = String::new();
    for folder in ["src", "tests"] {
        functions(&tree().join(folder), &mut code);
    }
    let existing = names(&code);
    let named = names(&fs::read_to_string(tree().join("docs/security.md")).expect("docs/security.md"));
    assert!(named.len() >= 10, "docs/security.md names the tests of the promises: {named:?}");
    let missing: Vec<&String> = named.difference(&existing).collect();
    assert!(missing.is_empty(), "named in docs/security.md, but no test: {missing:?}");
}
