//! The native protocol.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::fleet::ProviderType;
use domain::polling::ErrorClass;
use providers::PollLimits;
use serde::Deserialize;

use crate::provider::{Provider, failure_of};

#[derive(Deserialize)]
struct Asked {
    page_token: Option<String>,
}

/// A provider that answers a page token so.
async fn serve(answers: fn(Option<&str>) -> Response) -> Provider {
    let answer = async move |Query(asked): Query<Asked>| answers(asked.page_token.as_deref());
    let router = Router::new().route("/{account}/vehicles", get(answer));
    Provider::serve(ProviderType::DepotSim, router).await
}

fn page(next: Option<&str>) -> Response {
    Json(serde_json::json!({"vehicles": [], "next_page_token": next})).into_response()
}

#[tokio::test]
async fn pages_that_lead_back_to_one_before_are_a_loop() {
    let provider = serve(|token| match token {
        Some("a") => page(Some("b")),
        Some("b") => page(Some("c")),
        None | Some(_) => page(Some("a")),
    })
    .await;
    let connection = provider.connection("north", "one");
    let error = failure_of(&provider.clients(), &connection).await;
    assert_eq!(error.class, ErrorClass::CursorLoop);
    assert_eq!(error.detail, "the pages go in a circle after 4 of them");
    assert_eq!(provider.requests(), 4);
}

#[tokio::test]
async fn pages_without_end_are_cut_off() {
    static SENT: AtomicU32 = AtomicU32::new(0);
    let provider = serve(|_| {
        let next = SENT.fetch_add(1, Ordering::Relaxed).to_string();
        page(Some(&next))
    })
    .await;
    let limits = PollLimits {
        pages: 5,
        ..PollLimits::default()
    };
    let clients = provider.clients_within(limits);
    let error = failure_of(&clients, &provider.connection("north", "one")).await;
    assert_eq!(error.class, ErrorClass::InvalidResponse);
    assert_eq!(provider.requests(), 5);
}

#[tokio::test]
async fn a_page_with_more_vehicles_than_were_asked_for_is_none() {
    let provider = serve(|_| {
        let vehicles = vec![serde_json::json!({"id": "bus-1", "signals": []}); 101];
        Json(serde_json::json!({"vehicles": vehicles, "next_page_token": null})).into_response()
    })
    .await;
    let error = failure_of(&provider.clients(), &provider.connection("north", "one")).await;
    assert_eq!(error.class, ErrorClass::InvalidResponse);
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn an_account_that_asks_for_a_pause_is_not_asked_for_any_of_its_connections() {
    let provider = serve(|_| {
        let later = [
            ("retry-after", "Mon, 23 Nov 2026 09:00:00 GMT"),
            ("date", "Mon, 23 Nov 2026 08:00:00 GMT"),
        ];
        (StatusCode::TOO_MANY_REQUESTS, later).into_response()
    })
    .await;
    let clients = provider.clients();
    for (path, key, requests, detail) in [
        ("north", "one", 1, "the provider answered 429"),
        (
            "north",
            "one",
            1,
            "the provider asked not to be asked until after the deadline",
        ),
        (
            "south",
            "one",
            1,
            "the provider asked not to be asked until after the deadline",
        ),
        ("south", "another", 2, "the provider answered 429"),
    ] {
        let error = failure_of(&clients, &provider.connection(path, key)).await;
        assert_eq!(
            (error.class, error.detail.as_str(), provider.requests()),
            (ErrorClass::RateLimited, detail, requests),
            "{path} {key}"
        );
    }
}

#[tokio::test]
async fn a_probe_is_one_request() {
    let provider = serve(|_| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let answer = provider
        .clients()
        .probe(&provider.connection("north", "one"), &[])
        .await;
    assert_eq!(
        answer.result.expect_err("a failure").class,
        ErrorClass::Unavailable
    );
    assert_eq!((answer.attempts, provider.requests()), (1, 1));
}
