//! Values of a device.

use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace, an_update, minutes, seconds, start};

use super::shape;
use crate::service::{NORTH, Service, VIEWER};

/// Two devices on one vehicle: one that reported values of each kind, one of another time; and a device
/// without data.
pub async fn service() -> Service {
    let workspace = a_workspace(NORTH)
        .with(a_device("front").fitted_to("coach"))
        .with(a_device("rear").fitted_to("coach"))
        .with(a_device("new"));
    let (service, fleet) = Service::with(workspace).await;
    let place = json!({"latitude_deg": 52.0934, "longitude_deg": 5.1173});
    let front = an_update("front")
        .observed(start() - seconds(64))
        .with("state_of_charge_percent", 71.5)
        .with("ignition_on", true)
        .with("charging_state", "charging")
        .with("position", place)
        .with("range_km", 90_000)
        .with("heading_deg", -1);
    let rear = an_update("rear")
        .observed(start() - minutes(16))
        .with("state_of_charge_percent", 72)
        .with("speed_kmh", 0);
    fleet.push([front, rear]).await;
    service
}

pub async fn get(service: &Service, path: &str) -> Value {
    let path = format!("/workspaces/depot-north{path}");
    service.get(VIEWER, &path).await.of(200)
}

#[tokio::test]
async fn a_snapshot_is_of_this_shape() {
    let service = service().await;
    let answer = get(&service, "/snapshots/front").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "absent": [
        {"reason": "never_reported", "signal": "state_of_health_percent"},
        {"reason": "never_reported", "signal": "energy_remaining_kwh"},
        {"reason": "never_reported", "signal": "energy_used_kwh"},
        {"reason": "never_reported", "signal": "battery_power_kw"},
        {"reason": "never_reported", "signal": "plugged_in"},
        {"reason": "out_of_range", "signal": "range_km"},
        {"reason": "never_reported", "signal": "odometer_km"},
        {"reason": "never_reported", "signal": "speed_kmh"},
        {"reason": "not_available", "signal": "heading_deg"},
        {"reason": "never_reported", "signal": "ambient_temperature_celsius"},
        {"reason": "never_reported", "signal": "battery_temperature_celsius"}
      ],
      "device_id": "front",
      "last_observed_at": "2026-11-23T07:58:56Z",
      "last_update_received_at": "2026-11-23T08:00:00Z",
      "signals": {
        "charging_state": {
          "age_seconds": 64,
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "",
          "value": "charging"
        },
        "ignition_on": {
          "age_seconds": 64,
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "",
          "value": true
        },
        "position": {
          "age_seconds": 64,
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "degrees",
          "value": {"latitude_deg": 52.0934, "longitude_deg": 5.1173}
        },
        "state_of_charge_percent": {
          "age_seconds": 64,
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "percent",
          "value": 71.5
        }
      },
      "source": "core",
      "vehicle_id": "coach",
      "version": 1
    }
    "#);
}

#[tokio::test]
async fn a_snapshot_of_a_device_without_data_is_of_this_shape() {
    let service = service().await;
    let answer = get(&service, "/snapshots/new?signal=speed_kmh").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "absent": [{"reason": "never_reported", "signal": "speed_kmh"}],
      "device_id": "new",
      "last_observed_at": null,
      "last_update_received_at": null,
      "signals": {},
      "source": "core",
      "vehicle_id": "new-vehicle",
      "version": 0
    }
    "#);
}

#[tokio::test]
async fn a_list_of_snapshots_is_of_this_shape() {
    let service = service().await;
    let answer = get(&service, "/snapshots?signal=state_of_charge_percent").await;
    assert_snapshot!(shape(&answer), @r#"
    {
      "next_cursor": null,
      "snapshots": [
        {
          "absent": [],
          "device_id": "front",
          "last_observed_at": "2026-11-23T07:58:56Z",
          "last_update_received_at": "2026-11-23T08:00:00Z",
          "signals": {
            "state_of_charge_percent": {
              "age_seconds": 64,
              "observed_at": "2026-11-23T07:58:56Z",
              "provider_id": "sim-main",
              "state": "fresh",
              "unit": "percent",
              "value": 71.5
            }
          },
          "source": "core",
          "vehicle_id": "coach",
          "version": 1
        },
        {
          "absent": [{"reason": "never_reported", "signal": "state_of_charge_percent"}],
          "device_id": "new",
          "last_observed_at": null,
          "last_update_received_at": null,
          "signals": {},
          "source": "core",
          "vehicle_id": "new-vehicle",
          "version": 0
        },
        {
          "absent": [],
          "device_id": "rear",
          "last_observed_at": "2026-11-23T07:44:00Z",
          "last_update_received_at": "2026-11-23T08:00:00Z",
          "signals": {
            "state_of_charge_percent": {
              "age_seconds": 960,
              "observed_at": "2026-11-23T07:44:00Z",
              "provider_id": "sim-main",
              "state": "stale",
              "unit": "percent",
              "value": 72.0
            }
          },
          "source": "core",
          "vehicle_id": "coach",
          "version": 1
        }
      ]
    }
    "#);
}
