//! Workspaces and their features.

use serde_json::{Value, json};
use testkit::a_workspace;

use crate::service::{ACCOUNTS, NORTH, SYSTEM_ADMIN, Service, VIEWER};

#[tokio::test]
async fn a_workspace_is_registered_shown_and_listed_alike() {
    let service = Service::start().await;
    let put = service
        .put(
            SYSTEM_ADMIN,
            "/workspaces/depot-north",
            &json!({"name": "Depot North", "active": true}),
        )
        .await;
    let mut shown = put.of(201);
    assert_eq!(put.version(), 1);
    assert_eq!(
        service.get(VIEWER, "/workspaces/depot-north").await.of(200),
        shown
    );
    let listed = service.get(ACCOUNTS, "/workspaces").await.of(200);
    assert_eq!(listed, json!({"workspaces": [shown], "next_cursor": null}));

    let schedule = shown["schedule"].take();
    assert_eq!(
        shown,
        json!({"workspace_id": "depot-north", "name": "Depot North", "active": true, "created_at": "2026-11-23T08:00:00Z", "schedule": null})
    );
    assert_eq!(schedule["interval_seconds"], 300);
    assert!(
        schedule["offset_seconds"]
            .as_u64()
            .is_some_and(|seconds| seconds < 300)
    );
    let due: chrono::DateTime<chrono::Utc> =
        serde_json::from_value(schedule["next_due_at"].clone()).expect("a time");
    assert!(due > testkit::start(), "{due}");
    assert_eq!(schedule.as_object().map(serde_json::Map::len), Some(3));

    let again = service
        .put(
            SYSTEM_ADMIN,
            "/workspaces/depot-north",
            &json!({"name": "North", "active": false}),
        )
        .await;
    assert_eq!((again.status, again.version()), (200, 2));
    assert_eq!(
        (&again.of(200)["name"], &again.of(200)["active"]),
        (&json!("North"), &json!(false))
    );
}

#[tokio::test]
async fn a_new_workspace_belongs_to_the_legacy_service_unless_registered_otherwise() {
    let service = Service::start().await;
    let name = json!({"name": "North", "active": true});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-north", &name)
        .await
        .of(201);
    let flags = service
        .get(SYSTEM_ADMIN, "/workspaces/depot-north/cutover")
        .await
        .of(200);
    for (flag, value) in [
        ("device_registry_source", "legacy_sync"),
        ("poll_owner", "legacy"),
        ("read_owner", "legacy"),
        ("provider_mode", "legacy_provider"),
    ] {
        assert_eq!(flags[flag], value);
    }
    assert_eq!(flags["version"], 1);

    let cutover = json!({"device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed"});
    let with_flags = json!({"name": "South", "active": true, "cutover": cutover});
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-south", &with_flags)
        .await
        .of(201);
    // The same flags again are no change; others change by their own resource.
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-south", &with_flags)
        .await
        .of(200);
    let mut others = with_flags;
    others["cutover"]["poll_owner"] = json!("legacy");
    others["name"] = json!("Another");
    service
        .put(SYSTEM_ADMIN, "/workspaces/depot-south", &others)
        .await
        .problem(409, "conflict");
    assert_eq!(
        service
            .get(SYSTEM_ADMIN, "/workspaces/depot-south")
            .await
            .of(200)["name"],
        "South"
    );
}

#[tokio::test]
async fn an_unknown_workspace_is_404_everywhere() {
    let service = Service::start().await;
    for path in [
        "",
        "/policy",
        "/cutover",
        "/cutover/history",
        "/devices",
        "/devices/bus-1",
        "/provider-connections",
        "/provider-connections/p",
        "/health",
        "/snapshots",
        "/poll-cycles",
        "/features",
    ] {
        service
            .get(SYSTEM_ADMIN, &format!("/workspaces/depot-north{path}"))
            .await
            .problem(404, "not-found");
    }
    let bodies = [
        (
            "/policy",
            json!({"poll_interval_minutes": 5, "stale_threshold_minutes": 15, "no_data_grace_minutes": 60}),
        ),
        (
            "/devices/bus-1",
            json!({"vehicle_id": "v", "provider_id": "p", "external_id": "x"}),
        ),
        (
            "/provider-connections/p",
            json!({"provider_type": "depot_sim", "base_url": "http://127.0.0.1:1"}),
        ),
    ];
    for (path, body) in bodies {
        service
            .put(
                SYSTEM_ADMIN,
                &format!("/workspaces/depot-north{path}"),
                &body,
            )
            .await
            .problem(404, "not-found");
    }
    for path in ["/devices/bus-1", "/provider-connections/p"] {
        service
            .delete(SYSTEM_ADMIN, &format!("/workspaces/depot-north{path}"))
            .await
            .problem(404, "not-found");
    }
    service
        .post(
            SYSTEM_ADMIN,
            "/workspaces/depot-north/cutover/rollback",
            &json!({}),
        )
        .await
        .problem(404, "not-found");
    service
        .post(
            SYSTEM_ADMIN,
            "/poll-cycles",
            &json!({"workspace_id": "depot-north"}),
        )
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn features_come_from_configuration_and_gate_no_api() {
    for enabled in [true, false] {
        let service =
            Service::start_with(|state| state.features.workspace_settings = enabled).await;
        a_workspace(NORTH).create(&service.fixture).await;
        let features: Value = service
            .get(VIEWER, "/workspaces/depot-north/features")
            .await
            .of(200);
        assert_eq!(
            features,
            json!({"workspace-telematics-mvp-settings": enabled})
        );
        service
            .get(VIEWER, "/workspaces/depot-north/policy")
            .await
            .of(200);
    }
}
