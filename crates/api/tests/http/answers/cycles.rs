//! Poll cycles and sweeps.

use domain::fleet::ProviderType;
use domain::polling::ErrorClass;
use insta::assert_snapshot;
use serde_json::json;
use testkit::{a_connection, a_device, a_report, a_workspace, an_envelope};

use super::shape;
use crate::service::{NORTH, POLL, SYSTEM_ADMIN, Service, VIEWER};

#[tokio::test]
async fn a_trigger_is_answered_in_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let trigger = json!({"workspace_id": NORTH});
    let queued = service.post(POLL, "/poll-cycles", &trigger).await.of(202);
    let again = service.post(POLL, "/poll-cycles", &trigger).await.of(200);
    let answers = json!([queued, again]);
    assert_snapshot!(shape(&answers), @r#"
    [
      {
        "cycle_id": "<uuid 1>",
        "due_at": "2026-11-23T08:00:00Z",
        "outcome": "queued",
        "reason": null,
        "scheduled_time": null,
        "status": "queued",
        "workspace_id": "depot-north"
      },
      {
        "cycle_id": "<uuid 1>",
        "due_at": "2026-11-23T08:00:00Z",
        "outcome": "duplicate",
        "reason": null,
        "scheduled_time": null,
        "status": "queued",
        "workspace_id": "depot-north"
      }
    ]
    "#);
}

#[tokio::test]
async fn a_cycle_is_of_this_shape() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-down"))
        .through(a_connection("vc").of_type(ProviderType::Viriciti))
        .with_all(["bus-1", "bus-2"].map(a_device));
    let (service, fleet) = Service::with(workspace).await;
    let garbage = an_envelope(1).of_type(ProviderType::Viriciti).through("vc");
    fleet.forward([garbage]).await;
    let polled = a_report("sim-main").missing(["bus-2"]);
    let down = a_report("sim-down").failed(ErrorClass::RateLimited);
    let cycle_id = fleet.polled([polled, down]).await;
    let path = format!("/workspaces/depot-north/poll-cycles/{cycle_id}");
    let answer = service.get(VIEWER, &path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "connections": [
        {
          "accepted": 0,
          "attempts": 0,
          "devices_expected": 0,
          "duplicate": 0,
          "duration_ms": 0,
          "error": {"class": "rate_limited", "detail": "as the test has it"},
          "missing": [],
          "outcome": "failed",
          "provider_id": "sim-down",
          "rejected": {},
          "returned": 0,
          "stale": 0,
          "unchanged": 0
        },
        {
          "accepted": 0,
          "attempts": 0,
          "devices_expected": 0,
          "duplicate": 0,
          "duration_ms": 0,
          "error": null,
          "missing": ["bus-2"],
          "outcome": "ok",
          "provider_id": "sim-main",
          "rejected": {},
          "returned": 0,
          "stale": 0,
          "unchanged": 0
        }
      ],
      "cycle_id": "<uuid 1>",
      "due_at": "2026-11-23T08:00:00Z",
      "ended_at": "2026-11-23T08:00:00Z",
      "missed_at": null,
      "reason": null,
      "scheduled_time": null,
      "started_at": "2026-11-23T08:00:00Z",
      "status": "partial",
      "streams": [
        {
          "accepted": 0,
          "envelopes": 1,
          "last_received_at": "2026-11-23T08:00:00Z",
          "provider_id": "vc",
          "quarantined": 1
        }
      ],
      "timeline": [
        {"at": "2026-11-23T08:00:00Z", "event": "WorkspacePollCycleTriggered"},
        {"at": "2026-11-23T08:00:00Z", "event": "WorkspacePollCycleStarted"},
        {
          "at": "2026-11-23T08:00:00Z",
          "event": "ProviderConnectionPolled",
          "outcome": "failed",
          "provider_id": "sim-down"
        },
        {
          "at": "2026-11-23T08:00:00Z",
          "event": "ProviderConnectionPolled",
          "outcome": "ok",
          "provider_id": "sim-main"
        },
        {"at": "2026-11-23T08:00:00Z", "event": "WorkspacePollIngestCompleted", "outcome": "partial"}
      ],
      "trace_id": null,
      "trigger": "manual"
    }
    "#);
}

#[tokio::test]
async fn a_sweep_is_of_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let path = "/reconciliation-sweeps";
    let asked = service.post(SYSTEM_ADMIN, path, &json!({})).await.of(202);
    let path = format!("{path}/{}", asked["sweep_id"].as_str().expect("an id"));
    let queued = service.get(SYSTEM_ADMIN, &path).await.of(200);
    let answers = json!([asked, queued]);
    assert_snapshot!(shape(&answers), @r#"
    [
      {"sweep_id": "<uuid 1>"},
      {
        "ended_at": null,
        "error": null,
        "legacy_registry": null,
        "old_records": null,
        "partitions": null,
        "requested_at": "2026-11-23T08:00:00Z",
        "requested_by": "person:dev-user",
        "schedules": null,
        "started_at": null,
        "status": "queued",
        "sweep_id": "<uuid 1>"
      }
    ]
    "#);
}
