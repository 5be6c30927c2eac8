//! What is on record: events, the audit, rejections, unknown devices.

use insta::assert_snapshot;
use serde_json::json;
use testkit::{a_device, a_workspace, minutes, start};

use super::shape;
use crate::service::{ADMIN, NORTH, SUPPORT, SYSTEM_ADMIN, Service};

/// Updates that are accepted, refused, unknown and malformed; some of them again a minute later.
async fn service() -> Service {
    let (service, _) = Service::with(a_workspace(NORTH).with(a_device("bus-1"))).await;
    let reading =
        |at| json!({"device_id": "bus-1", "observed_at": at, "signals": {"speed_kmh": 31.5}});
    let ahead = reading(start() + minutes(6));
    let unknown = json!({"provider_id": "sim-main", "external_id": "b2C", "observed_at": start(), "signals": {"speed_kmh": 0}});
    service
        .ingest(json!([reading(start()), ahead, ahead, unknown]))
        .await;
    service.fixture.clock.advance(minutes(1));
    service
        .ingest(json!([{"device_id": "bus-1"}, unknown]))
        .await;
    service
}

#[tokio::test]
async fn events_are_of_this_shape() {
    let path = "/workspaces/depot-north/events?type=TelematicsUpdateAccepted";
    let answer = service().await.get(SUPPORT, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "events": [
        {
          "changed_by": null,
          "cycle_id": null,
          "device_id": "bus-1",
          "event_id": "<uuid 1>",
          "payload": {
            "activation_id": "<uuid 2>",
            "normalized_values": {"2026-11-23T08:00:00Z": {"speed_kmh": 31.5}},
            "payload_prepared_at": "2026-11-23T08:00:00Z",
            "provider": "sim-main",
            "vehicle_id": "bus-1-vehicle",
            "version": 1
          },
          "recorded_at": "2026-11-23T08:00:00Z",
          "trace_id": "<trace 1>",
          "type": "TelematicsUpdateAccepted",
          "workspace_id": "depot-north"
        }
      ],
      "next_cursor": null
    }
    "#);
}

#[tokio::test]
async fn rejections_are_of_this_shape() {
    let path = "/workspaces/depot-north/rejections";
    let answer = service().await.get(ADMIN, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "counts": {"future_timestamp": 2, "malformed": 1, "unknown_device": 2},
      "next_cursor": null,
      "rejections": [
        {
          "count": 2,
          "cycle_id": null,
          "detail": "observed_at is more than 300 s ahead of core's clock",
          "device_id": "bus-1",
          "external_id": null,
          "first_seen_at": "2026-11-23T08:00:00Z",
          "last_seen_at": "2026-11-23T08:00:00Z",
          "observed_at": "2026-11-23T08:06:00Z",
          "pointer": null,
          "provider_id": null,
          "reason": "future_timestamp",
          "trace_id": "<trace 1>"
        },
        {
          "count": 1,
          "cycle_id": null,
          "detail": "missing field `signals`",
          "device_id": null,
          "external_id": null,
          "first_seen_at": "2026-11-23T08:01:00Z",
          "last_seen_at": "2026-11-23T08:01:00Z",
          "observed_at": null,
          "pointer": "/signals",
          "provider_id": null,
          "reason": "malformed",
          "trace_id": "<trace 2>"
        },
        {
          "count": 2,
          "cycle_id": null,
          "detail": "no active device of connection sim-main has the external id b2C",
          "device_id": null,
          "external_id": "b2C",
          "first_seen_at": "2026-11-23T08:00:00Z",
          "last_seen_at": "2026-11-23T08:01:00Z",
          "observed_at": "2026-11-23T08:00:00Z",
          "pointer": null,
          "provider_id": "sim-main",
          "reason": "unknown_device",
          "trace_id": "<trace 2>"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn unknown_devices_are_of_this_shape() {
    let path = "/workspaces/depot-north/unknown-devices";
    let answer = service().await.get(ADMIN, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "next_cursor": null,
      "unknown_devices": [
        {
          "count": 2,
          "device_id": null,
          "external_id": "b2C",
          "first_seen_at": "2026-11-23T08:00:00Z",
          "last_seen_at": "2026-11-23T08:01:00Z",
          "provider_id": "sim-main"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn the_audit_is_of_this_shape() {
    let service = service().await;
    let change = json!({"poll_owner": "both_shadow", "reason": "two weeks of shadow"});
    let path = "/workspaces/depot-north/cutover";
    service.patch(SYSTEM_ADMIN, path, &change).await.of(200);
    let answer = service.get(SYSTEM_ADMIN, "/audit?limit=1").await;
    let mut answer = answer.of(200);
    assert!(answer["next_cursor"].take().is_string(), "{answer}");
    assert_snapshot!(shape(&answer), @r#"
    {
      "changes": [
        {
          "at": "2026-11-23T08:01:00Z",
          "changed_by": "person:dev-user",
          "details": {
            "changed_by": "person:dev-user",
            "from": {
              "device_registry_source": "core",
              "poll_owner": "core",
              "provider_mode": "mixed",
              "read_owner": "core"
            },
            "reason": "two weeks of shadow",
            "to": {
              "device_registry_source": "core",
              "poll_owner": "both_shadow",
              "provider_mode": "mixed",
              "read_owner": "core"
            },
            "version": 2
          },
          "device_id": null,
          "event_id": "<uuid 1>",
          "trace_id": "<trace 1>",
          "type": "WorkspaceCutoverChanged",
          "workspace_id": "depot-north"
        }
      ],
      "next_cursor": null
    }
    "#);
}
