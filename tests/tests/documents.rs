//! What documents name exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Where tests of tokens are.
const SOURCES: [&str; 4] = [
    "crates/auth/src",
    "crates/auth/tests",
    "crates/api/tests",
    "tests/tests",
];

/// Names of functions that are marked as tests, below a directory.
fn tests_below(directory: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests_below(&path, names);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap_or_default();
        for mark in ["#[test]", "#[tokio::test"] {
            let marked = source.split(mark).skip(1);
            let found = marked.filter_map(|after| after.split_once("fn ")?.1.split_once('('));
            names.extend(found.map(|(name, _)| name.to_owned()));
        }
    }
}

#[test]
fn every_token_case_names_tests_that_there_are() {
    let mut tests = BTreeSet::new();
    for directory in SOURCES {
        tests_below(&Path::new(ROOT).join(directory), &mut tests);
    }
    let page = fs::read_to_string(Path::new(ROOT).join("docs/tokens.md")).expect("the page");
    let mut cases = Vec::new();
    for row in page.lines() {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, _, named] = cells[..] else {
            continue;
        };
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        cases.push(number);
        assert!(!named.is_empty(), "case {number} has no test");
        for name in named.split(", ") {
            let name = name.trim_matches('`');
            assert!(
                tests.contains(name),
                "case {number}: there is no test {name}"
            );
        }
    }
    assert_eq!(cases, (1..=41).collect::<Vec<u32>>());
}
