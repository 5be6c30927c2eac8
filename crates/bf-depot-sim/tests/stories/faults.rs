//! What can be wrong with a provider.

use axum::http::StatusCode;
use bf_depot_sim::{Account, Fault, Scenario};
use chrono::TimeDelta;

use crate::stage::{Stage, start, time_of};

fn faulty(fault: Fault) -> Stage {
    Stage::with(Account::fleet("depot", 2).with_fault(fault))
}

#[tokio::test]
async fn unavailable_is_503() {
    let answer = faulty(Fault::Unavailable).poll("depot", "").await;
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    );
}

#[tokio::test]
async fn rejected_credentials_are_401_whatever_the_key() {
    let answer = faulty(Fault::CredentialsRejected).poll("depot", "").await;
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (StatusCode::UNAUTHORIZED, "credentials_rejected")
    );
}

#[tokio::test]
async fn a_rate_limit_is_429_and_says_when_to_come_back() {
    let answer = faulty(Fault::RateLimited {
        retry_after_seconds: 17,
    })
    .poll("depot", "")
    .await;
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
    );
    assert_eq!(answer.headers["retry-after"], "17");
}

#[tokio::test]
async fn garbage_is_a_page_of_html() {
    let answer = faulty(Fault::Garbage).poll("depot", "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.headers["content-type"]
            .to_str()
            .expect("text")
            .starts_with("text/html")
    );
    assert!(answer.body.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn late_readings_are_those_of_some_time_ago_and_go_on() {
    let stage = faulty(Fault::Late { minutes: 30 });
    let late_by = |answer: &crate::stage::Answer| {
        stage.clock.now() - time_of(&answer.json()["vehicles"][0], "state_of_charge_percent")
    };
    for _ in 0..3 {
        let late = late_by(&stage.poll("depot", "").await);
        assert!(
            late >= TimeDelta::minutes(30) && late < TimeDelta::minutes(31),
            "{late}"
        );
        stage.advance_seconds(300);
    }
}

#[tokio::test]
async fn a_flapping_provider_is_up_and_down_by_the_clock() {
    let stage = faulty(Fault::FlappingUnavailable {
        up_seconds: 60,
        down_seconds: 30,
    });
    let mut answers = Vec::new();
    for _ in 0..7 {
        answers.push(stage.poll("depot", "").await.status.as_u16());
        stage.advance_seconds(30);
    }
    assert_eq!(answers, [200, 200, 503, 200, 200, 503, 200]);
}

#[tokio::test]
async fn a_provider_can_be_down_from_the_start_and_come_back() {
    let fault = Fault::FlappingUnavailable {
        up_seconds: 60,
        down_seconds: 30,
    };
    let began = start() - TimeDelta::seconds(60);
    let stage = Stage::with(Account::fleet("depot", 2).with_fault_since(fault, began));
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(stage.poll("depot", "").await.status.as_u16());
        stage.advance_seconds(30);
    }
    assert_eq!(answers, [503, 200, 200, 503]);
}

#[tokio::test]
async fn a_hanging_provider_never_answers_and_forgets_a_caller_that_gave_up() {
    let stage = faulty(Fault::Hang);
    let mut poll = Box::pin(stage.poll("depot", ""));
    let pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(poll.as_mut().poll(context).is_pending())
    });
    assert!(pending.await);
    stage.advance_seconds(86_400);
    let still_pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(poll.as_mut().poll(context).is_pending())
    });
    assert!(still_pending.await);
    assert_eq!(
        stage
            .simulator
            .requests("depot")
            .expect("the account")
            .in_flight,
        1
    );
    drop(poll);
    assert_eq!(
        stage
            .simulator
            .requests("depot")
            .expect("the account")
            .in_flight,
        0
    );
}

#[tokio::test]
async fn a_missing_or_wrong_key_is_401_and_an_unknown_account_404() {
    let stage = Stage::with(Account::fleet("depot", 2).with_key("secret"));
    let path = "/accounts/depot/vehicles";
    assert_eq!(stage.get(path, "secret").await.status, StatusCode::OK);
    let wrong = stage.get(path, "wrong").await;
    assert_eq!(
        (wrong.status, wrong.error_code().as_str()),
        (StatusCode::UNAUTHORIZED, "credentials_rejected")
    );
    let keyless = axum::http::Request::get(path)
        .body(axum::body::Body::empty())
        .expect("a request");
    assert_eq!(stage.send(keyless).await.status, StatusCode::UNAUTHORIZED);
    let unknown = stage.poll("elsewhere", "").await;
    assert_eq!(
        (unknown.status, unknown.error_code().as_str()),
        (StatusCode::NOT_FOUND, "unknown_account")
    );
}

#[tokio::test]
async fn one_accounts_fault_leaves_the_others_alone() {
    let stage = Stage::with_scenario(Scenario::faults(3, start()), 1.0);
    assert_eq!(
        stage.poll("unavailable", "").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(stage.poll("healthy", "").await.vehicle_ids().len(), 3);
    assert_eq!(
        stage.poll("vehicles", "").await.vehicle_ids(),
        ["frozen", "reporting", "without-soc"]
    );
}
