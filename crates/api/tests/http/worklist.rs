//! Whom to follow up: a workspace's silent devices, and those of all workspaces, as JSON.

use domain::fleet::{Cutover, ReadOwner};
use domain::polling::ErrorClass;
use serde_json::{Value, json};
use testkit::{
    CORE_OWNED, WorkspaceBuilder, a_connection, a_device, a_report, a_workspace, minutes,
};

use crate::service::{ACCOUNTS, NORTH, READ, SUPPORT, Service, VIEWER};

/// Devices on either side of silence.
fn north() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .with(a_device("awaiting").configured(minutes(10)))
        .with(a_device("delayed").silent_for(minutes(10)))
        .with(a_device("never").configured(minutes(120)))
        .with(a_device("silent").silent_for(minutes(40)))
        .with(a_device("well").silent_for(minutes(2)))
}

fn south() -> WorkspaceBuilder {
    a_workspace("depot-south")
        .through(a_connection("south-main"))
        .with(
            a_device("silent")
                .through("south-main")
                .silent_for(minutes(90)),
        )
}

fn legacy() -> WorkspaceBuilder {
    let flags = Cutover {
        read_owner: ReadOwner::Legacy,
        ..CORE_OWNED
    };
    a_workspace("depot-west")
        .flags(flags)
        .with(a_device("silent").silent_for(minutes(100)))
}

async fn service() -> Service {
    let (service, depot) = Service::with(north()).await;
    depot
        .polled([a_report("sim-main").missing(["silent", "never"])])
        .await;
    let south = south().create(&service.fixture).await;
    south
        .polled([a_report("south-main").failed(ErrorClass::Unavailable)])
        .await;
    legacy().create(&service.fixture).await;
    service
}

/// Workspace and device of each row.
fn rows(answer: &Value, name: &str) -> Vec<String> {
    let rows = answer[name].as_array().expect("a list");
    let text = |row: &Value, member: &str| row[member].as_str().expect("text").to_owned();
    rows.iter()
        .map(|row| {
            let workspace = text(row, "workspace_id");
            let short = workspace
                .strip_prefix("depot-")
                .expect("a depot")
                .to_owned();
            format!("{short}/{}", text(row, "device_id"))
        })
        .collect()
}

async fn follow_ups(service: &Service, query: &str) -> Vec<String> {
    let answer = service.get(ACCOUNTS, &format!("/follow-ups{query}")).await;
    rows(&answer.of(200), "follow_ups")
}

#[tokio::test]
async fn the_list_of_all_is_the_oldest_silence_first_of_workspaces_that_were_cut_over() {
    let service = service().await;
    assert_eq!(
        follow_ups(&service, "").await,
        ["north/never", "south/silent", "north/silent"]
    );
    assert_eq!(
        follow_ups(&service, "?include=not_cut_over").await,
        ["north/never", "west/silent", "south/silent", "north/silent"]
    );
    // Their own people see them in their own list, whoever owns the reads.
    let path = "/workspaces/depot-west/stale-devices";
    let own = service.get(SUPPORT, path).await.of(200);
    assert_eq!(rows(&own, "devices"), ["west/silent"]);
    service.get(READ, "/follow-ups").await.of(200);
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let service = service().await;
    for (query, expected) in [
        ("?reason=provider_unavailable", &["south/silent"][..]),
        ("?responsibility=device", &["north/never", "north/silent"]),
        ("?responsibility=ours", &[]),
        ("?provider=south-main", &["south/silent"]),
        ("?provider=sim-main", &["north/never", "north/silent"]),
        (
            "?provider=depot_sim",
            &["north/never", "south/silent", "north/silent"],
        ),
        ("?provider=geotab", &[]),
        ("?workspace=depot-north", &["north/never", "north/silent"]),
        ("?workspace=depot-nowhere", &[]),
        ("?workspace=depot-west", &[]),
        (
            "?workspace=depot-west&include=not_cut_over",
            &["west/silent"],
        ),
        ("?silent_for_minutes=90", &["north/never", "south/silent"]),
        ("?silent_for_minutes=91", &["north/never"]),
        ("?silent_for_minutes=5256000", &[]),
        (
            "?workspace=depot-north&reason=not_returned_by_provider&silent_for_minutes=41",
            &["north/never"],
        ),
    ] {
        assert_eq!(follow_ups(&service, query).await, expected, "{query}");
    }
    let path = "/workspaces/depot-north/stale-devices?silent_for_minutes=41";
    let narrowed = service.get(VIEWER, path).await.of(200);
    assert_eq!(rows(&narrowed, "devices"), ["north/never"]);
}

#[tokio::test]
async fn what_is_no_filter_is_named() {
    let service = service().await;
    for (query, wrong) in [
        ("nope=1", "nope"),
        ("reason=because", "reason"),
        ("responsibility=mine", "responsibility"),
        ("provider=-x", "provider"),
        ("provider=%00", "provider"),
        ("workspace=a:b", "workspace"),
        ("silent_for_minutes=-1", "silent_for_minutes"),
        ("silent_for_minutes=%2B1", "silent_for_minutes"),
        ("silent_for_minutes=1.5", "silent_for_minutes"),
        ("silent_for_minutes=5256001", "silent_for_minutes"),
        ("silent_for_minutes=", "silent_for_minutes"),
        ("include=everything", "include"),
        ("include=not_cut_over&include=not_cut_over", "include"),
        ("cursor=abc", "cursor"),
        ("limit=0", "limit"),
    ] {
        let path = format!("/follow-ups?{query}");
        service.get(ACCOUNTS, &path).await.names(&[wrong]);
    }
    // What all workspaces are narrowed by means nothing in one.
    for query in ["workspace=depot-north", "include=not_cut_over"] {
        let path = format!("/workspaces/depot-north/stale-devices?{query}");
        let named = query.split('=').next().expect("a name");
        service.get(VIEWER, &path).await.names(&[named]);
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_list_and_filter_alone() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let service = service().await;
    let first = service.get(ACCOUNTS, "/follow-ups?limit=1").await.of(200);
    let cursor = first["next_cursor"].as_str().expect("more");
    let next = format!("/follow-ups?limit=1&cursor={cursor}");
    let second = service.get(ACCOUNTS, &next).await.of(200);
    assert_eq!(rows(&second, "follow_ups"), ["south/silent"]);
    for other in [
        format!("/follow-ups?provider=sim-main&cursor={cursor}"),
        format!("/workspaces/depot-north/stale-devices?cursor={cursor}"),
    ] {
        service.get(ACCOUNTS, &other).await.names(&["cursor"]);
    }
    let decoded = URL_SAFE_NO_PAD.decode(cursor).expect("base64");
    let held: Value = serde_json::from_slice(&decoded).expect("JSON");
    for after in [
        "",
        "now",
        "2026-11-23T06:00:00Z",
        "2026-11-23T06:00:00Z depot-north",
        "2026-11-23T06:00:00Z depot-north a b",
        "2026-11-23T06:00:00Z 'or'1'='1 bus",
        "99999-11-23T06:00:00Z depot-north bus",
    ] {
        let mut forged = held.clone();
        forged["a"] = json!(after);
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        let path = format!("/follow-ups?limit=1&cursor={forged}");
        service.get(ACCOUNTS, &path).await.names(&["cursor"]);
    }
}
