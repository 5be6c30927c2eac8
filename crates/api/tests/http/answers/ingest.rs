//! What becomes of updates, item by item.

use insta::assert_snapshot;
use serde_json::json;
use testkit::{a_device, a_workspace, minutes, start};

use super::shape;
use crate::service::{INGEST, NORTH, Service};

#[tokio::test]
async fn the_results_of_updates_are_of_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    let reading = |minutes_ago: i64| {
        json!({"device_id": "bus-1", "observed_at": start() - minutes(minutes_ago), "message_id": "m",
               "signals": {"odometer_km": 88526.4, "speed_kmh": 900}})
    };
    let both = json!({"device_id": "bus-1", "observed_at": start() - minutes(2),
                      "signals": {"odometer_km": 1, "range_km": 210}});
    let unknown = json!({"provider_id": "sim-main", "external_id": "b2C", "observed_at": start(),
                         "signals": {"speed_kmh": 0}});
    let updates = [
        reading(1),
        reading(1),
        reading(2),
        both,
        unknown,
        json!({"device_id": "bus-1"}),
    ];
    let path = "/workspaces/depot-north/ingest";
    let answer = service
        .post(INGEST, path, &json!({"updates": updates}))
        .await;
    let answer = answer.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "results": [
        {
          "device_id": "bus-1",
          "dropped_signals": [{"reason": "out_of_range", "signal": "speed_kmh"}],
          "ignored_signals": [],
          "index": 0,
          "message_id": "m",
          "outcome": "accepted",
          "reason": null
        },
        {
          "device_id": "bus-1",
          "dropped_signals": [{"reason": "out_of_range", "signal": "speed_kmh"}],
          "ignored_signals": [],
          "index": 1,
          "message_id": "m",
          "outcome": "duplicate",
          "reason": null
        },
        {
          "device_id": "bus-1",
          "dropped_signals": [{"reason": "out_of_range", "signal": "speed_kmh"}],
          "ignored_signals": [],
          "index": 2,
          "message_id": "m",
          "outcome": "stale",
          "reason": null
        },
        {
          "device_id": "bus-1",
          "dropped_signals": [],
          "ignored_signals": ["odometer_km"],
          "index": 3,
          "message_id": null,
          "outcome": "accepted",
          "reason": null
        },
        {
          "detail": "no active device of connection sim-main has the external id b2C",
          "device_id": null,
          "dropped_signals": [],
          "ignored_signals": [],
          "index": 4,
          "message_id": null,
          "outcome": "rejected",
          "reason": "unknown_device"
        },
        {
          "detail": "missing field `signals`",
          "device_id": null,
          "dropped_signals": [],
          "ignored_signals": [],
          "index": 5,
          "message_id": null,
          "outcome": "rejected",
          "pointer": "/signals",
          "reason": "malformed"
        }
      ],
      "summary": {"accepted": 2, "duplicate": 1, "received": 6, "rejected": 2, "stale": 1}
    }
    "#);
}
