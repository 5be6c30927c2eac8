//! Every list, cut into pages of any size, is the whole list.

use serde_json::{Value, json};
use testkit::{Fleet, a_connection, a_device, a_workspace, an_envelope, an_update, minutes};

use crate::service::{NORTH, POLL, SYSTEM_ADMIN, Service};

/// Five of everything.
async fn service() -> (Service, Fleet) {
    let mut workspace = a_workspace(NORTH);
    for n in 1..=5 {
        workspace = workspace.through(a_connection(&format!("sim-{n}")));
    }
    // Order is by bytes: upper case before lower, `-` before digits and letters.
    let devices = ["B2", "a-1", "a1", "bus:7", "z"];
    let devices = devices.map(|id| a_device(id).through("sim-1").silent_for(minutes(20)));
    let (service, fleet) = Service::with(workspace.with_all(devices)).await;
    for id in ["depot-2", "depot-3", "depot-4", "depot-5"] {
        a_workspace(id).create(&service.fixture).await;
    }
    for n in 0..5 {
        service.fixture.clock.advance(minutes(5));
        let owner = if n % 2 == 0 { "both_shadow" } else { "core" };
        let path = "/workspaces/depot-north/cutover";
        service
            .patch(SYSTEM_ADMIN, path, &json!({"poll_owner": owner}))
            .await
            .of(200);
        let path = "/workspaces/depot-north/devices/z/follow-up";
        let follow_up = json!({"contacted": true, "note": format!("call {n}")});
        service.put(SYSTEM_ADMIN, path, &follow_up).await.of(200);
        let trigger = json!({"workspace_id": NORTH, "scheduled_time": service.fixture.clock.now()});
        let status = service.post(POLL, "/poll-cycles", &trigger).await.status;
        assert!([200, 202].contains(&status));
    }
    let unknown = ["b", "a c", "B", "a", "ü"];
    let unknown = unknown.map(|name| an_update("z").from_unit("sim-2", name));
    fleet.push(unknown).await;
    fleet
        .forward((1..=5).map(|number| an_envelope(number).through("sim-1").saying("7")))
        .await;
    (service, fleet)
}

const LISTS: &[(&str, &str, &str)] = &[
    ("/workspaces", "workspaces", "workspace_id"),
    ("/workspaces/depot-north/devices", "devices", "device_id"),
    (
        "/workspaces/depot-north/devices?active=true",
        "devices",
        "device_id",
    ),
    (
        "/workspaces/depot-north/provider-connections",
        "provider_connections",
        "provider_id",
    ),
    (
        "/workspaces/depot-north/snapshots",
        "snapshots",
        "device_id",
    ),
    (
        "/workspaces/depot-north/snapshots?signal_state=stale",
        "snapshots",
        "device_id",
    ),
    ("/workspaces/depot-north/health", "devices", "device_id"),
    (
        "/workspaces/depot-north/health?state=stale",
        "devices",
        "device_id",
    ),
    (
        "/workspaces/depot-north/health?by=vehicle",
        "vehicles",
        "vehicle_id",
    ),
    (
        "/workspaces/depot-north/poll-cycles",
        "poll_cycles",
        "cycle_id",
    ),
    (
        "/workspaces/depot-north/cutover/history",
        "changes",
        "version",
    ),
    (
        "/workspaces/depot-north/rejections",
        "rejections",
        "external_id",
    ),
    (
        "/workspaces/depot-north/unknown-devices",
        "unknown_devices",
        "external_id",
    ),
    (
        "/workspaces/depot-north/devices/z/follow-up/history",
        "changes",
        "version",
    ),
    (
        "/workspaces/depot-north/stale-devices",
        "devices",
        "device_id",
    ),
    ("/follow-ups", "follow_ups", "device_id"),
    (
        "/follow-ups?workspace=depot-north",
        "follow_ups",
        "device_id",
    ),
    (
        "/workspaces/depot-north/quarantined",
        "quarantined",
        "envelope_id",
    ),
    (
        "/workspaces/depot-north/events?from=2026-11-22T00:00:00Z",
        "events",
        "event_id",
    ),
    ("/overview", "workspaces", "workspace_id"),
    ("/audit", "changes", "event_id"),
    ("/audit?changed_by=anna", "changes", "event_id"),
];

async fn page(service: &Service, path: &str, limit: usize, cursor: Option<&str>) -> Value {
    let separator = if path.contains('?') { '&' } else { '?' };
    let cursor = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
    service
        .get(
            SYSTEM_ADMIN,
            &format!("{path}{separator}limit={limit}{cursor}"),
        )
        .await
        .of(200)
}

fn keys(page: &Value, name: &str, key: &str) -> Vec<String> {
    let items = page[name].as_array().expect("a list");
    items.iter().map(|item| item[key].to_string()).collect()
}

#[tokio::test]
async fn pages_of_any_size_hold_each_row_once_and_in_order() {
    let (service, _) = service().await;
    for (path, name, key) in LISTS {
        let whole = service.get(SYSTEM_ADMIN, path).await.of(200);
        assert_eq!(whole["next_cursor"], Value::Null, "{path}");
        let whole = keys(&whole, name, key);
        assert!(whole.len() >= 5, "{path}: {whole:?}");
        for limit in 1..=whole.len() + 1 {
            let (mut read, mut cursor, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = page(&service, path, limit, cursor.as_deref()).await;
                let rows = keys(&page, name, key);
                assert!(rows.len() <= limit, "{path} limit {limit}");
                read.extend(rows);
                pages += 1;
                cursor = page["next_cursor"].as_str().map(str::to_owned);
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(read, whole, "{path} limit {limit}");
            assert_eq!(
                pages,
                whole.len().div_ceil(limit),
                "{path} limit {limit}: no empty page"
            );
        }
    }
}

#[tokio::test]
async fn rows_come_in_the_contracts_order() {
    let (service, _) = service().await;
    for (path, name, key) in LISTS {
        let whole = service.get(SYSTEM_ADMIN, path).await.of(200);
        let rows = whole[*name].as_array().expect("a list");
        let mut sorted = rows.clone();
        match *name {
            // Newest first.
            "changes" if *key == "event_id" => sorted.sort_by_key(|row| {
                std::cmp::Reverse((row["at"].to_string(), row["event_id"].to_string()))
            }),
            "events" => sorted.sort_by_key(|row| {
                std::cmp::Reverse((row["recorded_at"].to_string(), row["event_id"].to_string()))
            }),
            "changes" => sorted.sort_by_key(|row| std::cmp::Reverse(row["version"].as_i64())),
            "poll_cycles" => {
                sorted.sort_by_key(|row| std::cmp::Reverse(row["scheduled_time"].to_string()));
            }
            // Worst first; `overview.rs` has more.
            "workspaces" if *path == "/overview" => sorted.sort_by_key(|row| {
                let percent = row["within_5_minutes_percent"].as_f64().unwrap_or(101.0);
                (percent.to_bits(), row[key].as_str().map(str::to_owned))
            }),
            _ => sorted.sort_by_key(|row| row[key].as_str().map(str::to_owned)),
        }
        assert_eq!(
            keys(&json!({*name: rows}), name, key),
            keys(&json!({*name: sorted}), name, key),
            "{path}"
        );
    }
}

/// A cursor pins the instant: a list does not fall apart while it is read.
#[tokio::test]
async fn later_pages_are_computed_at_the_first_ones_instant() {
    let (service, _) = service().await;
    let path = "/workspaces/depot-north/health?state=stale";
    let first = page(&service, path, 2, None).await;
    service.fixture.clock.advance(minutes(7));
    let second = page(&service, path, 2, first["next_cursor"].as_str()).await;
    assert_eq!(second["evaluated_at"], first["evaluated_at"]);
    assert_eq!(
        second["devices"][0]["age_seconds"],
        first["devices"][0]["age_seconds"]
    );
    let snapshots = page(&service, "/workspaces/depot-north/snapshots", 2, None).await;
    service.fixture.clock.advance(minutes(7));
    let next = page(
        &service,
        "/workspaces/depot-north/snapshots",
        2,
        snapshots["next_cursor"].as_str(),
    )
    .await;
    let age = |page: &Value| {
        page["snapshots"][0]["signals"]["state_of_charge_percent"]["age_seconds"].clone()
    };
    assert_eq!(age(&next), age(&snapshots));
}

#[tokio::test]
async fn a_list_is_cut_at_a_hundred_unless_asked_otherwise() {
    let devices = (0..101).map(|n| a_device(&format!("bus-{n:03}")));
    let (service, _) = Service::with(a_workspace(NORTH).with_all(devices)).await;
    for (path, name) in [
        ("health", "devices"),
        ("devices", "devices"),
        ("snapshots", "snapshots"),
    ] {
        let path = format!("/workspaces/depot-north/{path}");
        let cut = service.get(SYSTEM_ADMIN, &path).await.of(200);
        assert_eq!(cut[name].as_array().map(Vec::len), Some(100));
        assert!(cut["next_cursor"].is_string());
        let whole = service
            .get(SYSTEM_ADMIN, &format!("{path}?limit=1000"))
            .await
            .of(200);
        assert_eq!(whole[name].as_array().map(Vec::len), Some(101));
    }
}
