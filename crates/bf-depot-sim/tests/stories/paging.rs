//! The pages of an answer.

use axum::http::StatusCode;
use bf_depot_sim::{Account, Behaviour};

use crate::stage::Stage;

async fn all_pages(stage: &Stage, page_size: usize) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut query = format!("?page_size={page_size}");
    loop {
        let answer = stage.poll("depot", &query).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        pages.push(answer.vehicle_ids());
        match answer.json()["next_page_token"].as_str() {
            Some(token) => query = format!("?page_size={page_size}&page_token={token}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn the_pages_hold_every_vehicle_exactly_once() {
    let stage = Stage::with(Account::fleet("depot", 25));
    let everything = stage.poll("depot", "").await.vehicle_ids();
    assert_eq!(everything.len(), 25);
    for page_size in [1, 2, 5, 7, 24, 25, 26, 100] {
        let pages = all_pages(&stage, page_size).await;
        assert_eq!(pages.len(), 25_usize.div_ceil(page_size));
        assert_eq!(pages.concat(), everything);
    }
}

#[tokio::test]
async fn a_vehicle_that_appears_between_two_pages_repeats_and_hides_none() {
    let stage = Stage::with(Account::fleet("depot", 4));
    let first = stage.poll("depot", "?page_size=2").await.json();
    stage
        .simulator
        .set_behaviour("depot", "vehicle-000", Behaviour::Reporting)
        .expect("the account");
    let token = first["next_page_token"].as_str().expect("more");
    let second = stage.poll("depot", &format!("?page_token={token}")).await;
    assert_eq!(second.vehicle_ids(), ["vehicle-003", "vehicle-004"]);
}

#[tokio::test]
async fn a_page_of_omitted_vehicles_is_not_an_empty_page_with_a_token() {
    let account = Account::fleet("depot", 2).with_vehicle("vehicle-003", Behaviour::Omitted);
    assert_eq!(
        all_pages(&Stage::with(account), 2).await,
        [["vehicle-001", "vehicle-002"]]
    );
}

#[tokio::test]
async fn more_than_a_hundred_come_a_hundred_at_a_time() {
    let stage = Stage::with(Account::fleet("depot", 101));
    assert_eq!(stage.poll("depot", "").await.vehicle_ids().len(), 100);
}

#[tokio::test]
async fn a_page_size_out_of_range_is_refused() {
    let stage = Stage::with(Account::fleet("depot", 1));
    for query in [
        "?page_size=0",
        "?page_size=101",
        "?page_size=-1",
        "?page_size=many",
    ] {
        let answer = stage.poll("depot", query).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(answer.error_code(), "bad_request");
    }
}
