//! The server ends without being told to.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::place::{Place, client, is_gone, kill, parent_of, postmaster, query, until};

const BRIEFLY: Duration = Duration::from_secs(1);

#[test]
fn the_server_stops_once_its_last_client_has_left() {
    let place = Place::throwaway("used").lingering(BRIEFLY);
    let server = place.start();
    let mut client = client(&server, 4);
    let status = client.wait().expect("psql was started");
    assert!(status.success(), "the server outlived the statement");
    until("the server is gone", || is_gone(&server));
}

#[test]
fn a_client_killed_within_a_statement_does_not_keep_it_up() {
    let place = Place::throwaway("left").lingering(BRIEFLY);
    let server = place.start();
    let mut client = client(&server, 600);
    client.kill().expect("it was started here");
    client.wait().expect("it was started here");
    until("the server is gone", || is_gone(&server));
}

#[test]
fn a_server_without_watchdog_gets_one_at_the_next_start() {
    let place = Place::throwaway("adopted").lingering(BRIEFLY);
    let server = place.start();
    let first = postmaster(&server);
    kill(&parent_of(&first));
    // As if it had died while it made up its mind.
    fs::create_dir(server.socket_directory().join("stopping")).expect("it was not stopping");
    thread::sleep(BRIEFLY * 3);
    assert!(!is_gone(&server), "nobody stops it");

    assert_eq!(postmaster(&place.start()), first);
    until("the server is gone", || is_gone(&server));
}

/// The pauses sweep over the moment at which the watchdog makes up its mind.
#[test]
fn whoever_attaches_at_the_last_moment_gets_a_living_server() {
    let place = Place::throwaway("raced").lingering(BRIEFLY);
    for pause_ms in [1300, 1600, 1900, 2200] {
        let server = place.start();
        // As long as a caller may take to connect.
        thread::sleep(Duration::from_millis(500));
        query(&server, "select 1");
        thread::sleep(Duration::from_millis(pause_ms));
    }
}
