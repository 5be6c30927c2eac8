//! What is configured: workspace, policy, device, provider connection, features.

use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use super::shape;
use crate::service::{NORTH, SYSTEM_ADMIN, Service, VIEWER};

async fn get(path: &str) -> Value {
    let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    let path = format!("/workspaces/depot-north{path}");
    service.get(SYSTEM_ADMIN, &path).await.of(200)
}

#[tokio::test]
async fn a_workspace_is_of_this_shape() {
    let answer = get("").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "active": true,
      "created_at": "2026-11-22T08:00:00Z",
      "name": "depot-north",
      "schedule": {"interval_seconds": 300, "next_due_at": "2026-11-23T08:04:05Z", "offset_seconds": 185},
      "workspace_id": "depot-north"
    }
    "#);
}

#[tokio::test]
async fn a_policy_is_of_this_shape() {
    let answer = get("/policy").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "no_data_grace_minutes": 60,
      "poll_interval_minutes": 5,
      "schedule": {"applied_at": null, "expression": "cron(3/5 * * * ? *)", "state": "pending"},
      "stale_threshold_minutes": 15,
      "version": 1
    }
    "#);
}

#[tokio::test]
async fn a_device_is_of_this_shape() {
    let answer = get("/devices/bus-1").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "activated_at": "2026-11-22T08:00:00Z",
      "active": true,
      "configured_at": "2026-11-22T08:00:00Z",
      "device_id": "bus-1",
      "external_id": "bus-1-unit",
      "provider_id": "sim-main",
      "vehicle_id": "bus-1-vehicle"
    }
    "#);
}

#[tokio::test]
async fn a_list_of_devices_is_of_this_shape() {
    let answer = get("/devices").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "devices": [
        {
          "activated_at": "2026-11-22T08:00:00Z",
          "active": true,
          "configured_at": "2026-11-22T08:00:00Z",
          "device_id": "bus-1",
          "external_id": "bus-1-unit",
          "provider_id": "sim-main",
          "vehicle_id": "bus-1-vehicle"
        }
      ],
      "next_cursor": null
    }
    "#);
}

#[tokio::test]
async fn a_provider_connection_is_of_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let path = "/workspaces/depot-north/provider-connections/geotab-main";
    let body = json!({
        "provider_type": "geotab", "base_url": "https://my.geotab.com/apiv1",
        "credential_ref": "env:PROVIDER_GEOTAB_NORTH", "settings": {"database": "north"},
        "expected_reporting_interval_minutes": 15,
    });
    let answer = service.put(SYSTEM_ADMIN, path, &body).await.of(201);
    assert_snapshot!(shape(&answer), @r#"
    {
      "base_url": "https://my.geotab.com/apiv1",
      "credential_ref": "env:PROVIDER_GEOTAB_NORTH",
      "enabled": true,
      "expected_reporting_interval_minutes": 15,
      "provider_id": "geotab-main",
      "provider_type": "geotab",
      "settings": {"database": "north"},
      "version": 1
    }
    "#);
}

#[tokio::test]
async fn features_are_of_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let path = "/workspaces/depot-north/features";
    let answer = service.get(VIEWER, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"{"workspace-telematics-mvp-settings": true}"#);
}
