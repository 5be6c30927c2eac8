//! Health as of an instant over HTTP.

use serde_json::{Value, json};
use testkit::{a_device, a_workspace, hours, minutes};

use crate::service::{NORTH, SYSTEM_ADMIN, Service, VIEWER};

const HEALTH: &str = "/workspaces/depot-north/health";

/// Three buses: silent, on the way to it, and in time; half an hour has passed since.
async fn half_an_hour_later() -> Service {
    let workspace = a_workspace(NORTH).with_all([
        a_device("bus-1").silent_for(minutes(20)).fitted_to("coach"),
        a_device("bus-2").silent_for(minutes(10)),
        a_device("bus-3").silent_for(minutes(1)).fitted_to("coach"),
    ]);
    let (service, fleet) = Service::with(workspace).await;
    service.fixture.clock.advance(minutes(30));
    fleet.deactivate("bus-2").await;
    service
}

async fn health(service: &Service, query: &str) -> Value {
    service
        .get(VIEWER, &format!("{HEALTH}?{query}"))
        .await
        .of(200)
}

fn states(answer: &Value) -> Vec<(&str, &str)> {
    let devices = answer["devices"].as_array().expect("devices").iter();
    devices
        .map(|device| {
            let text = |member: &str| device[member].as_str().expect("a text");
            (text("device_id"), text("state"))
        })
        .collect()
}

#[tokio::test]
async fn an_instant_of_the_past_is_told_as_it_was() {
    let service = half_an_hour_later().await;
    assert_eq!(
        states(&health(&service, "").await),
        [("bus-1", "stale"), ("bus-3", "stale")]
    );
    let answer = health(&service, "at=2026-11-23T09:00:00.0000009%2B01:00").await;
    assert_eq!(answer["evaluated_at"], "2026-11-23T08:00:00Z");
    assert_eq!(
        states(&answer),
        [
            ("bus-1", "stale"),
            ("bus-2", "delayed"),
            ("bus-3", "healthy")
        ]
    );
    assert_eq!(
        answer["counts"],
        json!({"healthy": 1, "delayed": 1, "stale": 1, "configured-no-data": 0, "awaiting-first-data": 0})
    );
    let bus = &answer["devices"][0];
    assert_eq!(
        (&bus["age_seconds"], &bus["last_update_received_at"]),
        (&json!(1200), &json!("2026-11-23T07:40:00Z"))
    );
    let stale = health(&service, "at=2026-11-23T08:00:00Z&state=stale").await;
    assert_eq!(states(&stale), [("bus-1", "stale")]);
    assert_eq!(stale["counts"], answer["counts"]);
    let vehicles = health(&service, "at=2026-11-23T08:00:00Z&by=vehicle&vehicle=coach").await;
    let coach = &vehicles["vehicles"][0];
    assert_eq!(
        (&coach["state"], &coach["worst_device_state"]),
        (&json!("healthy"), &json!("stale"))
    );
}

#[tokio::test]
async fn pages_stay_at_their_instant() {
    let service = half_an_hour_later().await;
    let first = health(&service, "at=2026-11-23T08:00:00Z&limit=2").await;
    let cursor = first["next_cursor"]
        .as_str()
        .expect("a next page")
        .to_owned();
    service.fixture.clock.advance(hours(1));
    let second = health(
        &service,
        &format!("at=2026-11-23T08:00:00Z&limit=2&cursor={cursor}"),
    )
    .await;
    assert_eq!(
        (second["evaluated_at"].as_str(), &second["next_cursor"]),
        (Some("2026-11-23T08:00:00Z"), &Value::Null)
    );
    assert_eq!(states(&second), [("bus-3", "healthy")]);
    for other in ["", "at=2026-11-23T08:00:01Z"] {
        let path = format!("{HEALTH}?{other}&limit=2&cursor={cursor}");
        service.get(VIEWER, &path).await.names(&["cursor"]);
    }
}

#[tokio::test]
async fn the_future_is_told_in_dev_alone() {
    let service = half_an_hour_later().await;
    let future = "at=2026-11-23T11:00:00Z";
    let answer = health(&service, future).await;
    assert_eq!(answer["evaluated_at"], "2026-11-23T11:00:00Z");
    assert_eq!(answer["devices"][0]["age_seconds"], 12_000);
    let first = health(&service, &format!("{future}&limit=1")).await;
    let cursor = first["next_cursor"].as_str().expect("a next page");
    let second = health(&service, &format!("{future}&limit=1&cursor={cursor}")).await;
    assert_eq!(states(&second), [("bus-3", "stale")]);

    let production = Service::start_with(|state| state.dev_issuer = None).await;
    a_workspace(NORTH).create(&production.fixture).await;
    let path = |at: &str| format!("{HEALTH}?at={at}");
    let later = production
        .get(VIEWER, &path("2026-11-23T08:00:00.000001Z"))
        .await;
    later.names(&["at"]);
    production
        .get(VIEWER, &path("2026-11-23T08:00:00Z"))
        .await
        .of(200);
}

#[tokio::test]
async fn what_is_before_the_history_is_gone() {
    let service = half_an_hour_later().await;
    let path = format!("{HEALTH}?at=2026-11-22T07:59:59Z");
    let problem = service
        .get(VIEWER, &path)
        .await
        .problem(410, "history-not-retained");
    assert_eq!(
        problem["detail"],
        "the history of this workspace begins at 2026-11-22T08:00:00Z"
    );
    for wrong in [
        "yesterday",
        "2026-11-23T08:00:00",
        "0000-01-01T00:00:00Z&at=2026-11-23T08:00:00Z",
    ] {
        let path = format!("{HEALTH}?at={wrong}");
        service.get(VIEWER, &path).await.names(&["at"]);
    }
    let path = "/workspaces/depot-west/health?at=0000-01-01T00:00:00Z";
    service
        .get(SYSTEM_ADMIN, path)
        .await
        .problem(404, "not-found");
    let path = format!("{HEALTH}?at=0000-01-01T00:00:00Z");
    service
        .get(VIEWER, &path)
        .await
        .problem(410, "history-not-retained");
}
