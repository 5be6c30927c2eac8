//! The quarantine: what was not understood, listed and replayed.

use serde_json::{Value, json};
use testkit::{a_device, a_workspace, an_envelope, envelope_id, minutes, start};

use crate::service::{NORTH, SYSTEM_ADMIN, Service};

const LIST: &str = "/workspaces/depot-north/quarantined";
const REPLAY: &str = "/workspaces/depot-north/quarantine/replay";

async fn replay(service: &Service, body: Value) -> Value {
    service.post(SYSTEM_ADMIN, REPLAY, &body).await.of(200)
}

#[tokio::test]
async fn an_envelope_that_was_not_understood_is_listed_with_why_and_how_it_begins() {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let received_at = start() - minutes(1);
    let message = r#"{ "hello":"w\u0000rld" }"#;
    let garbage = an_envelope(1).traced(trace).received(received_at);
    let too_many_vehicles = an_envelope(2).saying(r#"{"id":"bus-1-unit","signals":[]}"#);
    fleet
        .forward([garbage.saying(message), too_many_vehicles])
        .await;
    let listed = service.get(SYSTEM_ADMIN, LIST).await.of(200);
    let reason = &listed["quarantined"][0]["reason"];
    let detail = &listed["quarantined"][0]["detail"];
    assert!(detail.is_string());
    assert_eq!(
        listed,
        json!({"quarantined": [{
            "envelope_id": envelope_id(1), "provider_type": "depot_sim", "provider_id": "sim-main",
            "received_at": received_at, "recorded_at": start(), "trace_id": trace,
            "reason": reason, "detail": detail, "replayed_at": null,
            "raw_message": message, "raw_message_bytes": message.len(),
        }], "next_cursor": null})
    );
    service.fixture.clock.advance(minutes(3));
    replay(&service, json!({})).await;
    let listed = service.get(SYSTEM_ADMIN, LIST).await.of(200);
    let replayed_at = &listed["quarantined"][0]["replayed_at"];
    assert_eq!(*replayed_at, json!(start() + minutes(3)));
}

#[tokio::test]
async fn a_replay_answers_envelope_by_envelope_and_names_who_asked() {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    let reading = |number| an_envelope(number).reporting("bus-1-unit", "speed_kmh", 31);
    fleet
        .forward([reading(1), an_envelope(2).saying("7"), reading(3)])
        .await;
    fleet.configure(a_device("bus-1")).await;
    let ids = [1, 2, 3, 4].map(envelope_id);
    let answer = replay(&service, json!({"envelope_ids": ids})).await;
    assert_eq!(
        answer["summary"],
        json!({"received": 4, "accepted": 1, "duplicate": 1, "stale": 0, "rejected": 1, "ignored": 0, "quarantined": 1})
    );
    assert_eq!(answer["next_after"], Value::Null);
    let results = answer["results"].as_array().expect("results");
    let words: Vec<(&Value, &Value)> = results
        .iter()
        .map(|result| (&result["outcome"], &result["reason"]))
        .collect();
    assert_eq!(
        json!(words),
        json!([
            ["accepted", null],
            ["quarantined", "unknown_shape"],
            ["duplicate", null],
            ["rejected", "unknown_envelope"]
        ])
    );
    assert_eq!(results[0]["updates"][0]["device_id"], "bus-1");
    // They are as they are now: only what waits is tried again.
    let again = replay(&service, json!({"envelope_ids": ids})).await;
    assert_eq!(again["results"][0]["first_outcome"], "accepted");
    let audit = "/audit?type=ProviderEnvelopesReplayed";
    let listed = service.get(SYSTEM_ADMIN, audit).await.of(200);
    let first = &listed["changes"][1];
    assert_eq!(first["changed_by"], "person:dev-user");
    assert_eq!(first["details"]["envelopes"], 3);
    assert_eq!(
        first["details"]["outcomes"],
        json!({"accepted": 1, "duplicate": 1, "quarantined": 1})
    );
}

#[tokio::test]
async fn a_long_quarantine_is_gone_through_by_its_ids() {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    fleet
        .forward((1..=5).map(|number| an_envelope(number).saying("7")))
        .await;
    let (mut body, mut replayed) = (json!({"limit": 2}), Vec::new());
    loop {
        let answer = replay(&service, body.clone()).await;
        let results = answer["results"].as_array().expect("results");
        replayed.extend(results.iter().map(|result| result["envelope_id"].clone()));
        if answer["next_after"].is_null() {
            break;
        }
        body["after"] = answer["next_after"].clone();
    }
    assert_eq!(json!(replayed), json!([1, 2, 3, 4, 5].map(envelope_id)));
}

#[tokio::test]
async fn of_a_workspace_that_is_not_there_nothing_is_told() {
    let service = Service::start().await;
    let answers = [
        service.get(SYSTEM_ADMIN, LIST).await,
        service.post(SYSTEM_ADMIN, REPLAY, &json!({})).await,
    ];
    for answer in answers {
        answer.problem(404, "not-found");
    }
}
