//! What rows of accepted updates say: in columns what each says, in JSON what few do.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use testkit::{
    Fixture, Fleet, UpdateBuilder, a_connection, a_device, a_workspace, an_update, seconds, start,
    statements_of, words_of,
};

/// An accepted update as its row has it.
#[derive(Debug, PartialEq, FromRow)]
struct Row {
    device_id: String,
    version: Option<i64>,
    vehicle_id: Option<String>,
    provider_id: Option<String>,
    values: String,
    payload: String,
}

fn row(device: (&str, i64), fitted: (&str, &str), values: &str, payload: &str) -> Row {
    Row {
        device_id: device.0.to_owned(),
        version: Some(device.1),
        vehicle_id: Some(fitted.0.to_owned()),
        provider_id: Some(fitted.1.to_owned()),
        values: values.to_owned(),
        payload: payload.to_owned(),
    }
}

/// A workspace's accepted updates since then, by device and version. Their activations are those of their devices.
async fn rows(depot: &Fleet, since: DateTime<Utc>) -> Vec<Row> {
    sqlx::query_as(
        "SELECT e.device_id, e.version, e.vehicle_id, e.provider_id, normalized_values::text AS values, payload::text AS payload
         FROM event_store e
         JOIN devices d ON d.workspace_id = e.workspace_id AND d.device_id = e.device_id AND d.activation_id = e.activation_id
         WHERE e.workspace_id = $1 AND recorded_at >= $2 AND type = 'TelematicsUpdateAccepted' AND payload_prepared_at >= $2
         ORDER BY e.device_id, e.version",
    )
    .bind(depot.id.as_str())
    .bind(since)
    .fetch_all(depot.core.store.pool())
    .await
    .expect("events")
}

/// Three devices at two connections, which have told their speed to the fixture's instance.
async fn depot(fixture: &Fixture, id: &str) -> Fleet {
    let depot = a_workspace(id)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-other"))
        .with_all(["bus-1", "bus-2"].map(a_device))
        .with(a_device("bus-3").through("sim-other"))
        .create(fixture)
        .await;
    let known = ["bus-1", "bus-2", "bus-3"].map(|bus| ago(30, bus).with("speed_kmh", 40));
    assert_eq!(words_of(&depot.push(known).await), ["accepted"; 3]);
    fixture.clock.advance(seconds(1));
    depot
}

/// An update observed so many seconds before the start.
fn ago(seconds_ago: i64, device_id: &str) -> UpdateBuilder {
    an_update(device_id).observed(start() - seconds(seconds_ago))
}

/// Two updates of one device, one that brought something in vain, and one that is older than what is held, but of a
/// signal that is not; through two connections.
fn mixed() -> Vec<UpdateBuilder> {
    vec![
        ago(20, "bus-1").with("speed_kmh", 41),
        ago(60, "bus-3").with("range_km", 100).with("warp\0", 9),
        ago(20, "bus-2")
            .with("speed_kmh", 42)
            .with("heading_deg", 999),
        ago(10, "bus-1").with("odometer_km", 43),
    ]
}

#[tokio::test]
async fn an_update_says_the_same_whichever_way_it_was_recorded() {
    let fixture = Fixture::create().await;
    let cached = depot(&fixture, "north").await;
    let not_cached = depot(&fixture, "south").await;
    let not_cached = not_cached.seen_by(fixture.another_instance());
    let now = fixture.clock.now();
    for (depot, at_once) in [(cached, true), (not_cached, false)] {
        let (judged, statements) = statements_of(depot.push(mixed())).await;
        assert_eq!(words_of(&judged), ["accepted"; 4]);
        assert_eq!(statements.len() == 1, at_once, "{statements:?}");
        assert_eq!(
            rows(&depot, now).await,
            [
                row(
                    ("bus-1", 2),
                    ("bus-1-vehicle", "sim-main"),
                    r#"{"2026-11-23T07:59:40Z":{"speed_kmh":41.0}}"#,
                    r#"{"newest_observed_at":"2026-11-23T07:59:50Z"}"#,
                ),
                row(
                    ("bus-1", 3),
                    ("bus-1-vehicle", "sim-main"),
                    r#"{"2026-11-23T07:59:50Z":{"odometer_km":43.0}}"#,
                    "{}",
                ),
                row(
                    ("bus-2", 2),
                    ("bus-2-vehicle", "sim-main"),
                    r#"{"2026-11-23T07:59:40Z":{"speed_kmh":42.0}}"#,
                    r#"{"dropped_signals":[{"signal":"heading_deg","reason":"out_of_range"}]}"#,
                ),
                row(
                    ("bus-3", 2),
                    ("bus-3-vehicle", "sim-other"),
                    r#"{"2026-11-23T07:59:00Z":{"range_km":100.0}}"#,
                    r#"{"newest_observed_at":"2026-11-23T07:59:30Z","dropped_signals":[{"signal":"warp�","reason":"unknown_signal"}]}"#,
                ),
            ],
            "{at_once}"
        );
    }
}

/// Its signals are sent once, with the snapshot.
#[tokio::test]
async fn an_update_that_brings_all_that_is_held_has_it_in_its_event() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture, "north").await;
    let now = fixture.clock.now();
    let batch = ["bus-2", "bus-1"].map(|bus| ago(20, bus).with("speed_kmh", 41));
    assert_eq!(words_of(&depot.push(batch).await), ["accepted"; 2]);
    let values = r#"{"2026-11-23T07:59:40Z":{"speed_kmh":41.0}}"#;
    let expected = |device, vehicle| row((device, 2), (vehicle, "sim-main"), values, "{}");
    assert_eq!(
        rows(&depot, now).await,
        [
            expected("bus-1", "bus-1-vehicle"),
            expected("bus-2", "bus-2-vehicle")
        ]
    );
}

/// Of a device that another batch has moved nothing is recorded; what the other devices' events say stays theirs.
#[tokio::test]
async fn the_events_of_superseded_devices_are_left_out() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture, "north").await;
    let now = fixture.clock.now();
    let superseded: Option<Vec<String>> = sqlx::query_scalar(
        r#"SELECT record_updates('north', NULL, NULL, $1, $1, NULL, array_agg(
             (device_id, d.activation_id, sent.version, gen_random_uuid(), sent.vehicle_id, sent.provider_id, values, payload,
              NULL, NULL, replaces, $1, held, '{}')::accepted_update ORDER BY place))
         FROM (VALUES
             (1, 'bus-1', 2, 'a', 'p', '{"1":2}', NULL, NULL::bigint, NULL),
             (2, 'bus-1', 3, 'b', 'q', '{"1":3}', '{"rare":1}', 1, '{"held":1}'),
             (3, 'bus-2', 2, 'c', 'r', '{"2":2}', '{"rare":2}', 0, '{"held":2}'),
             (4, 'bus-3', 2, 'd', 's', '{"3":2}', NULL, 1, '{"held":3}')
         ) AS sent (place, device_id, version, vehicle_id, provider_id, values, payload, replaces, held)
         JOIN devices d USING (device_id)"#,
    )
    .bind(now)
    .fetch_one(fixture.store().pool())
    .await
    .expect("an answer");
    assert_eq!(superseded, Some(vec!["bus-2".to_owned()]));
    assert_eq!(
        rows(&depot, now).await,
        [
            row(("bus-1", 2), ("a", "p"), r#"{"1":2}"#, "{}"),
            row(("bus-1", 3), ("b", "q"), r#"{"1":3}"#, r#"{"rare":1}"#),
            row(("bus-3", 2), ("d", "s"), r#"{"3":2}"#, "{}"),
        ]
    );
}
