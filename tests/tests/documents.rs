//! What documents name exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// Where tests are.
const SOURCES: [&str; 2] = ["crates", "tests/tests"];

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).expect("the page")
}

fn all_tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for directory in SOURCES {
        tests_below(&Path::new(ROOT).join(directory), &mut tests);
    }
    tests
}

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
    let (tests, page) = (all_tests(), page("docs/tokens.md"));
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

#[test]
fn every_requirement_names_tests_that_there_are() {
    let (tests, page) = (all_tests(), page("docs/requirements.md"));
    // A sentence in snake case is a test; a column or a setting has fewer words.
    let is_a_sentence = |text: &&str| {
        let mut words = text.split('_');
        let of_words = words.all(|word| word.bytes().all(|b| b.is_ascii_alphanumeric()));
        of_words && text.matches('_').count() >= 4
    };
    let named: BTreeSet<&str> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(is_a_sentence)
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        assert!(tests.contains(name), "there is no test {name}");
    }
}

/// A fence of code whose first line is a comment with a path quotes that file.
#[test]
fn the_code_that_the_architecture_quotes_is_in_the_sources() {
    let page = page("docs/architecture.md");
    let mut quoted = 0;
    for block in page.split("```").skip(1).step_by(2) {
        let mut lines = block.lines().skip(1).map(str::trim);
        let head = lines.next().unwrap_or_default();
        let comment = head.strip_prefix("// ").or(head.strip_prefix("-- "));
        let Some((path, _)) = comment.and_then(|comment| comment.split_once(": ")) else {
            continue;
        };
        let source = self::page(path);
        let mut rest = source.lines().map(str::trim);
        for line in lines {
            assert!(
                rest.any(|found| found == line),
                "{path} has no longer: {line}"
            );
            quoted += 1;
        }
    }
    assert!(quoted > 10, "{quoted} lines are quoted");
}
