//! Updates that are rejected, each with its reason.

use serde_json::{Value, json};
use testkit::a_device;

use crate::ingest::{depot, service, update, with};
use crate::service::Service;

/// Each refusal with the item that earns it; the good item beside it is taken every time.
async fn each_is_rejected(reason: &str, items: Vec<(Value, Option<&str>)>) {
    let (service, fleet) = Service::with(depot().with(a_device("bus-gone"))).await;
    fleet.deactivate("bus-gone").await;
    for (item, pointer) in items {
        let good = update("bus-2", json!({"speed_kmh": 1}));
        let results = service.ingest(json!([item, good])).await;
        let refused = &results[0];
        assert_eq!(refused["index"], 0);
        assert_eq!(refused["outcome"], "rejected", "{item}: {refused}");
        assert_eq!(refused["reason"], reason, "{item}: {refused}");
        let said = refused["detail"].as_str();
        assert!(said.is_some_and(|said| !said.is_empty()), "{refused}");
        let named = refused.get("pointer").and_then(Value::as_str);
        assert_eq!(named, pointer, "{item}: {refused}");
        let outcome = results[1]["outcome"].as_str().unwrap_or_default();
        assert!(
            ["accepted", "duplicate"].contains(&outcome),
            "{}",
            results[1]
        );
    }
}

fn without(member: &str) -> Value {
    let mut item = update("bus-1", json!({"speed_kmh": 1}));
    item.as_object_mut().expect("an object").remove(member);
    item
}

/// A good update of a unit by what its provider calls it, but for the names.
fn of_unit(names: Value) -> Value {
    let mut item = names;
    item["observed_at"] = json!("2026-11-23T08:00:00Z");
    item["signals"] = json!({"speed_kmh": 1});
    item
}

#[tokio::test]
async fn what_is_not_of_the_shape_is_malformed_at_its_pointer() {
    let items = vec![
        (json!(7), Some("")),
        (json!(null), Some("")),
        (json!([]), Some("")),
        (json!("text"), Some("")),
        (json!({}), Some("/signals")),
        (without("signals"), Some("/signals")),
        (with("signals", json!(null)), Some("/signals")),
        (with("signals", json!([])), Some("/signals")),
        (with("nope", json!(1)), Some("/nope")),
        (with("device_id", json!(7)), Some("/device_id")),
        (with("device_id", json!("-bus")), Some("/device_id")),
        (with("device_id", json!("bus\u{0}")), Some("/device_id")),
        (with("message_id", json!(7)), Some("/message_id")),
        (with("observed_at", json!(5)), Some("/observed_at")),
        (with("provider_id", json!("")), Some("/provider_id")),
        (without("device_id"), Some("/device_id")),
        (
            of_unit(json!({"provider_id": "sim-main"})),
            Some("/external_id"),
        ),
        (of_unit(json!({"external_id": "x"})), Some("/provider_id")),
        (
            of_unit(json!({"provider_id": "sim-main", "external_id": "a\u{0}b"})),
            Some("/external_id"),
        ),
    ];
    each_is_rejected("malformed", items).await;
}

#[tokio::test]
async fn who_is_not_configured_is_not_taken_from() {
    let good = || json!({"speed_kmh": 1});
    for (reason, item) in [
        ("unknown_connection", with("provider_id", json!("nope"))),
        (
            "unknown_connection",
            of_unit(json!({"provider_id": "nope", "external_id": "x"})),
        ),
        ("connection_disabled", update("bus-off", good())),
        ("connection_disabled", with("provider_id", json!("sim-off"))),
        ("identity_conflict", with("external_id", json!("another"))),
        ("unknown_device", update("bus-9", good())),
        (
            "unknown_device",
            of_unit(json!({"provider_id": "sim-main", "external_id": "b2C"})),
        ),
        ("inactive_device", update("bus-gone", good())),
    ] {
        each_is_rejected(reason, vec![(item, None)]).await;
    }
}

#[tokio::test]
async fn a_time_that_is_none_or_cannot_be_is_rejected() {
    let at = |time: &str| (with("observed_at", json!(time)), None);
    let invalid = vec![
        (without("observed_at"), None),
        (with("observed_at", json!(null)), None),
        at(""),
        at("2026-11-23T08:00:00"),
        at("2014-12-31T23:59:59Z"),
        at("0000-01-01T00:00:00Z"),
        at("-262000-01-01T00:00:00Z"),
        at("2026-11-23T08:00:00\u{0}Z"),
    ];
    each_is_rejected("invalid_timestamp", invalid).await;
    let future = vec![at("2026-11-23T08:05:01Z"), at("9999-12-31T23:59:59Z")];
    each_is_rejected("future_timestamp", future).await;
}

#[tokio::test]
async fn an_update_without_one_good_signal_is_rejected() {
    let items = [
        json!({}),
        json!({"speed_kmh": null}),
        json!({"speed_kmh": 900, "nope": 1}),
        json!({"no\u{0}pe": 1}),
    ];
    let items = items.map(|signals| (with("signals", signals), None));
    each_is_rejected("no_valid_signals", items.into()).await;
}

#[tokio::test]
async fn the_edge_of_the_future_is_still_the_present() {
    let service = service().await;
    let at = |device: &str, time: &str| json!({"device_id": device, "observed_at": time, "signals": {"speed_kmh": 1}});
    let results = service
        .ingest(json!([
            at("bus-1", "2026-11-23T08:05:00Z"),
            at("bus-2", "2026-11-23T08:05:00.000001Z")
        ]))
        .await;
    assert_eq!(results[0]["outcome"], "accepted");
    assert_eq!(results[1]["reason"], "future_timestamp");
}

#[tokio::test]
async fn a_leap_second_is_told_apart_from_no_reading_before_it() {
    let service = service().await;
    let leap = json!([{"device_id": "bus-1", "observed_at": "2016-12-31T23:59:60Z", "signals": {"speed_kmh": 1}}]);
    assert_eq!(service.ingest(leap.clone()).await[0]["outcome"], "accepted");
    assert_eq!(service.ingest(leap).await[0]["outcome"], "duplicate");
}
