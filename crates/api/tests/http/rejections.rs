//! Rejections and unknown devices over HTTP: shapes, filters, bad text.

use serde_json::{Value, json};
use testkit::{WorkspaceBuilder, a_connection, a_device, a_workspace, minutes, start};

use crate::service::{ADMIN, NORTH, SYSTEM_ADMIN, Service};

fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-other"))
        .with(a_device("bus-1"))
}

async fn rejections(service: &Service, query: &str) -> Value {
    service
        .get(ADMIN, &format!("/workspaces/depot-north/rejections{query}"))
        .await
        .of(200)
}

async fn unknown_devices(service: &Service, query: &str) -> Value {
    let path = format!("/workspaces/depot-north/unknown-devices{query}");
    service.get(ADMIN, &path).await.of(200)
}

fn ahead() -> Value {
    let at = start() + minutes(6);
    json!({"device_id": "bus-1", "observed_at": at, "signals": {"speed_kmh": 1}})
}

fn of_unit(provider: &str, name: &str) -> Value {
    json!({"provider_id": provider, "external_id": name, "observed_at": start(), "signals": {"speed_kmh": 1}})
}

#[tokio::test]
async fn a_filter_picks_rejections_and_leaves_the_counts() {
    let (service, _) = Service::with(depot()).await;
    let by_id = json!({"device_id": "bus-9", "observed_at": start(), "signals": {"speed_kmh": 1}});
    service
        .ingest(json!([
            ahead(),
            by_id,
            of_unit("sim-main", "x"),
            of_unit("sim-other", "x"),
            of_unit("nowhere", "x")
        ]))
        .await;
    for (query, expected) in [
        ("?reason=future_timestamp", 1),
        ("?reason=unknown_device", 3),
        ("?reason=not_owner", 0),
        ("?device=bus-1", 1),
        ("?device=bus-9", 1),
        ("?device=bus-9&reason=future_timestamp", 0),
        ("?provider=nowhere", 1),
        ("?provider=sim-main", 1),
    ] {
        let answer = rejections(&service, query).await;
        let count = answer["rejections"].as_array().map(Vec::len);
        assert_eq!(count, Some(expected), "{query}");
        assert_eq!(answer["counts"]["unknown_device"], 3, "{query}");
    }
    let of_one = unknown_devices(&service, "?provider=sim-other").await;
    assert_eq!(of_one["unknown_devices"].as_array().map(Vec::len), Some(1));
    let missing = service
        .get(SYSTEM_ADMIN, "/workspaces/depot-west/rejections")
        .await;
    missing.problem(404, "not-found");
    let missing = service
        .get(SYSTEM_ADMIN, "/workspaces/depot-west/unknown-devices")
        .await;
    missing.problem(404, "not-found");
}

/// Whatever a sender writes is kept as somebody can read it, and is never a failure.
#[tokio::test]
async fn bad_text_is_made_legible() {
    let (service, _) = Service::with(depot()).await;
    let long = "x".repeat(100_000);
    let texts = [
        "\u{0}",
        "a\u{0}b\u{1b}[31m",
        "line\r\nbreak",
        "\u{202e}\u{feff}",
        "'; DROP TABLE rejections; --",
        "=cmd()",
        &long,
    ];
    for text in texts {
        service
            .ingest(json!([
                {text: 1, "device_id": "bus-1", "observed_at": start(), "signals": {"speed_kmh": 1}},
                {"device_id": text, "observed_at": start(), "signals": {}},
                {"provider_id": "sim-main", "external_id": text, "observed_at": start(), "signals": {"speed_kmh": 1}},
                {"device_id": "bus-1", "observed_at": text, "signals": {"speed_kmh": 1}},
                {"device_id": "bus-1", "observed_at": start(), "signals": {text: 1}},
                {"device_id": "bus-1", "observed_at": "0000-01-01T00:00:00+01:00", "signals": {"speed_kmh": 1}},
                {"device_id": "bus-1", "observed_at": "9999-12-31T23:59:59-01:00", "signals": {"speed_kmh": 1}},
            ]))
            .await;
    }
    let answer = rejections(&service, "?limit=1000").await;
    let kept = answer["rejections"].as_array().expect("a list");
    assert!(kept.len() >= texts.len(), "{answer:#}");
    for rejection in kept {
        for member in ["pointer", "detail"] {
            let text = rejection[member].as_str().unwrap_or_default();
            assert!(!text.contains(char::is_control), "{rejection}");
            assert!(text.chars().count() <= 200, "{rejection}");
        }
    }
    let counted: i64 = answer["counts"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, count)| count.as_i64())
        .sum();
    assert_eq!(counted, 7 * i64::try_from(texts.len()).expect("a few"));
}
