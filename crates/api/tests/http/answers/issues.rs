//! Issues of a workspace.

use domain::polling::ErrorClass;
use insta::assert_snapshot;
use testkit::{a_connection, a_device, a_report, a_workspace, minutes};

use super::shape;
use crate::service::{NORTH, Service, VIEWER};

#[tokio::test]
async fn issues_are_of_this_shape() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-down"))
        .with(a_device("down").through("sim-down").silent_for(minutes(20)))
        .with(a_device("never"));
    let (service, fleet) = Service::with(workspace).await;
    let down = a_report("sim-down").failed(ErrorClass::Unavailable);
    fleet
        .polled([a_report("sim-main").missing(["never"]), down])
        .await;
    let path = "/workspaces/depot-north/issues";
    let answer = service.get(VIEWER, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "authoritative": true,
      "evaluated_at": "2026-11-23T08:00:00Z",
      "issues": [
        {
          "code": "not_returned_by_provider",
          "evidence": {"cycle_ids": ["<uuid 1>"], "error": null},
          "impacted": [
            {
              "configured_at": "2026-11-22T08:00:00Z",
              "device_id": "never",
              "grace_exceeded_at": "2026-11-22T09:00:00Z",
              "last_update_received_at": null,
              "state": "configured-no-data",
              "state_of_charge_observed_at": null,
              "vehicle_id": "never-vehicle"
            }
          ],
          "impacted_by_state": {"configured-no-data": 1},
          "impacted_count": 1,
          "impacted_vehicle_count": 1,
          "next_step": "<text>",
          "opened_at": "2026-11-22T09:00:00Z",
          "provider_id": "sim-main",
          "responsibility": "device",
          "severity": "error"
        },
        {
          "code": "provider_unavailable",
          "evidence": {"cycle_ids": ["<uuid 1>"], "error": "unavailable: as the test has it"},
          "impacted": [
            {
              "configured_at": "2026-11-22T08:00:00Z",
              "device_id": "down",
              "grace_exceeded_at": null,
              "last_update_received_at": "2026-11-23T07:40:00Z",
              "state": "stale",
              "state_of_charge_observed_at": "2026-11-23T07:40:00Z",
              "vehicle_id": "down-vehicle"
            }
          ],
          "impacted_by_state": {"stale": 1},
          "impacted_count": 1,
          "impacted_vehicle_count": 1,
          "next_step": "<text>",
          "opened_at": "2026-11-23T07:51:00Z",
          "provider_id": "sim-down",
          "responsibility": "provider",
          "severity": "error"
        }
      ],
      "next_cursor": null,
      "workspace_id": "depot-north"
    }
    "#);
}
