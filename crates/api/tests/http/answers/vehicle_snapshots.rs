//! Values of a vehicle, merged from its devices.

use insta::assert_snapshot;

use super::shape;
use super::snapshots::{get, service};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the answer is shown whole")]
async fn a_vehicles_snapshot_is_of_this_shape() {
    let service = service().await;
    let answer = get(&service, "/vehicles/coach/snapshot").await;
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
        {"reason": "not_available", "signal": "heading_deg"},
        {"reason": "never_reported", "signal": "ambient_temperature_celsius"},
        {"reason": "never_reported", "signal": "battery_temperature_celsius"}
      ],
      "devices": [
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
        },
        {
          "absent": [
            {"reason": "never_reported", "signal": "state_of_health_percent"},
            {"reason": "never_reported", "signal": "energy_remaining_kwh"},
            {"reason": "never_reported", "signal": "energy_used_kwh"},
            {"reason": "never_reported", "signal": "battery_power_kw"},
            {"reason": "never_reported", "signal": "charging_state"},
            {"reason": "never_reported", "signal": "plugged_in"},
            {"reason": "never_reported", "signal": "range_km"},
            {"reason": "never_reported", "signal": "odometer_km"},
            {"reason": "never_reported", "signal": "position"},
            {"reason": "never_reported", "signal": "heading_deg"},
            {"reason": "never_reported", "signal": "ignition_on"},
            {"reason": "never_reported", "signal": "ambient_temperature_celsius"},
            {"reason": "never_reported", "signal": "battery_temperature_celsius"}
          ],
          "device_id": "rear",
          "last_observed_at": "2026-11-23T07:44:00Z",
          "last_update_received_at": "2026-11-23T08:00:00Z",
          "signals": {
            "speed_kmh": {
              "age_seconds": 960,
              "observed_at": "2026-11-23T07:44:00Z",
              "provider_id": "sim-main",
              "state": "stale",
              "unit": "km/h",
              "value": 0.0
            },
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
      ],
      "last_observed_at": "2026-11-23T07:58:56Z",
      "last_update_received_at": "2026-11-23T08:00:00Z",
      "signals": {
        "charging_state": {
          "age_seconds": 64,
          "device_id": "front",
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "",
          "value": "charging"
        },
        "ignition_on": {
          "age_seconds": 64,
          "device_id": "front",
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "",
          "value": true
        },
        "position": {
          "age_seconds": 64,
          "device_id": "front",
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "degrees",
          "value": {"latitude_deg": 52.0934, "longitude_deg": 5.1173}
        },
        "speed_kmh": {
          "age_seconds": 960,
          "device_id": "rear",
          "observed_at": "2026-11-23T07:44:00Z",
          "provider_id": "sim-main",
          "state": "stale",
          "unit": "km/h",
          "value": 0.0
        },
        "state_of_charge_percent": {
          "age_seconds": 64,
          "device_id": "front",
          "observed_at": "2026-11-23T07:58:56Z",
          "provider_id": "sim-main",
          "state": "fresh",
          "unit": "percent",
          "value": 71.5
        }
      },
      "source": "core",
      "vehicle_id": "coach"
    }
    "#);
}
