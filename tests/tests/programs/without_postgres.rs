//! On a machine without PostgreSQL's programs.

use std::time::Duration;

use crate::dev::Place;
use crate::running::Running;

#[test]
fn one_message_says_what_to_install_or_to_set() {
    let place = Place::new();
    // Named and empty, it is the only place that is looked at.
    let nothing = place.file("no-programs");
    std::fs::create_dir(&nothing).expect("a directory");
    let mut refused = Running::start(place.command("127.0.0.1:0").env("PG_BIN_DIR", &nothing));
    assert!(!refused.ends_within(Duration::from_secs(10)).success());
    let complaints = refused.complaints();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    for words in ["no PostgreSQL", "postgresql-15", "DATABASE_URL"] {
        assert!(complaints[0].contains(words), "{words:?} in {complaints:?}");
    }
}
