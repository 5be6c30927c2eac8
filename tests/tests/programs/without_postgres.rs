//! On a machine without PostgreSQL's programs.

use crate::dev::Place;
use crate::running::Running;

#[test]
fn a_dev_without_postgres_says_in_one_line_what_to_install_or_to_set() {
    let place = Place::new();
    // Named and empty, it is the only place that is looked at.
    let nothing = place.file("no-programs");
    std::fs::create_dir(&nothing).expect("a directory");
    let mut refused = Running::start(place.command("127.0.0.1:0").env("PG_BIN_DIR", &nothing));
    assert!(!refused.wait_for_exit().success());
    let complaints = refused.stderr();
    assert_eq!(complaints.len(), 1, "{complaints:#?}");
    for words in ["no PostgreSQL", "postgresql-15", "DATABASE_URL"] {
        assert!(complaints[0].contains(words), "{words:?} in {complaints:?}");
    }
}
