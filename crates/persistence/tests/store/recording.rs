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
    let remembering = depot(&fixture, "north").await;
    let forgetful = depot(&fixture, "south").await;
    let forgetful = forgetful.seen_by(fixture.another_instance());
    let now = fixture.clock.now();
    for (depot, at_once) in [(remembering, true), (forgetful, false)] {
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

/// One update of each device, of one connection, as of vehicles that are polled: nothing rare in it.
#[tokio::test]
async fn of_an_ordinary_batch_the_snapshots_tell_the_rest() {
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

/// Of a device that another batch has moved nothing is written; what the other devices' events say stays theirs.
#[tokio::test]
async fn the_events_of_devices_that_were_overtaken_are_left_out() {
    let fixture = Fixture::create().await;
    let depot = depot(&fixture, "north").await;
    let now = fixture.clock.now();
    let several = "SELECT record_updates(
         'north', NULL, NULL, $1, $1, NULL, NULL, NULL, '{bus-1,bus-2,bus-3}', array_agg(activation_id ORDER BY device_id),
         '{3,2,2}', '{1,0,1}', ARRAY[$1, $1, $1], ARRAY['{\"held\":1}', '{\"held\":2}', '{\"held\":3}']::json[], '{}',
         ARRAY(SELECT gen_random_uuid() FROM generate_series(1, 4)), '{a,b,c,d}', '{p,q,r,s}', '{bus-1,bus-1,bus-2,bus-3}',
         (SELECT array_agg(d.activation_id ORDER BY place)
          FROM unnest('{bus-1,bus-1,bus-2,bus-3}'::text[]) WITH ORDINALITY AS event (device_id, place) JOIN devices d USING (device_id)),
         '{2,3,2,2}', ARRAY['{\"1\":2}', '{\"1\":3}', '{\"2\":2}', '{\"3\":2}']::json[],
         ARRAY[NULL, '{\"rare\":1}', '{\"rare\":2}', NULL]::json[], '{}', '{}')
         FROM devices";
    let one_each = "SELECT record_updates(
         'north', NULL, NULL, $1, $1, NULL, NULL, 'p', '{bus-1,bus-2}', (array_agg(activation_id ORDER BY device_id))[:2],
         '{9,2}', '{8,1}', ARRAY[$1, $1], ARRAY['{\"held\":4}', '{\"held\":5}']::json[], '{}',
         ARRAY[gen_random_uuid(), gen_random_uuid()], '{e,f}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')
         FROM devices";
    for (statement, expected) in [(several, "bus-2"), (one_each, "bus-1")] {
        let overtaken: Option<Vec<String>> = sqlx::query_scalar(statement)
            .bind(now)
            .fetch_one(fixture.store().pool())
            .await
            .expect("an answer");
        assert_eq!(overtaken, Some(vec![expected.to_owned()]));
    }
    assert_eq!(
        rows(&depot, now).await,
        [
            row(("bus-1", 2), ("a", "p"), r#"{"1":2}"#, "{}"),
            row(("bus-1", 3), ("b", "q"), r#"{"1":3}"#, r#"{"rare":1}"#),
            row(("bus-2", 2), ("f", "p"), r#"{"held":5}"#, "{}"),
            row(("bus-3", 2), ("d", "s"), r#"{"3":2}"#, "{}"),
        ]
    );
}
