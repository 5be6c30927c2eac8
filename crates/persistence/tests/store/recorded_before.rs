//! Accepted updates from before they had columns, and those of instances that do not know the columns.

use domain::events::EventType;
use domain::ids::WorkspaceId;
use persistence::Store;
use persistence::history::{EventFilter, EventSpan};
use serde_json::Value;
use testkit::{TestDatabase, eventually, hours, start};
use uuid::Uuid;

/// The version before accepted updates had columns, and the one that gave them columns and left what was there.
const BEFORE_COLUMNS: i64 = 20_261_125_071_000;
const WITH_COLUMNS: i64 = 20_261_125_080_050;

/// Payloads as they were recorded: none, one of before updates told their activation and version, and what they
/// have told since.
const RECORDED: [&str; 5] = [
    "{}",
    r#"{"vehicle_id":"bus","provider":"sim","payload_prepared_at":"2026-11-23T07:00:00Z","normalized_values":{"2026-11-23T06:59:00Z":{"speed_kmh":9.5}}}"#,
    r#"{"vehicle_id":"bus","provider":"sim:1","activation_id":"019ab000-0000-7000-8000-000000000000","version":3,"payload_prepared_at":"2026-11-23T07:00:00.250Z","normalized_values":{"2026-11-23T06:59:00.125Z":{"speed_kmh":1e-7}}}"#,
    r#"{"vehicle_id":"bus","provider":"sim","activation_id":"019ab000-0000-7000-8000-000000000000","version":4,"payload_prepared_at":"2026-11-23T07:00:00.000001Z","dropped_signals":[{"signal":"\u0000warp\\\u0000\\u0000\u0000\"","reason":"unknown_signal"}],"normalized_values":{"2026-11-23T06:59:30Z":{"plugged_in":true}}}"#,
    r#"{"vehicle_id":"bus","provider":"sim","activation_id":"019ab000-0000-7000-8000-000000000000","version":5,"newest_observed_at":"2026-11-23T06:59:30Z","payload_prepared_at":"2026-11-23T07:00:00Z","dropped_signals":[{"signal":"heading_deg","reason":"out_of_range"}],"normalized_values":{"2026-11-23T06:58:00Z":{"odometer_km":88526.4},"2026-11-23T06:58:01Z":{"range_km":7}}}"#,
];

/// The same as an instance of before sends it: a payload's head, and what the update brought where that is not
/// all that the snapshot in its place holds.
const SENT: [(&str, &str, Option<&str>); 3] = [
    (
        "bus-1",
        r#"{"vehicle_id":"bus","provider":"sim","activation_id":"019ab000-0000-7000-8000-000000000001","version":8,"payload_prepared_at":"2026-11-23T08:00:00.001Z""#,
        None,
    ),
    (
        "bus-2",
        r#"{"vehicle_id":"tram","provider":"sim:2","activation_id":"019ab000-0000-7000-8000-000000000002","version":1,"newest_observed_at":"2026-11-23T07:59:00Z","payload_prepared_at":"2026-11-23T08:00:00.001Z","dropped_signals":[{"signal":"\u0000","reason":"unknown_signal"}]"#,
        Some(r#"{"2026-11-23T07:58:00Z":{"speed_kmh":3}}"#),
    ),
    (
        "bus-2",
        r#"{"vehicle_id":"tram","provider":"sim:2","activation_id":"019ab000-0000-7000-8000-000000000002","version":2,"payload_prepared_at":"2026-11-23T08:00:00.001Z""#,
        Some(r#"{"2026-11-23T07:59:00Z":{"range_km":4}}"#),
    ),
];
const HELD: [&str; 2] = [
    r#"{"2026-11-23T07:57:00Z":{"speed_kmh":5}}"#,
    r#"{"2026-11-23T07:58:00Z":{"speed_kmh":3},"2026-11-23T07:59:00Z":{"range_km":4}}"#,
];

async fn append(database: &TestDatabase, place: u8, event_type: &str, payload: &str) {
    sqlx::query(
        "INSERT INTO event_store (workspace_id, recorded_at, event_id, type, device_id, payload)
         VALUES ('north', $1, $2, $3, 'bus-1', $4::json)",
    )
    .bind(start() - hours(1))
    .bind(Uuid::from_u128(place.into()))
    .bind(event_type)
    .bind(payload)
    .execute(database.store().pool())
    .await
    .expect("an event");
}

async fn send(database: &TestDatabase) -> Option<Vec<String>> {
    sqlx::query_scalar(
        "SELECT record_updates(
             'north', NULL, NULL, $1, NULL, 'a trace', '{bus-1,bus-2}',
             '{019ab000-0000-7000-8000-000000000001,019ab000-0000-7000-8000-000000000002}', '{8,2}', '{7,0}',
             ARRAY[$1, $1], $2, '{}', $3, $4, $5, $6, '{}', '{}')",
    )
    .bind(start())
    .bind(HELD)
    .bind([7, 8, 9].map(Uuid::from_u128))
    .bind(SENT.map(|(device_id, ..)| device_id))
    .bind(SENT.map(|(_, head, _)| head))
    .bind(SENT.map(|(.., updated)| updated))
    .fetch_one(database.store().pool())
    .await
    .expect("the function of before")
}

/// They are shown as they were said, and what each of them says is in columns.
#[tokio::test]
async fn accepted_updates_of_before_and_those_that_instances_of_before_record_are_in_columns() {
    let database = TestDatabase::create_empty().await;
    let migrations = sqlx::migrate!("../../migrations");
    let store = database.store();
    let up_to = async |version| {
        let migrated = migrations.run_to(version, store.pool()).await;
        migrated.expect("migrations as they were");
    };
    up_to(BEFORE_COLUMNS).await;
    let partitions = store.ensure_partitions(start()).await;
    partitions.expect("partitions");
    for (place, payload) in (1..).zip(RECORDED) {
        append(&database, place, "TelematicsUpdateAccepted", payload).await;
    }
    let configured =
        r#"{"vehicle_id":"bus","provider_id":"sim","version":1,"activation_id":"any"}"#;
    append(&database, 6, "DeviceConfigured", configured).await;
    up_to(WITH_COLUMNS).await;
    assert_eq!(send(&database).await, Some(Vec::new()));
    store.migrate().await.expect("the rest");

    let of_before = RECORDED.map(str::to_owned).into_iter();
    let sent = SENT.map(|(_, head, updated)| {
        let values = updated.unwrap_or(HELD[0]);
        format!(r#"{head},"normalized_values":{values}}}"#)
    });
    let said: Vec<Value> = of_before
        .chain(sent)
        .map(|payload| as_kept(serde_json::from_str(&payload).expect("JSON")))
        .collect();
    assert_eq!(
        shown(store, EventType::TelematicsUpdateAccepted).await,
        said
    );
    let configured: Value = serde_json::from_str(configured).expect("JSON");
    assert_eq!(
        shown(store, EventType::DeviceConfigured).await,
        [configured]
    );
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT payload::text FROM event_store WHERE type = 'TelematicsUpdateAccepted' ORDER BY event_id",
    )
    .fetch_all(store.pool())
    .await
    .expect("events");
    assert_eq!(
        left,
        [
            "{}",
            "{}",
            "{}",
            r#"{"dropped_signals":[{"signal":"�warp\\�\\u0000�\"","reason":"unknown_signal"}]}"#,
            r#"{"newest_observed_at":"2026-11-23T06:59:30Z","dropped_signals":[{"signal":"heading_deg","reason":"out_of_range"}]}"#,
            "{}",
            r#"{"newest_observed_at":"2026-11-23T07:59:00Z","dropped_signals":[{"signal":"�","reason":"unknown_signal"}]}"#,
            "{}",
        ]
    );
}

/// It has begun under the version before, and does not go on with what that would write.
#[tokio::test]
async fn a_call_that_comes_while_the_functions_are_made_fills_the_columns() {
    let database = TestDatabase::create_empty().await;
    let store = database.store();
    let as_it_was = sqlx::migrate!("../../migrations");
    let as_it_was = as_it_was.run_to(BEFORE_COLUMNS, store.pool()).await;
    as_it_was.expect("migrations as they were");
    let partitions = store.ensure_partitions(start()).await;
    partitions.expect("partitions");
    sqlx::query(
        "INSERT INTO workspaces (workspace_id, name, active, created_at, registration_number, version,
             device_registry_source, poll_owner, read_owner, provider_mode, cutover_version, cutover_changed_at,
             cutover_changed_by, poll_interval_minutes, stale_threshold_minutes, no_data_grace_minutes,
             policy_version, policy_changed_at, registry_version)
         VALUES ('north', 'North', true, $1, 1, 1, 'core', 'core', 'core', 'mixed', 1, $1, 'anna', 5, 15, 60, 1, $1, 7)",
    )
    .bind(start())
    .execute(store.pool())
    .await
    .expect("a workspace");
    let columns =
        include_str!("../../../../migrations/20261125080000_columns_of_accepted_updates.sql");
    let functions = include_str!("../../../../migrations/20261125080050_record_into_columns.sql");
    let made = sqlx::raw_sql(columns).execute(store.pool()).await;
    made.expect("columns");
    let mut migrating = store.pool().begin().await.expect("a transaction");
    let made = sqlx::raw_sql(functions).execute(&mut *migrating).await;
    made.expect("functions");
    let pool = database.another_store().pool().clone();
    let calling = tokio::spawn(async move {
        let call = "SELECT record_updates(
             'north', 7, 1, $1, NULL, NULL, '{bus-1}', '{019ab000-0000-7000-8000-000000000001}', '{1}', '{0}',
             ARRAY[$1], $2, '{}', $3, '{bus-1}', $4, '{}', '{}', '{}')";
        let overtaken: Option<Vec<String>> = sqlx::query_scalar(call)
            .bind(start())
            .bind([HELD[0]])
            .bind([Uuid::from_u128(1)])
            .bind([SENT[0].1])
            .fetch_one(&pool)
            .await
            .expect("the function of before");
        overtaken
    });
    eventually("the call waits for the functions", async || {
        database.sessions_waiting().await == 1
    })
    .await;
    migrating.commit().await.expect("a commit");
    assert_eq!(calling.await.expect("an answer"), Some(Vec::new()));
    let (values, payload): (Option<String>, String) =
        sqlx::query_as("SELECT normalized_values::text, payload::text FROM event_store")
            .fetch_one(store.pool())
            .await
            .expect("the event");
    assert_eq!((values.as_deref(), payload.as_str()), (Some(HELD[0]), "{}"));
}

/// Without the character that PostgreSQL's text cannot have.
fn as_kept(mut payload: Value) -> Value {
    if let Some(dropped) = payload
        .get_mut("dropped_signals")
        .and_then(Value::as_array_mut)
    {
        for one in dropped {
            let named = one["signal"].as_str().expect("a name");
            one["signal"] = named.replace('\0', "\u{fffd}").into();
        }
    }
    payload
}

/// Payloads as they are shown, in the order of their events' ids.
async fn shown(store: &Store, event_type: EventType) -> Vec<Value> {
    let filter = EventFilter {
        event_type: Some(event_type),
        ..EventFilter::default()
    };
    let span = EventSpan {
        from: start() - hours(2),
        before: None,
        until: start(),
    };
    let north = WorkspaceId::try_new("north").expect("an id");
    let mut events = store
        .events(&north, &filter, span, None, 100)
        .await
        .expect("events");
    events.sort_unstable_by_key(|event| event.event_id.0);
    events.into_iter().map(|event| event.payload).collect()
}
