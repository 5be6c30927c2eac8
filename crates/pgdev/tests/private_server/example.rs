//! `examples/with_postgres.rs`, as the user we are and, when that is root, as an ordinary one.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgdev::PrivateServer;

use crate::place::{Place, is_root, query, signal, until};

fn built_example() -> PathBuf {
    let test = std::env::current_exe().expect("it is running");
    let profile = test.parent().and_then(Path::parent);
    let example = profile
        .expect("target/<profile>/deps")
        .join("examples/with_postgres");
    assert!(
        example.exists(),
        "build it first: cargo build -p pgdev --examples"
    );
    example
}

fn migrations_in(directory: &Path) -> PathBuf {
    let migrations = directory.join("migrations");
    fs::create_dir(&migrations).expect("a new directory");
    for (name, text) in [
        ("001_table.sql", "create table device (id int);"),
        ("001_table.down.sql", "drop table device;"),
        (
            "002_row.sql",
            "-- no-transaction\ninsert into device values (7);\nvacuum device;",
        ),
        ("readme.txt", "not SQL"),
    ] {
        fs::write(migrations.join(name), text).expect("a new file");
    }
    migrations
}

fn with_postgres(program: &Path, data: &Path, migrations: &Path, command: &[&str]) -> Command {
    let mut example = Command::new(program);
    example
        .args(["--name", "example", "--data-dir"])
        .arg(data)
        .arg("--migrations")
        .arg(migrations)
        .arg("--")
        .args(command);
    example
}

fn run(server: &PrivateServer, place: &Place, migrations: &Path, script: &str) -> Output {
    let command = ["sh", "-c", script];
    with_postgres(&built_example(), &place.directory, migrations, &command)
        .env("PSQL", server.psql("postgres").get_program())
        .output()
        .expect("it runs")
}

#[test]
fn a_command_gets_a_migrated_database_for_itself() {
    let place = Place::throwaway("example");
    let server = place.start();
    let migrations = migrations_in(&place.directory);

    let script = r#""$PSQL" -XAtc "select id from device" "$DATABASE_URL"; exit 9"#;
    let ran = run(&server, &place, &migrations, script);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(9), "{said}");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "7\n", "{said}");

    let killed = run(&server, &place, &migrations, "kill -KILL $$");
    assert_eq!(killed.status.code(), Some(128 + 9));

    fs::write(migrations.join("003_wrong.sql"), "select nonsense;").expect("a new file");
    let failed = run(&server, &place, &migrations, "echo not reached");
    let said = String::from_utf8_lossy(&failed.stderr);
    assert_eq!(failed.status.code(), Some(2), "{said}");
    assert!(failed.stdout.is_empty());
    assert!(said.contains("003_wrong.sql"), "{said}");

    let left = "select count(*) from pg_database where datname like 'with_postgres%'";
    assert_eq!(query(&server, left), "0");
}

#[test]
fn an_ordinary_user_needs_no_root() {
    if !is_root() {
        return; // All the other tests show it.
    }
    let id = |kind| {
        let answer = Command::new("id").args([kind, "nobody"]).output();
        let answer = String::from_utf8(answer.expect("id runs").stdout).expect("a number");
        answer.trim().parse::<u32>().expect("nobody is there")
    };
    let (uid, gid) = (id("-u"), id("-g"));
    let directory = std::env::temp_dir().join(format!("pgdev-{}-ordinary", std::process::id()));
    fs::create_dir(&directory).expect("a new directory");
    fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("it is ours");
    let migrations = migrations_in(&directory);
    let program = directory.join("with_postgres");
    // Not by this process: what another test starts meanwhile would have the copy open for writing until it
    // runs its program, and nobody may run what is open so.
    let copied = Command::new("cp")
        .arg(built_example())
        .arg(&program)
        .status();
    assert!(copied.expect("cp runs").success(), "it was built");
    chown(&directory, Some(uid), None).expect("we are root");

    let pid_file = "head -n 1 \"${DATABASE_URL##*host=}/../data/postmaster.pid\"";
    let command = ["sh", "-c", pid_file];
    let ran = with_postgres(&program, &directory, &migrations, &command)
        .uid(uid)
        .gid(gid)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");

    let postmaster = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
    let process = PathBuf::from(format!("/proc/{postmaster}"));
    if let Ok(found) = fs::metadata(&process) {
        assert_eq!(found.uid(), uid);
    }
    assert!(signal("-INT", &postmaster), "the server lingers");
    until("the server is gone", || !signal("-0", &postmaster));
    fs::remove_dir_all(&directory).expect("the server is gone");
}
