//! Released migrations never change: databases have applied them as they were.

use std::collections::BTreeMap;
use std::path::Path;

/// The released migrations, in the format of `sha384sum`; a release appends the new ones (docs/operations.md).
const RELEASED: &str = include_str!("../../../../migrations/released.sha384");

/// Migrations: checksums by file name.
type Checksums = BTreeMap<String, String>;

fn parse(list: &str) -> Checksums {
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (checksum, name) = line.split_once("  ").expect("a checksum and a name");
            (name.to_owned(), checksum.to_owned())
        })
        .collect()
}

/// The migrations of this version, with the checksums that sqlx compares with those of a database.
fn present() -> Checksums {
    sqlx::migrate!("../../migrations")
        .iter()
        .map(|migration| {
            let noun = migration.description.replace(' ', "_");
            let name = format!("{:04}_{noun}.sql", migration.version);
            let hex = |byte: &u8| format!("{byte:02x}");
            (name, migration.checksum.iter().map(hex).collect())
        })
        .collect()
}

/// Files that break the rule: a released one that is gone or has changed, or a new one that is not after them all.
fn breaches<'c>(released: &'c Checksums, present: &'c Checksums) -> Vec<&'c str> {
    let last = released.keys().next_back();
    let changed = released
        .iter()
        .filter(|(name, checksum)| present.get(*name) != Some(checksum));
    let too_early = present
        .iter()
        .filter(|(name, _)| !released.contains_key(*name) && Some(*name) < last);
    let names = changed.chain(too_early).map(|(name, _)| name.as_str());
    names.collect()
}

#[test]
fn no_released_migration_has_changed() {
    assert_eq!(breaches(&parse(RELEASED), &present()), Vec::<&str>::new());
}

#[test]
fn a_released_migration_that_is_changed_removed_or_preceded_is_noticed() {
    let all = present();
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let (first, last) = (names[0], names[names.len() - 1]);
    let without = |name: &str| {
        let mut some = all.clone();
        some.remove(name);
        some
    };
    let mut changed = all.clone();
    changed.insert(first.to_owned(), "another".to_owned());

    let none: [&str; 0] = [];
    assert_eq!(breaches(&all, &all), none);
    assert_eq!(breaches(&without(last), &all), none, "a new migration");
    assert_eq!(breaches(&all, &changed), [first]);
    assert_eq!(breaches(&all, &without(first)), [first]);
    assert_eq!(breaches(&without(first), &all), [first]);
}

#[test]
fn the_list_of_released_migrations_is_as_sha384sum_prints_it() {
    let list = "# a comment\n00ff  0001_workspaces.sql\n";
    let expected = [("0001_workspaces.sql".to_owned(), "00ff".to_owned())];
    assert_eq!(parse(list), Checksums::from(expected));
}

/// The names of present files are put together from what sqlx tells of them.
#[test]
fn migrations_are_named_as_their_files_are() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let files = std::fs::read_dir(folder).expect("the migrations");
    let names = files.map(|file| file.expect("a file").file_name().into_string());
    let mut names: Vec<String> = names.map(|name| name.expect("a name")).collect();
    names.retain(|name| Path::new(name).extension().is_some_and(|it| it == "sql"));
    names.sort_unstable();
    assert_eq!(names, present().into_keys().collect::<Vec<_>>());
}
