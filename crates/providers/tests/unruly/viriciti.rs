//! ViriCiti: what it is asked, and what an answer that is none is called.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use bf_depot_sim::{Account, Fault, Scenario, Simulator, SimulatorSettings, Speed};
use clock::Clock;
use domain::fleet::ProviderType;
use domain::polling::ErrorClass;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::{StreamExt, stream};
use providers::PollLimits;
use serde_json::{Value, json};

use crate::provider::{Provider, devices, failure_of};

async fn serve(answers: fn(&str) -> Response) -> Provider {
    let answer = async move |Path(account): Path<String>| answers(&account);
    let router = Router::new().route("/{account}/api/v2/state", post(answer));
    Provider::serve(ProviderType::Viriciti, router).await
}

fn limits() -> PollLimits {
    PollLimits {
        backoff: Duration::from_millis(1),
        page_bytes: 100_000,
        ..PollLimits::default()
    }
}

/// For whom nothing will come of waiting.
fn impatient() -> PollLimits {
    PollLimits {
        deadline: Duration::from_millis(500),
        ..limits()
    }
}

#[tokio::test]
async fn each_vehicle_is_asked_for_by_name_some_at_a_time_with_the_key_in_a_header() {
    let answer = async |headers: HeaderMap, Json(asked): Json<BTreeMap<String, Value>>| {
        let labels = json!(["soc", "odo", "gps", "speed", "power", "range"]);
        let as_documented = headers["x-api-key"] == "s3cret"
            && asked.len() <= 250
            && asked.values().all(|of_vehicle| *of_vehicle == labels);
        if !as_documented {
            return StatusCode::BAD_REQUEST.into_response();
        }
        let last = json!({"soc": {"value": 50, "time": 1_795_420_500_000_i64}});
        let state: BTreeMap<_, _> = asked.keys().map(|vid| (vid, &last)).collect();
        Json(state).into_response()
    };
    let router = Router::new().route("/north/api/v2/state", post(answer));
    let provider = Provider::serve(ProviderType::Viriciti, router).await;
    let connection = provider.connection("north", "one");
    for (count, requests) in [(0, 0), (1, 1), (250, 2), (600, 5)] {
        let result = provider
            .clients()
            .poll(&connection, &devices(count), &HashMap::new())
            .await;
        assert_eq!(result.failure, None);
        let answer = result.answer;
        assert_eq!((answer.items.len(), answer.returned.len()), (count, count));
        assert_eq!(provider.requests(), requests, "{count} devices");
    }
}

/// However many vehicles there are, they are asked for in no more requests than a poll may have pages.
#[tokio::test]
async fn many_vehicles_are_asked_for_in_larger_parts() {
    let provider = serve(|_| Json(json!({})).into_response()).await;
    let clients = provider.clients_within(PollLimits {
        pages: 2,
        ..PollLimits::default()
    });
    let connection = provider.connection("north", "one");
    let result = clients
        .poll(&connection, &devices(1_001), &HashMap::new())
        .await;
    assert_eq!(result.failure, None);
    assert!(result.answer.returned.is_empty());
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn an_answer_that_is_none_is_called_what_it_is() {
    let provider = serve(|account| match account {
        "html" => "<!doctype html><title>Maintenance".into_response(),
        "array" => Json(json!([{"vehicle-1": {}}])).into_response(),
        "null" => Json(Value::Null).into_response(),
        "cut-off" => r#"{"vehicle-1":{"soc":{"val"#.into_response(),
        "bytes" => Body::from(vec![0xff; 64]).into_response(),
        "large" => "x".repeat(100_001).into_response(),
        "bomb" => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(&vec![b' '; 5_000_000]).expect("memory");
            let body = gzip.finish().expect("memory");
            ([("content-encoding", "gzip")], body).into_response()
        }
        "teapot" => StatusCode::IM_A_TEAPOT.into_response(),
        "moved" => (StatusCode::FOUND, [("location", "/elsewhere")]).into_response(),
        "denied" => StatusCode::FORBIDDEN.into_response(),
        _ => StatusCode::BAD_GATEWAY.into_response(),
    })
    .await;
    let clients = provider.clients_within(limits());
    for (account, class, detail) in [
        (
            "html",
            ErrorClass::InvalidResponse,
            "the answer is not of the protocol (line 1 column 1)",
        ),
        (
            "array",
            ErrorClass::InvalidResponse,
            "the answer is not of the protocol (line 1 column 0)",
        ),
        (
            "null",
            ErrorClass::InvalidResponse,
            "the answer is not of the protocol (line 1 column 4)",
        ),
        (
            "cut-off",
            ErrorClass::InvalidResponse,
            "the answer is not of the protocol (line 1 column 25)",
        ),
        (
            "bytes",
            ErrorClass::InvalidResponse,
            "the answer is not of the protocol (line 1 column 1)",
        ),
        (
            "large",
            ErrorClass::InvalidResponse,
            "a page is larger than 100000 bytes",
        ),
        (
            "bomb",
            ErrorClass::InvalidResponse,
            "a page is larger than 100000 bytes",
        ),
        (
            "teapot",
            ErrorClass::InvalidResponse,
            "the provider answered 418 I'm a teapot",
        ),
        (
            "moved",
            ErrorClass::InvalidResponse,
            "the provider answered 302 Found",
        ),
        (
            "denied",
            ErrorClass::CredentialsRejected,
            "the provider answered 403 Forbidden",
        ),
        (
            "down",
            ErrorClass::Unavailable,
            "the provider answered 502 Bad Gateway",
        ),
    ] {
        let error = failure_of(&clients, &provider.connection(account, "one")).await;
        assert_eq!(
            (error.class, error.detail.as_str()),
            (class, detail),
            "{account}"
        );
    }
}

/// An answer that begins and never ends is given up at the deadline.
#[tokio::test]
async fn a_slow_answer_is_a_timeout() {
    let provider = serve(|_| {
        let begins = stream::iter([Ok::<_, Infallible>("{")]);
        Body::from_stream(begins.chain(stream::pending())).into_response()
    })
    .await;
    let clients = provider.clients_within(impatient());
    let error = failure_of(&clients, &provider.connection("north", "one")).await;
    assert_eq!(error.class, ErrorClass::Timeout);
    assert_eq!(
        error.detail,
        "the provider did not answer within the deadline"
    );
}

/// What goes wrong is called the same whichever protocol it goes wrong in.
#[tokio::test]
async fn the_simulators_faults_are_called_as_they_are_in_the_native_protocol() {
    let faults = [
        ("down", Fault::Unavailable, ErrorClass::Unavailable, 3),
        (
            "denied",
            Fault::CredentialsRejected,
            ErrorClass::CredentialsRejected,
            1,
        ),
        (
            "limited",
            Fault::RateLimited {
                retry_after_seconds: 60,
            },
            ErrorClass::RateLimited,
            1,
        ),
        ("hanging", Fault::Hang, ErrorClass::Timeout, 1),
        ("broken", Fault::Garbage, ErrorClass::InvalidResponse, 1),
    ];
    let scenario = faults
        .iter()
        .map(|(name, fault, ..)| {
            Account::fleet(name, 1)
                .with_key("s3cret")
                .with_fault(*fault)
        })
        .fold(Scenario::default(), Scenario::with);
    let settings = SimulatorSettings {
        seed: 7,
        speed: Speed::try_new(1.0).expect("a speed"),
        clock: Clock::system(),
    };
    let simulator = Simulator::new(scenario, settings);
    for provider_type in [ProviderType::Viriciti, ProviderType::DepotSim] {
        let provider = Provider::serve(provider_type, simulator.router()).await;
        for (name, fault, class, attempts) in faults {
            let hangs = fault == Fault::Hang;
            let clients = provider.clients_within(if hangs { impatient() } else { limits() });
            let connection = provider.connection(&format!("accounts/{name}"), "one");
            let result = clients
                .poll(&connection, &devices(1), &HashMap::new())
                .await;
            let error = result.failure.expect("a failure");
            assert_eq!(
                (error.class, result.attempts),
                (class, attempts),
                "{provider_type} {name}"
            );
        }
    }
}
