//! Silent devices: of a workspace, of all, and what has been done about one.

use insta::assert_snapshot;
use serde_json::json;
use testkit::{a_device, a_report, a_workspace, minutes};

use super::shape;
use crate::service::{ACCOUNTS, NORTH, SUPPORT, Service, VIEWER};

const FOLLOW_UP: &str = "/workspaces/depot-north/devices/silent/follow-up";

/// A device that is silent and has been followed up, and one that never reported.
async fn service() -> Service {
    let workspace = a_workspace(NORTH)
        .with(a_device("never"))
        .with(a_device("silent").silent_for(minutes(40)));
    let (service, fleet) = Service::with(workspace).await;
    fleet
        .polled([a_report("sim-main").missing(["never", "silent"])])
        .await;
    let body = json!({"contacted": true, "snoozed_until": null, "note": "unit unplugged"});
    service.put(SUPPORT, FOLLOW_UP, &body).await.of(200);
    service
}

#[tokio::test]
async fn stale_devices_are_of_this_shape() {
    let service = service().await;
    let path = "/workspaces/depot-north/stale-devices";
    let answer = service.get(VIEWER, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "devices": [
        {
          "configured_at": "2026-11-22T08:00:00Z",
          "device_id": "never",
          "follow_up": {"contacted": false, "note": null, "snoozed_until": null, "updated_at": null, "updated_by": null},
          "grace_exceeded_at": "2026-11-22T09:00:00Z",
          "last_returned_at": null,
          "last_update_received_at": null,
          "next_step": "<text>",
          "provider_id": "sim-main",
          "provider_type": "depot_sim",
          "reason": "not_returned_by_provider",
          "responsibility": "device",
          "silent_minutes": 1440,
          "state": "configured-no-data",
          "vehicle_id": "never-vehicle",
          "workspace_id": "depot-north",
          "workspace_name": "depot-north"
        },
        {
          "configured_at": "2026-11-22T08:00:00Z",
          "device_id": "silent",
          "follow_up": {
            "contacted": true,
            "note": "unit unplugged",
            "snoozed_until": null,
            "updated_at": "2026-11-23T08:00:00Z",
            "updated_by": "person:dev-user"
          },
          "grace_exceeded_at": null,
          "last_returned_at": null,
          "last_update_received_at": "2026-11-23T07:20:00Z",
          "next_step": "<text>",
          "provider_id": "sim-main",
          "provider_type": "depot_sim",
          "reason": "not_returned_by_provider",
          "responsibility": "device",
          "silent_minutes": 40,
          "state": "stale",
          "vehicle_id": "silent-vehicle",
          "workspace_id": "depot-north",
          "workspace_name": "depot-north"
        }
      ],
      "evaluated_at": "2026-11-23T08:00:00Z",
      "next_cursor": null
    }
    "#);
}

#[tokio::test]
async fn follow_ups_are_of_this_shape() {
    let service = service().await;
    let path = "/follow-ups?reason=not_returned_by_provider&limit=1";
    let mut answer = service.get(ACCOUNTS, path).await.of(200);
    assert!(answer["next_cursor"].take().is_string(), "{answer}");
    assert_snapshot!(shape(&answer), @r#"
    {
      "evaluated_at": "2026-11-23T08:00:00Z",
      "follow_ups": [
        {
          "configured_at": "2026-11-22T08:00:00Z",
          "device_id": "never",
          "follow_up": {"contacted": false, "note": null, "snoozed_until": null, "updated_at": null, "updated_by": null},
          "grace_exceeded_at": "2026-11-22T09:00:00Z",
          "last_returned_at": null,
          "last_update_received_at": null,
          "next_step": "<text>",
          "provider_id": "sim-main",
          "provider_type": "depot_sim",
          "reason": "not_returned_by_provider",
          "responsibility": "device",
          "silent_minutes": 1440,
          "state": "configured-no-data",
          "vehicle_id": "never-vehicle",
          "workspace_id": "depot-north",
          "workspace_name": "depot-north"
        }
      ],
      "next_cursor": null
    }
    "#);
}

#[tokio::test]
async fn a_follow_up_is_of_this_shape() {
    let service = service().await;
    let body = json!({"contacted": false, "snoozed_until": "2026-11-24T08:00:00Z", "note": null});
    let answer = service.put(ACCOUNTS, FOLLOW_UP, &body).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "contacted": false,
      "note": null,
      "snoozed_until": "2026-11-24T08:00:00Z",
      "updated_at": "2026-11-23T08:00:00Z",
      "updated_by": "person:dev-user"
    }
    "#);
}
