//! The native protocol.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use domain::fleet::{Connection, ProviderType};
use domain::polling::{ErrorClass, FeedCursor};
use providers::{Coverage, FeedPosition, PollLimits, PollResult, Providers};
use serde::Deserialize;

use crate::provider::{Provider, failure_of};

#[derive(Deserialize)]
struct Asked {
    page_token: Option<String>,
    cursor: Option<String>,
}

/// How a page token is answered, or a cursor.
type Answers = fn(Option<&str>) -> Response;

/// A provider that answers so.
async fn serve(answers: Answers) -> Provider {
    let answer = async move |Query(asked): Query<Asked>| {
        answers(asked.page_token.or(asked.cursor).as_deref())
    };
    let router = Router::new()
        .route("/{account}/vehicles", get(answer))
        .route("/{account}/changes", get(answer));
    Provider::serve(ProviderType::DepotSim, router).await
}

/// A connection that is read by changes.
fn feed(provider: &Provider) -> Connection {
    let mut connection = provider.connection("north", "one");
    connection.settings.insert("feed".into(), "changes".into());
    connection
}

fn cursor(text: &str) -> FeedCursor {
    FeedCursor::try_new(text).expect("a cursor")
}

fn changes(cursor: &str, more: bool) -> Response {
    Json(serde_json::json!({"vehicles": [], "cursor": cursor, "more": more})).into_response()
}

/// How far a poll read the feed.
#[derive(Debug, PartialEq)]
struct Position {
    cursor: FeedCursor,
    is_from_start: bool,
    coverage: Coverage,
}

/// How far a poll read the feed, with the requests of its most-tried page.
async fn position_of(
    clients: &Providers,
    connection: &Connection,
    from: Option<&FeedCursor>,
) -> (Position, u32) {
    let cursors = from.map(|from| ("changes", from.clone()));
    let result = clients
        .poll(connection, &[], &cursors.into_iter().collect())
        .await;
    let PollResult {
        mut answer,
        failure,
        attempts,
    } = result;
    assert_eq!(failure, None);
    assert_eq!(answer.positions.len(), 1);
    let FeedPosition {
        feed,
        cursor,
        is_from_start,
    } = answer.positions.remove(0);
    assert_eq!(feed.name, "changes");
    let position = Position {
        cursor,
        is_from_start,
        coverage: answer.coverage,
    };
    (position, attempts)
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
async fn a_feed_without_end_is_gone_on_with_in_the_next_poll() {
    let provider = serve(|from| {
        let place: u32 = from.map_or(0, |from| from.parse().expect("ours"));
        changes(&(place + 1).to_string(), true)
    })
    .await;
    let limits = PollLimits {
        pages: 5,
        ..PollLimits::default()
    };
    let clients = provider.clients_within(limits);
    let first = position_of(&clients, &feed(&provider), None).await.0;
    let beginning = Position {
        cursor: cursor("5"),
        is_from_start: true,
        coverage: Coverage::NamedVehicles,
    };
    assert_eq!((&first, provider.requests()), (&beginning, 5));
    let next = position_of(&clients, &feed(&provider), Some(&first.cursor))
        .await
        .0;
    let changes = Position {
        cursor: cursor("10"),
        is_from_start: false,
        coverage: Coverage::NamedVehicles,
    };
    assert_eq!((next, provider.requests()), (changes, 10));
}

#[tokio::test]
async fn a_feed_that_hands_out_a_cursor_again_is_a_loop() {
    let provider = serve(|_| changes("c1", true)).await;
    let error = failure_of(&provider.clients(), &feed(&provider)).await;
    assert_eq!(error.class, ErrorClass::CursorLoop);
    assert_eq!(error.detail, "the pages go in a circle after 2 of them");
}

#[tokio::test]
async fn a_forgotten_cursor_is_left_by_either_status_and_only_at_the_first_page() {
    let forgets: [Answers; 2] = [
        |from| match from {
            Some(_) => StatusCode::GONE.into_response(),
            None => changes("new", false),
        },
        |from| match from {
            Some(_) => StatusCode::BAD_REQUEST.into_response(),
            None => changes("new", false),
        },
    ];
    for answers in forgets {
        let provider = serve(answers).await;
        let from = cursor("old");
        let (position, attempts) =
            position_of(&provider.clients(), &feed(&provider), Some(&from)).await;
        let anew = Position {
            cursor: cursor("new"),
            is_from_start: true,
            coverage: Coverage::AllVehicles,
        };
        assert_eq!((position, attempts, provider.requests()), (anew, 1, 2));
    }
    let refuses = serve(|from| match from {
        None => changes("c1", true),
        Some(_) => StatusCode::GONE.into_response(),
    })
    .await;
    let error = failure_of(&refuses.clients(), &feed(&refuses)).await;
    assert_eq!(error.class, ErrorClass::InvalidResponse);
    assert_eq!(error.detail, "the provider answered 410 Gone");
}

#[tokio::test]
async fn a_cursor_that_cannot_be_kept_is_no_answer() {
    let provider = serve(|_| changes("a\u{0}b", false)).await;
    let error = failure_of(&provider.clients(), &feed(&provider)).await;
    assert_eq!(error.class, ErrorClass::InvalidResponse);
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
        (
            "north",
            "one",
            1,
            "the provider answered 429 Too Many Requests",
        ),
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
        (
            "south",
            "another",
            2,
            "the provider answered 429 Too Many Requests",
        ),
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
    let result = provider
        .clients()
        .probe(&provider.connection("north", "one"), &[], &HashMap::new())
        .await;
    assert_eq!(
        result.failure.expect("a failure").class,
        ErrorClass::Unavailable
    );
    assert_eq!((result.attempts, provider.requests()), (1, 1));
}
