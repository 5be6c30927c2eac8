//! Faults on demand over HTTP.

use axum::http::{Method, StatusCode};
use bf_depot_sim::{Account, Behaviour, Fault};
use serde_json::json;

use crate::stage::Stage;

#[tokio::test]
async fn a_fault_comes_and_goes_on_demand() {
    let stage = Stage::with(Account::fleet("depot", 1));
    let set = stage
        .control(
            Method::PUT,
            "/accounts/depot/fault",
            r#"{"kind":"unavailable"}"#,
        )
        .await;
    assert_eq!(set.status, StatusCode::NO_CONTENT);
    assert_eq!(
        stage.poll("depot", "").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    let cleared = stage
        .control(Method::DELETE, "/accounts/depot/fault", "")
        .await;
    assert_eq!(cleared.status, StatusCode::NO_CONTENT);
    assert_eq!(stage.poll("depot", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_kind_of_fault_can_be_written_and_is_shown_as_written() {
    let stage = Stage::with(Account::fleet("depot", 1));
    for fault in [
        json!({"kind": "unavailable"}),
        json!({"kind": "credentials_rejected"}),
        json!({"kind": "rate_limited", "retry_after_seconds": 30}),
        json!({"kind": "hang"}),
        json!({"kind": "late", "minutes": 30}),
        json!({"kind": "garbage"}),
        json!({"kind": "flapping_unavailable", "up_seconds": 60, "down_seconds": 30}),
    ] {
        let set = stage
            .control(Method::PUT, "/accounts/depot/fault", &fault.to_string())
            .await;
        assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.body);
        let accounts = stage.control(Method::GET, "/accounts", "").await.json();
        assert_eq!(accounts["accounts"][0]["fault"], fault);
    }
}

#[tokio::test]
async fn every_behaviour_can_be_written_and_is_shown_as_written() {
    let stage = Stage::with(Account::fleet("depot", 1));
    for behaviour in [
        json!({"kind": "reporting"}),
        json!({"kind": "silent_since", "at": "2026-11-23T07:20:00Z"}),
        json!({"kind": "omitted"}),
        json!({"kind": "frozen", "at": "2026-11-23T07:20:00Z"}),
        json!({"kind": "without_signals", "signals": ["state_of_charge_percent"]}),
    ] {
        let path = "/accounts/depot/vehicles/vehicle-001";
        let set = stage
            .control(Method::PUT, path, &behaviour.to_string())
            .await;
        assert_eq!(set.status, StatusCode::NO_CONTENT, "{}", set.body);
        let accounts = stage.control(Method::GET, "/accounts", "").await.json();
        assert_eq!(
            accounts["accounts"][0]["vehicles"],
            json!([{"id": "vehicle-001", "behaviour": behaviour}])
        );
    }
}

#[tokio::test]
async fn vehicles_and_accounts_can_be_added() {
    let stage = Stage::with(Account::new("depot"));
    let reporting = r#"{"kind":"reporting"}"#;
    let added = stage
        .control(Method::PUT, "/accounts/depot/vehicles/new", reporting)
        .await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(stage.poll("depot", "").await.vehicle_ids(), ["new"]);

    let account =
        r#"{"key":"second-key","vehicles":[{"id":"a"},{"id":"b","behaviour":{"kind":"omitted"}}]}"#;
    let added = stage
        .control(Method::PUT, "/accounts/second", account)
        .await;
    assert_eq!(added.status, StatusCode::NO_CONTENT, "{}", added.body);
    assert_eq!(stage.poll("second", "").await.vehicle_ids(), ["a"]);
}

#[tokio::test]
async fn accounts_show_how_they_were_polled_and_no_key() {
    let stage = Stage::with(Account::fleet("depot", 3));
    stage.poll("depot", "?page_size=2").await;
    stage
        .poll("depot", "?page_size=2&page_token=vehicle-002")
        .await;
    stage.get("/accounts/depot/vehicles", "wrong").await;
    let answer = stage.control(Method::GET, "/accounts", "").await;
    assert!(!answer.body.contains("depot-key"));
    assert_eq!(
        answer.json()["accounts"][0]["requests"],
        json!({"total": 3, "first_pages": 2, "in_flight": 0, "max_in_flight": 1})
    );
}

#[tokio::test]
async fn polls_side_by_side_are_counted_together() {
    let stage = Stage::with(Account::fleet("depot", 1).with_fault(Fault::Hang));
    let mut polls = [(); 3].map(|()| Box::pin(stage.poll("depot", "")));
    for poll in &mut polls {
        std::future::poll_fn(|context| {
            assert!(poll.as_mut().poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
    }
    drop(polls);
    let counts = stage.simulator.requests("depot").expect("the account");
    assert_eq!(
        (counts.in_flight, counts.max_in_flight, counts.total),
        (0, 3, 3)
    );
}

#[tokio::test]
async fn a_control_that_cannot_be_done_is_refused_with_its_reason() {
    let stage = Stage::with(Account::fleet("depot", 1));
    for (method, path, body, status, code) in [
        (
            Method::PUT,
            "/accounts/depot/fault",
            r#"{"kind":"fire"}"#,
            400,
            "bad_request",
        ),
        (
            Method::PUT,
            "/accounts/depot/fault",
            r#"{"kind":"late"}"#,
            400,
            "bad_request",
        ),
        (
            Method::PUT,
            "/accounts/depot/fault",
            "fire",
            400,
            "bad_request",
        ),
        (
            Method::PUT,
            "/accounts/depot/vehicles/v",
            r#"{"kind":"replay"}"#,
            400,
            "bad_request",
        ),
        (
            Method::PUT,
            "/accounts/other/fault",
            r#"{"kind":"hang"}"#,
            404,
            "unknown_account",
        ),
        (
            Method::DELETE,
            "/accounts/other/fault",
            "",
            404,
            "unknown_account",
        ),
        (
            Method::PUT,
            "/accounts/other/vehicles/v",
            r#"{"kind":"omitted"}"#,
            404,
            "unknown_account",
        ),
        (
            Method::POST,
            "/accounts/depot/fault",
            "",
            405,
            "method_not_allowed",
        ),
        (Method::GET, "/nothing", "", 404, "not_found"),
    ] {
        let answer = stage.control(method, path, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error_code().as_str()),
            (status, code),
            "{path} {body}"
        );
    }
    assert!(
        stage
            .simulator
            .set_behaviour("other", "v", Behaviour::Omitted)
            .is_err()
    );
}
