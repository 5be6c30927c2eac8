//! Follow-ups over HTTP: who wrote what, about which silence, and all that was written before.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace, an_update, minutes, seconds};

use crate::service::{ACCOUNTS, NORTH, SUPPORT, SYSTEM_ADMIN, Service, VIEWER};

const PATH: &str = "/workspaces/depot-north/devices/bus-1/follow-up";

async fn service() -> (Service, testkit::Fleet) {
    Service::with(a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(40)))).await
}

fn spoken_to() -> Value {
    json!({"contacted": true, "snoozed_until": "2026-11-24T10:00:00+01:00", "note": "=unit is\r\nexchanged"})
}

async fn history(service: &Service) -> Vec<Value> {
    let path = format!("{PATH}/history");
    match service.get(VIEWER, &path).await.of(200)["changes"].take() {
        Value::Array(changes) => changes,
        other => panic!("changes are {other}"),
    }
}

#[tokio::test]
async fn what_is_written_is_shown_with_who_and_when() {
    let (service, _) = service().await;
    let untouched = service.get(VIEWER, PATH).await;
    assert_eq!(untouched.version(), 0);
    assert_eq!(
        untouched.of(200),
        json!({"contacted": false, "snoozed_until": null, "note": null, "updated_at": null, "updated_by": null})
    );
    let written = service.put(ACCOUNTS, PATH, &spoken_to()).await;
    assert_eq!(written.version(), 1);
    let told = json!({
        "contacted": true, "snoozed_until": "2026-11-24T09:00:00Z", "note": "=unit is\r\nexchanged",
        "updated_at": "2026-11-23T08:00:00Z", "updated_by": "person:dev-user",
    });
    assert_eq!(written.of(200), told);
    assert_eq!(service.get(VIEWER, PATH).await.of(200), told);
    // GET's own form is taken back, and what changes nothing keeps its version.
    service.fixture.clock.advance(seconds(1));
    let again = service.put(SUPPORT, PATH, &told).await;
    assert_eq!((again.version(), again.of(200)), (1, told));
}

#[tokio::test]
async fn all_that_was_written_stays_readable_newest_first() {
    let (service, _) = service().await;
    service.put(ACCOUNTS, PATH, &spoken_to()).await.of(200);
    service.fixture.clock.advance(seconds(1));
    let done = json!({"contacted": true, "note": "  "});
    service.put(SUPPORT, PATH, &done).await.of(200);
    assert_eq!(
        history(&service).await,
        [
            json!({"version": 2, "at": "2026-11-23T08:00:01Z", "by": "person:dev-user", "silent_since": "2026-11-23T07:20:00Z",
                   "contacted": true, "snoozed_until": null, "note": null}),
            json!({"version": 1, "at": "2026-11-23T08:00:00Z", "by": "person:dev-user", "silent_since": "2026-11-23T07:20:00Z",
                   "contacted": true, "snoozed_until": "2026-11-24T09:00:00Z", "note": "=unit is\r\nexchanged"}),
        ]
    );
    let audit = "/audit?type=DeviceFollowUpChanged&device=bus-1";
    let changes = service.get(SYSTEM_ADMIN, audit).await.of(200);
    let latest = &changes["changes"][0]["details"];
    assert_eq!(latest["version"], 2);
    assert_eq!(latest["from"]["note"], "=unit is\r\nexchanged");
}

/// Somebody was spoken to about a silence that is over: that says nothing of the next.
#[tokio::test]
async fn a_device_that_has_reported_starts_anew_and_keeps_its_history() {
    let (service, depot) = service().await;
    service.put(ACCOUNTS, PATH, &spoken_to()).await.of(200);
    service.fixture.clock.advance(minutes(1));
    let now = service.fixture.clock.now();
    depot
        .push([an_update("bus-1").observed(now).with("speed_kmh", 31)])
        .await;
    let anew = service.get(VIEWER, PATH).await;
    assert_eq!(anew.version(), 1);
    assert_eq!(anew.of(200)["contacted"], false);
    assert_eq!(history(&service).await.len(), 1);
    // The same words are news for a new silence.
    let written = service.put(ACCOUNTS, PATH, &spoken_to()).await;
    assert_eq!((written.version(), written.status), (2, 200));
    assert_eq!(
        history(&service).await[0]["silent_since"],
        "2026-11-23T08:01:00Z"
    );
}

#[tokio::test]
async fn two_who_write_at_once_learn_of_each_other() {
    let (service, _) = service().await;
    service.put(ACCOUNTS, PATH, &spoken_to()).await.of(200);
    let put = async |tag: &str| {
        let call = service
            .call(SUPPORT, &Method::PUT, PATH)
            .header("if-match", tag);
        call.json(&json!({"contacted": false})).await
    };
    let told = put("\"0\"").await.problem(412, "precondition-failed");
    assert_eq!(told["current"]["contacted"], true);
    assert_eq!(put("\"1\"").await.version(), 2);
}

#[tokio::test]
async fn only_an_active_device_is_followed_up() {
    let (service, depot) = service().await;
    let nowhere = "/workspaces/depot-north/devices/bus-9/follow-up";
    service
        .put(ACCOUNTS, nowhere, &spoken_to())
        .await
        .problem(404, "not-found");
    service
        .put(
            ACCOUNTS,
            "/workspaces/depot-x/devices/bus-1/follow-up",
            &spoken_to(),
        )
        .await
        .problem(404, "not-found");
    service.put(ACCOUNTS, PATH, &spoken_to()).await.of(200);
    depot.deactivate("bus-1").await;
    service.get(VIEWER, PATH).await.problem(404, "not-found");
    service
        .put(ACCOUNTS, PATH, &spoken_to())
        .await
        .problem(404, "not-found");
    assert_eq!(history(&service).await.len(), 1);
}
