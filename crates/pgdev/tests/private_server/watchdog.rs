//! The server ends without being told to.

use std::fs;
use std::thread;
use std::time::Duration;

use pgdev::PrivateServer;

use crate::place::{Place, client, is_gone, kill, parent_of, postmaster, query, signal, until};

const BRIEFLY: Duration = Duration::from_secs(1);

/// Whether the watchdog is stopping the server, or is looking whether it still may.
fn is_stopping(server: &PrivateServer) -> bool {
    server.socket_directory().join("stopping").exists()
}

/// The client stays connected until the watchdog has looked for clients more often than it needs to for stopping the
/// server: each look is a session.
#[test]
fn the_server_stops_once_its_last_client_has_left() {
    let place = Place::throwaway("used").lingering(BRIEFLY);
    let server = place.start();
    let statement = "DO $$
        DECLARE
            before bigint := (SELECT sessions FROM pg_stat_database WHERE datname = 'postgres');
        BEGIN
            WHILE (SELECT sessions FROM pg_stat_database WHERE datname = 'postgres') < before + 4 LOOP
                PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
            END LOOP;
        END $$";
    let client = server.psql("postgres").args(["-c", statement]).output();
    let ended = client.expect("psql runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "the server left its client: {said}");
    until("the server is gone", || is_gone(&server));
}

#[test]
fn a_client_killed_within_a_statement_does_not_keep_it_up() {
    let place = Place::throwaway("left").lingering(BRIEFLY);
    let server = place.start();
    let mut client = client(&server);
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
    // As if the watchdog had died while it made up its mind.
    fs::create_dir(server.socket_directory().join("stopping")).expect("it was not stopping");
    assert!(
        !is_gone(&server),
        "the server does not end with its watchdog"
    );

    assert_eq!(postmaster(&place.start()), first);
    until("the server is gone", || is_gone(&server));
}

/// The watchdog is held up while it looks for the last time whether it may stop the server.
#[test]
fn whoever_attaches_at_the_last_moment_gets_a_living_server() {
    let place = Place::throwaway("raced").lingering(BRIEFLY);
    let server = place.start();
    let watchdog = parent_of(&postmaster(&server));
    until("the watchdog makes up its mind", || is_stopping(&server));
    assert!(signal("-STOP", &watchdog), "the watchdog is there");
    let settings = place.settings.clone();
    let start = thread::spawn(move || PrivateServer::start(&settings));
    // Time enough for a start that does not wait. One that does has nothing to show for it.
    thread::sleep(BRIEFLY);
    let waits = !start.is_finished();
    assert!(signal("-CONT", &watchdog), "the watchdog is there");
    assert!(waits, "the server may be stopped yet");

    let server = start.join().expect("no panic").expect("it starts");
    assert!(!is_stopping(&server), "the watchdog has made up its mind");
    query(&server, "select 1");
}
