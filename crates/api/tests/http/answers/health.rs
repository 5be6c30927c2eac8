//! Health of a workspace, by device and by vehicle.

use insta::assert_snapshot;
use testkit::{WorkspaceBuilder, a_device, a_report, a_workspace, minutes};

use super::shape;
use crate::service::{NORTH, Service, VIEWER};

/// A device that is healthy and one that is stale on one vehicle, one that never reported, and a new one.
fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .with(a_device("front").fitted_to("coach").silent_for(minutes(2)))
        .with(a_device("rear").fitted_to("coach").silent_for(minutes(21)))
        .with(a_device("never").configured(minutes(120)))
        .with(a_device("new").configured(minutes(10)))
}

async fn health(query: &str) -> serde_json::Value {
    let (service, fleet) = Service::with(depot()).await;
    fleet
        .polled([a_report("sim-main").missing(["never", "rear"])])
        .await;
    let path = format!("/workspaces/depot-north/health{query}");
    service.get(VIEWER, &path).await.of(200)
}

#[tokio::test]
async fn health_by_device_is_of_this_shape() {
    let answer = health("").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "authoritative": true,
      "counts": {"awaiting-first-data": 1, "configured-no-data": 1, "delayed": 0, "healthy": 1, "stale": 1},
      "devices": [
        {
          "activated_at": "2026-11-22T08:00:00Z",
          "age_seconds": 120,
          "configured_at": "2026-11-22T08:00:00Z",
          "device_id": "front",
          "grace_exceeded_at": null,
          "lag_seconds": 0,
          "last_observed_at": "2026-11-23T07:58:00Z",
          "last_returned_at": "2026-11-23T08:00:00Z",
          "last_update_received_at": "2026-11-23T07:58:00Z",
          "next_step": null,
          "provider_id": "sim-main",
          "reason": null,
          "rejection": null,
          "responsibility": null,
          "severity": null,
          "since": null,
          "stale_threshold_seconds": 900,
          "state": "healthy",
          "vehicle_id": "coach"
        },
        {
          "activated_at": "2026-11-23T06:00:00Z",
          "age_seconds": null,
          "configured_at": "2026-11-23T06:00:00Z",
          "device_id": "never",
          "grace_exceeded_at": "2026-11-23T07:00:00Z",
          "lag_seconds": null,
          "last_observed_at": null,
          "last_returned_at": null,
          "last_update_received_at": null,
          "next_step": "<text>",
          "provider_id": "sim-main",
          "reason": "not_returned_by_provider",
          "rejection": null,
          "responsibility": "device",
          "severity": "error",
          "since": "2026-11-23T07:00:00Z",
          "stale_threshold_seconds": 900,
          "state": "configured-no-data",
          "vehicle_id": "never-vehicle"
        },
        {
          "activated_at": "2026-11-23T07:50:00Z",
          "age_seconds": null,
          "configured_at": "2026-11-23T07:50:00Z",
          "device_id": "new",
          "grace_exceeded_at": null,
          "lag_seconds": null,
          "last_observed_at": null,
          "last_returned_at": "2026-11-23T08:00:00Z",
          "last_update_received_at": null,
          "next_step": "<text>",
          "provider_id": "sim-main",
          "reason": "no_new_reading",
          "rejection": null,
          "responsibility": "device",
          "severity": "info",
          "since": "2026-11-23T07:50:00Z",
          "stale_threshold_seconds": 900,
          "state": "awaiting-first-data",
          "vehicle_id": "new-vehicle"
        },
        {
          "activated_at": "2026-11-22T08:00:00Z",
          "age_seconds": 1260,
          "configured_at": "2026-11-22T08:00:00Z",
          "device_id": "rear",
          "grace_exceeded_at": null,
          "lag_seconds": 0,
          "last_observed_at": "2026-11-23T07:39:00Z",
          "last_returned_at": null,
          "last_update_received_at": "2026-11-23T07:39:00Z",
          "next_step": "<text>",
          "provider_id": "sim-main",
          "reason": "not_returned_by_provider",
          "rejection": null,
          "responsibility": "device",
          "severity": "warning",
          "since": "2026-11-23T07:54:00Z",
          "stale_threshold_seconds": 900,
          "state": "stale",
          "vehicle_id": "coach"
        }
      ],
      "evaluated_at": "2026-11-23T08:00:00Z",
      "freshness": {"eligible_devices": 3, "within_5_minutes": 1, "within_5_minutes_percent": 33.33},
      "next_cursor": null,
      "policy": {"no_data_grace_minutes": 60, "poll_interval_minutes": 5, "stale_threshold_minutes": 15},
      "source": "core",
      "workspace_id": "depot-north"
    }
    "#);
}

#[tokio::test]
async fn health_by_vehicle_is_of_this_shape() {
    let answer = health("?by=vehicle&vehicle=coach").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "authoritative": true,
      "counts": {"awaiting-first-data": 1, "configured-no-data": 1, "delayed": 0, "healthy": 1, "stale": 1},
      "evaluated_at": "2026-11-23T08:00:00Z",
      "freshness": {"eligible_devices": 3, "within_5_minutes": 1, "within_5_minutes_percent": 33.33},
      "next_cursor": null,
      "policy": {"no_data_grace_minutes": 60, "poll_interval_minutes": 5, "stale_threshold_minutes": 15},
      "source": "core",
      "vehicles": [
        {
          "devices": [
            {
              "activated_at": "2026-11-22T08:00:00Z",
              "age_seconds": 120,
              "configured_at": "2026-11-22T08:00:00Z",
              "device_id": "front",
              "grace_exceeded_at": null,
              "lag_seconds": 0,
              "last_observed_at": "2026-11-23T07:58:00Z",
              "last_returned_at": "2026-11-23T08:00:00Z",
              "last_update_received_at": "2026-11-23T07:58:00Z",
              "next_step": null,
              "provider_id": "sim-main",
              "reason": null,
              "rejection": null,
              "responsibility": null,
              "severity": null,
              "since": null,
              "stale_threshold_seconds": 900,
              "state": "healthy",
              "vehicle_id": "coach"
            },
            {
              "activated_at": "2026-11-22T08:00:00Z",
              "age_seconds": 1260,
              "configured_at": "2026-11-22T08:00:00Z",
              "device_id": "rear",
              "grace_exceeded_at": null,
              "lag_seconds": 0,
              "last_observed_at": "2026-11-23T07:39:00Z",
              "last_returned_at": null,
              "last_update_received_at": "2026-11-23T07:39:00Z",
              "next_step": "<text>",
              "provider_id": "sim-main",
              "reason": "not_returned_by_provider",
              "rejection": null,
              "responsibility": "device",
              "severity": "warning",
              "since": "2026-11-23T07:54:00Z",
              "stale_threshold_seconds": 900,
              "state": "stale",
              "vehicle_id": "coach"
            }
          ],
          "last_update_received_at": "2026-11-23T07:58:00Z",
          "state": "healthy",
          "vehicle_id": "coach",
          "worst_device_state": "stale"
        }
      ],
      "workspace_id": "depot-north"
    }
    "#);
}
