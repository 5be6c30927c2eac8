//! Start, attach, stop, and what becomes of the data.

use std::thread;

use pgdev::{DatabaseError, Durability, PrivateServer, Settings, StartError};

use crate::place::{Place, client, is_gone, postmaster, query};

#[test]
fn a_started_server_answers_at_its_url() {
    let place = Place::throwaway("answers");
    let server = place.start();
    server.ensure_database("app").expect("a new database");
    server.ensure_database("app").expect("it is there already");
    for name in ["", "App", "a-b", "1a", "a\";b"] {
        let refusal = server.ensure_database(name).expect_err("it is not plain");
        assert!(matches!(refusal, DatabaseError::Name(_)), "{refusal}");
    }

    let answer = server
        .psql(&server.url("app"))
        .args(["-c", "select current_database(), current_user"])
        .output()
        .expect("psql runs");
    assert_eq!(String::from_utf8_lossy(&answer.stdout), "app|postgres\n");
    assert_eq!(query(&server, "show listen_addresses"), "");
    assert_eq!(
        query(&server, "show client_connection_check_interval"),
        "1s"
    );
}

#[test]
fn whoever_starts_at_once_or_later_shares_one_server() {
    let place = Place::throwaway("shared");
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let settings = place.settings.clone();
            thread::spawn(move || PrivateServer::start(&settings).expect("it starts"))
        })
        .collect();
    let servers: Vec<_> = starts
        .into_iter()
        .map(|start| start.join().expect("no panic"))
        .collect();
    let later = place.start();
    for server in servers {
        assert_eq!(postmaster(&server), postmaster(&later));
        server.ensure_database("shared").expect("one creates it");
    }
}

#[test]
fn throwaway_data_goes_with_the_server() {
    let place = Place::throwaway("wiped");
    let server = place.start();
    assert_eq!(query(&server, "show fsync"), "off");
    query(&server, "create table kept (id int)");
    assert_eq!(query(&place.start(), "select count(*) from kept"), "0");

    server.stop().expect("it stops");
    assert_eq!(
        query(&place.start(), "select to_regclass('kept') is null"),
        "t"
    );
}

#[test]
fn durable_data_stays() {
    let place = Place::durable("kept");
    let server = place.start();
    assert_eq!(query(&server, "show fsync"), "on");
    query(&server, "create table kept as select 7 as id");
    server.stop().expect("it stops");
    server.stop().expect("there is nothing to stop");

    let careless = Settings {
        durability: Durability::Throwaway,
        ..place.settings.clone()
    };
    let refusal = PrivateServer::start(&careless).expect_err("it would wipe the data");
    assert!(matches!(refusal, StartError::Directory { .. }), "{refusal}");
    assert_eq!(query(&place.start(), "select id from kept"), "7");
}

#[test]
fn stopping_does_not_wait_for_clients() {
    let place = Place::durable("busy");
    let server = place.start();
    let mut client = client(&server);
    server.stop().expect("it stops");
    assert!(is_gone(&server));
    let status = client.wait().expect("psql was started");
    assert!(!status.success(), "its statement was broken off");
}
