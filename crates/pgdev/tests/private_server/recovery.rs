//! Starts after something went wrong.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use pgdev::{PrivateServer, StartError};

use crate::place::{Place, kill, postmaster, query};

#[test]
fn a_killed_postmaster_is_replaced() {
    let place = Place::durable("killed");
    let server = place.start();
    query(&server, "create table kept as select 7 as id");
    let first = postmaster(&server);
    kill(&first);
    assert!(server.socket_directory().join(".s.PGSQL.5432").exists());

    let server = place.start();
    assert_ne!(postmaster(&server), first);
    assert_eq!(query(&server, "select id from kept"), "7");
}

#[test]
fn a_pid_file_that_names_another_living_process_is_no_hindrance() {
    let place = Place::durable("reused");
    let server = place.start();
    server.stop().expect("it stops");

    let data = server.data_directory();
    let owner = fs::metadata(&data).expect("it is there");
    let mut other = Command::new("sleep")
        .arg("600")
        .uid(owner.uid())
        .gid(owner.gid())
        .spawn()
        .expect("sleep runs");
    for file in [
        data.join("postmaster.pid"),
        server.socket_directory().join(".s.PGSQL.5432.lock"),
    ] {
        fs::write(file, format!("{}\n", other.id())).expect("it is ours");
    }
    let started = PrivateServer::start(&place.settings);
    other.kill().expect("it was started here");
    other.wait().expect("it was started here");
    query(&started.expect("it starts"), "select 1");
}

/// The failure is the end of the server's process, not that it accepted no connection in time.
#[test]
fn a_start_that_fails_says_why() {
    let place = Place::durable("broken");
    let server = place.start();
    server.stop().expect("it stops");
    let configuration = server.data_directory().join("postgresql.conf");
    let sound = fs::read_to_string(&configuration).expect("initdb wrote it");
    fs::write(&configuration, "no_such_setting = 1\n").expect("it is ours");

    let failure = PrivateServer::start(&place.settings).expect_err("it is broken");
    assert!(matches!(failure, StartError::Exited { .. }), "{failure}");
    assert!(failure.to_string().contains("no_such_setting"), "{failure}");

    fs::write(&configuration, sound).expect("it is ours");
    query(&place.start(), "select 1");
}

#[test]
fn an_initdb_that_was_broken_off_is_done_again() {
    let place = Place::durable("unfinished");
    let server = place.start();
    server.stop().expect("it stops");
    let data = server.data_directory();
    let unfinished = data.with_extension("unfinished");
    fs::rename(&data, &unfinished).expect("it is at rest");
    fs::remove_dir_all(unfinished.join("global")).expect("it was complete");
    query(&place.start(), "select 1");
    assert!(!unfinished.exists());
}

#[test]
fn a_path_too_long_for_a_socket_gets_a_short_one() {
    let mut place = Place::throwaway("deep");
    let deep = place.directory.join("x".repeat(60)).join("y, z");
    place.settings.data_dir = Some(deep);
    let server = place.start();
    assert_eq!(query(&server, "select 1"), "1");
    let sockets = server.socket_directory().to_owned();
    assert!(sockets.starts_with("/tmp"), "{}", sockets.display());
    assert!(!server.url("app").contains(','));

    server.stop().expect("it stops");
    fs::remove_dir_all(&sockets).expect("the server is gone");
    symlink("/", &sockets).expect("a new link");
    let refusal = PrivateServer::start(&place.settings).expect_err("anybody can write to /tmp");
    assert!(refusal.to_string().contains("symbolic link"), "{refusal}");
    fs::remove_file(&sockets).expect("the link is ours");
}
