//! Figures: indicators of a workspace, and the overview of all.

use insta::assert_snapshot;
use testkit::{a_device, a_report, a_workspace, minutes, start};

use super::shape;
use crate::service::{ACCOUNTS, NORTH, Service, VIEWER};

/// A workspace with a slot that was polled in time, a device that reports and one that never did.
async fn service() -> Service {
    let workspace = a_workspace(NORTH)
        .registered_for(minutes(20))
        .with(a_device("bus-1").silent_for(minutes(4)))
        .with(a_device("never"));
    let (service, depot) = Service::with(workspace).await;
    let schedule = depot.record().await.workspace.schedule();
    let slot = schedule.slot_at_or_after(start());
    service.fixture.clock.advance(slot - start());
    let triggered = depot.trigger(Some(slot)).await;
    service.fixture.clock.advance(triggered.due_at - slot);
    let cycle = depot.claim(triggered.cycle_id).await.expect("a claim");
    let report = a_report("sim-main").naming(1, 2);
    depot.record_reports(&cycle, [report]).await;
    depot.finish(&cycle).await;
    service
}

#[tokio::test]
async fn indicators_are_of_this_shape() {
    let service = service().await;
    let path = "/workspaces/depot-north/indicators";
    let mut answer = service.get(VIEWER, path).await.of(200);
    let windows = answer["windows"].take();
    let names: Vec<_> = windows.as_object().expect("windows").keys().collect();
    assert_eq!(names, ["1h", "24h", "7d"]);
    assert_eq!(
        windows["24h"], windows["7d"],
        "nothing is older than an hour"
    );
    answer["windows"] = windows["1h"].clone();
    assert_snapshot!(shape(&answer), @r#"
    {
      "definitions": {
        "age_seconds": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "coverage_percent": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "cycles": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "lag_seconds": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "start_deviation_seconds": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "success_percent": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "within_5_minutes_percent": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"}
      },
      "evaluated_at": "2026-11-23T08:04:05Z",
      "windows": {
        "age_seconds": {"p50": 485, "p95": 485, "p99": 485},
        "coverage_percent": 50.0,
        "cycles": {
          "abandoned": 0,
          "completed": 1,
          "expired": 0,
          "failed": 0,
          "missed": 0,
          "open": 0,
          "partial": 0,
          "scheduled": 1,
          "skipped": 0,
          "success_percent": 100.0
        },
        "lag_seconds": {"p50": 0, "p95": 0, "p99": 0},
        "start_deviation_seconds": {"max": 0.0, "p50": 0.0, "p95": 0.0},
        "within_5_minutes_percent": 61.86
      },
      "workspace_id": "depot-north"
    }
    "#);
}

#[tokio::test]
async fn the_overview_is_of_this_shape() {
    let service = service().await;
    let answer = service.get(ACCOUNTS, "/overview").await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "definitions": {
        "cycle_success_percent_24h": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "p95_age_seconds": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"},
        "within_5_minutes_percent": {"denominator": "<text>", "excluded": "<text>", "numerator": "<text>"}
      },
      "evaluated_at": "2026-11-23T08:04:05Z",
      "next_cursor": null,
      "totals": {
        "counts": {"awaiting-first-data": 1, "configured-no-data": 0, "delayed": 1, "healthy": 0, "stale": 0},
        "cycle_success_percent_24h": 100.0,
        "devices": 2,
        "eligible_devices": 1,
        "within_5_minutes": 0,
        "within_5_minutes_percent": 0.0,
        "workspaces": 1
      },
      "workspaces": [
        {
          "active": true,
          "authoritative": true,
          "counts": {"awaiting-first-data": 1, "configured-no-data": 0, "delayed": 1, "healthy": 0, "stale": 0},
          "cutover": {"device_registry_source": "core", "poll_owner": "core", "provider_mode": "mixed", "read_owner": "core"},
          "cycle_success_percent_24h": 100.0,
          "last_cycle": {
            "cycle_id": "<uuid 1>",
            "ended_at": "2026-11-23T08:04:05Z",
            "scheduled_time": "2026-11-23T08:03:00Z",
            "started_at": "2026-11-23T08:04:05Z",
            "status": "completed",
            "trigger": "scheduled"
          },
          "name": "depot-north",
          "p95_age_seconds": 485,
          "within_5_minutes_percent": 0.0,
          "workspace_id": "depot-north"
        }
      ]
    }
    "#);
}
