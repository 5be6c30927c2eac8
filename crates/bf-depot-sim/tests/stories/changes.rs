//! The feed of changes.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use bf_depot_sim::{Account, Behaviour};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::stage::{Answer, Stage};

async fn changes(stage: &Stage, query: &str) -> Answer {
    let path = format!("/accounts/depot/changes{query}");
    stage.get(&path, "depot-key").await
}

fn cursor(answer: &Answer) -> String {
    let cursor = answer.json()["cursor"].as_str().map(str::to_owned);
    cursor.unwrap_or_else(|| panic!("a cursor: {}", answer.body))
}

/// Every reading of an answer by vehicle, signal and time.
fn readings(answer: &Answer) -> BTreeMap<(String, String, DateTime<Utc>), Value> {
    let mut all = BTreeMap::new();
    for vehicle in answer.json()["vehicles"].as_array().expect("vehicles") {
        for reading in vehicle["signals"].as_array().expect("signals") {
            let key = (
                vehicle["id"].as_str().expect("an id").to_owned(),
                reading["name"].as_str().expect("a name").to_owned(),
                reading["time"]
                    .as_str()
                    .expect("a text")
                    .parse()
                    .expect("a time"),
            );
            assert_eq!(
                all.insert(key, reading["value"].clone()),
                None,
                "told twice"
            );
        }
    }
    all
}

#[tokio::test]
async fn without_a_cursor_all_is_told_and_with_one_what_came_since() {
    let stage = Stage::with(Account::fleet("depot", 3));
    let first = changes(&stage, "").await;
    assert_eq!(first.json()["more"], false);
    assert_eq!(
        first.json()["vehicles"],
        stage.poll("depot", "").await.json()["vehicles"]
    );
    let at_once = changes(&stage, &format!("?cursor={}", cursor(&first))).await;
    assert!(at_once.vehicle_ids().is_empty(), "nothing has happened");

    stage.advance_seconds(300);
    let since = changes(&stage, &format!("?cursor={}", cursor(&at_once))).await;
    assert_eq!(since.vehicle_ids().len(), 3);
    let before = readings(&first);
    assert!(
        readings(&since)
            .keys()
            .all(|reading| !before.contains_key(reading))
    );
    let again = changes(&stage, &format!("?cursor={}", cursor(&at_once))).await;
    assert_eq!(again.body, since.body, "the same cursor, the same changes");
}

#[tokio::test]
async fn the_pages_of_an_answer_are_as_of_one_instant_and_the_feed_goes_on_from_it() {
    let stage = Stage::with(Account::fleet("depot", 5));
    let whole = readings(&changes(&stage, "").await);
    let mut told = BTreeMap::new();
    let mut query = String::new();
    let mut pages = 0;
    loop {
        let page = changes(&stage, &format!("?page_size=2{query}")).await;
        told.extend(readings(&page));
        query = format!("&cursor={}", cursor(&page));
        pages += 1;
        // The world does not wait for whoever reads.
        stage.advance_seconds(60);
        if page.json()["more"] == false {
            break;
        }
    }
    assert_eq!((pages, &told), (3, &whole));
    let since = changes(&stage, &format!("?page_size=100{query}")).await;
    assert_eq!(
        since.vehicle_ids().len(),
        5,
        "what came meanwhile is not lost"
    );
}

#[tokio::test]
async fn who_is_gone_is_not_told_of_and_who_is_back_is() {
    let stage = Stage::with(Account::fleet("depot", 2));
    let behave = |behaviour| {
        stage
            .simulator
            .set_behaviour("depot", "vehicle-001", behaviour)
            .expect("the account");
    };
    let first = changes(&stage, "").await;
    behave(Behaviour::Omitted);
    stage.advance_seconds(60);
    let gone = changes(&stage, &format!("?cursor={}", cursor(&first))).await;
    assert_eq!(gone.vehicle_ids(), ["vehicle-002"]);
    behave(Behaviour::Reporting);
    stage.advance_seconds(60);
    let back = changes(&stage, &format!("?cursor={}", cursor(&gone))).await;
    assert_eq!(back.vehicle_ids(), ["vehicle-001", "vehicle-002"]);
}

#[tokio::test]
async fn an_account_put_anew_knows_no_cursor_from_before() {
    let stage = Stage::with(Account::fleet("depot", 1));
    let before = cursor(&changes(&stage, "").await);
    stage.advance_seconds(1);
    stage.simulator.put_account(Account::fleet("depot", 1));
    let answer = changes(&stage, &format!("?cursor={before}")).await;
    assert_eq!(
        (answer.status, answer.error_code().as_str()),
        (StatusCode::GONE, "cursor_gone")
    );
    let never = changes(&stage, "?cursor=yesterday").await;
    assert_eq!(
        (never.status, never.error_code().as_str()),
        (StatusCode::BAD_REQUEST, "bad_request")
    );
}
