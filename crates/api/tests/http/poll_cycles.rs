//! Triggering cycles, and reading what became of them.

use application::polling::SlotWatch;
use domain::fleet::Cutover;
use domain::polling::ErrorClass;
use serde_json::{Value, json};
use testkit::{a_connection, a_device, a_report, a_workspace, minutes, seconds, start};

use crate::service::{NORTH, POLL, SYSTEM_ADMIN, Service, VIEWER};

/// A slot of the workspace at or before now.
async fn slot(service: &Service) -> chrono::DateTime<chrono::Utc> {
    for back in 0..5 {
        let minute = start() - minutes(back);
        let record = service
            .fixture
            .store()
            .workspace(&domain::ids::WorkspaceId::try_new(NORTH).expect("an id"))
            .await;
        if record
            .expect("the store")
            .expect("the workspace")
            .workspace
            .schedule()
            .has_slot(minute)
        {
            return minute;
        }
    }
    panic!("a slot every five minutes")
}

#[tokio::test]
async fn a_trigger_is_queued_once() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let scheduled_time = slot(&service).await;
    let trigger = json!({"workspace_id": NORTH, "scheduled_time": scheduled_time, "schedule_arn": "arn:aws:scheduler:x", "execution_id": "e", "attempt": "1"});
    let queued = service.post(POLL, "/poll-cycles", &trigger).await.of(202);
    assert_eq!(queued.as_object().map(serde_json::Map::len), Some(7));
    assert_eq!(
        json!({"outcome": "queued", "reason": null, "cycle_id": queued["cycle_id"], "status": "queued", "workspace_id": "depot-north",
               "scheduled_time": scheduled_time, "due_at": queued["due_at"]}),
        queued
    );
    let again = service
        .post(SYSTEM_ADMIN, "/poll-cycles", &trigger)
        .await
        .of(200);
    assert_eq!(
        (&again["outcome"], &again["cycle_id"], &again["status"]),
        (&json!("duplicate"), &queued["cycle_id"], &json!("queued"))
    );
}

#[tokio::test]
async fn a_cycle_now_waits_once_and_takes_no_slot() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let now = json!({"workspace_id": NORTH});
    let first = service
        .post(SYSTEM_ADMIN, "/poll-cycles", &now)
        .await
        .of(202);
    assert_eq!(
        (&first["scheduled_time"], &first["due_at"]),
        (&Value::Null, &json!("2026-11-23T08:00:00Z"))
    );
    let second = service
        .post(SYSTEM_ADMIN, "/poll-cycles", &now)
        .await
        .of(200);
    assert_eq!(
        (&second["outcome"], &second["cycle_id"]),
        (&json!("duplicate"), &first["cycle_id"])
    );
    let slot = json!({"workspace_id": NORTH, "scheduled_time": slot(&service).await});
    service.post(POLL, "/poll-cycles", &slot).await.of(202);
}

#[tokio::test]
async fn a_trigger_that_runs_nothing_is_200_with_the_reason() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let slot = slot(&service).await;
    let trigger = async |at| {
        service
            .post(
                POLL,
                "/poll-cycles",
                &json!({"workspace_id": NORTH, "scheduled_time": at}),
            )
            .await
            .of(200)
    };
    let outside = trigger(slot + minutes(1)).await;
    assert_eq!(
        (&outside["outcome"], &outside["reason"], &outside["status"]),
        (
            &json!("skipped"),
            &json!("not_in_schedule"),
            &json!("skipped")
        )
    );
    let late = trigger(slot - minutes(10)).await;
    assert_eq!(
        (&late["outcome"], &late["reason"]),
        (&json!("expired"), &json!("too_late"))
    );
    service
        .put(
            SYSTEM_ADMIN,
            "/workspaces/depot-north",
            &json!({"name": "North", "active": false}),
        )
        .await
        .of(200);
    let inactive = trigger(slot).await;
    assert_eq!(
        (&inactive["outcome"], &inactive["reason"]),
        (&json!("skipped"), &json!("inactive"))
    );
}

#[tokio::test]
async fn a_trigger_may_be_five_minutes_ahead() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let at = |time: &str| json!({"workspace_id": NORTH, "scheduled_time": time});
    let ahead = service
        .post(POLL, "/poll-cycles", &at("2026-11-23T08:05:00Z"))
        .await;
    assert!([200, 202].contains(&ahead.status), "{}", ahead.text());
    service
        .post(POLL, "/poll-cycles", &at("2026-11-23T08:05:01Z"))
        .await
        .names(&["/scheduled_time"]);
    for long_ago in [
        "2014-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
    ] {
        let answer = service.post(POLL, "/poll-cycles", &at(long_ago)).await;
        assert!(
            [200, 400].contains(&answer.status),
            "{long_ago}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_cycle_tells_what_each_connection_gave() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-down"))
        .with(a_device("bus-1"))
        .with(a_device("bus-2"));
    let (service, fleet) = Service::with(workspace).await;
    let cycle_id = fleet
        .polled([
            a_report("sim-main")
                .missing(["bus-2"])
                .rejecting("bus-1", "future_timestamp"),
            a_report("sim-down").failed(ErrorClass::RateLimited),
        ])
        .await;
    let cycle = service
        .get(
            VIEWER,
            &format!("/workspaces/depot-north/poll-cycles/{cycle_id}"),
        )
        .await
        .of(200);
    let listed = service
        .get(VIEWER, "/workspaces/depot-north/poll-cycles")
        .await
        .of(200);
    assert_eq!(listed, json!({"poll_cycles": [cycle], "next_cursor": null}));
    let now = "2026-11-23T08:00:00Z";
    assert_eq!(
        cycle,
        json!({
            "cycle_id": cycle_id.to_string(), "trigger": "manual", "status": "partial", "scheduled_time": null, "due_at": now,
            "started_at": now, "ended_at": now, "trace_id": null, "reason": null, "missed_at": null,
            "connections": [
                {"provider_id": "sim-down", "outcome": "failed", "error": {"class": "rate_limited", "detail": "as the test has it"},
                 "devices_expected": 0, "returned": 0, "missing": [], "unchanged": 0, "accepted": 0, "duplicate": 0, "stale": 0,
                 "rejected": {}, "attempts": cycle["connections"][0]["attempts"], "duration_ms": cycle["connections"][0]["duration_ms"]},
                {"provider_id": "sim-main", "outcome": "ok", "error": null,
                 "devices_expected": 0, "returned": 0, "missing": ["bus-2"], "unchanged": 0, "accepted": 0, "duplicate": 0, "stale": 0,
                 "rejected": {"future_timestamp": 1}, "attempts": cycle["connections"][1]["attempts"], "duration_ms": cycle["connections"][1]["duration_ms"]},
            ],
            "streams": [],
            "timeline": [
                {"at": now, "event": "WorkspacePollCycleTriggered"},
                {"at": now, "event": "WorkspacePollCycleStarted"},
                {"at": now, "event": "ProviderConnectionPolled", "provider_id": "sim-down", "outcome": "failed"},
                {"at": now, "event": "ProviderConnectionPolled", "provider_id": "sim-main", "outcome": "ok"},
                {"at": now, "event": "WorkspacePollIngestCompleted", "outcome": "partial"},
            ],
        })
    );
}

/// Registered with slots at minutes 3 and 8, each due 65 s later.
#[tokio::test]
async fn slots_without_a_trigger_are_shown_as_missed_and_the_newest_as_recovered() {
    let depot = a_workspace(NORTH).registered_for(minutes(0));
    let (service, depot) = Service::with(depot).await;
    service.fixture.clock.advance(minutes(10));
    SlotWatch::default()
        .look(&depot.core)
        .await
        .expect("the store");
    let cycles = service
        .get(VIEWER, "/workspaces/depot-north/poll-cycles")
        .await
        .of(200);
    let shown = |n: usize| {
        let cycle = &cycles["poll_cycles"][n];
        ["scheduled_time", "trigger", "status", "reason", "missed_at"]
            .map(|name| cycle[name].clone())
    };
    let (found_at, first, second) = (
        "2026-11-23T08:10:00Z",
        "2026-11-23T08:03:00Z",
        "2026-11-23T08:08:00Z",
    );
    let recovered = json!([second, "recovery", "queued", null, found_at]);
    let missed = json!([first, "scheduled", "missed", "no_trigger", found_at]);
    assert_eq!(json!([shown(0), shown(1)]), json!([recovered, missed]));
    assert_eq!(
        cycles["poll_cycles"][1]["timeline"],
        json!([]),
        "nothing happened"
    );

    let late = json!({"workspace_id": NORTH, "scheduled_time": second});
    let answer = service.post(POLL, "/poll-cycles", &late).await.of(200);
    assert_eq!(
        (&answer["outcome"], &answer["cycle_id"]),
        (&json!("duplicate"), &cycles["poll_cycles"][0]["cycle_id"])
    );
    let missed_too = json!({"workspace_id": NORTH, "scheduled_time": first});
    let answer = service
        .post(POLL, "/poll-cycles", &missed_too)
        .await
        .of(200);
    assert_eq!(
        (&answer["outcome"], &answer["status"]),
        (&json!("duplicate"), &json!("missed"))
    );
}

#[tokio::test]
async fn a_timeline_has_every_holder_and_how_it_ended() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-late"));
    let (service, fleet) = Service::with(workspace).await;
    let clock = &service.fixture.clock;
    let cycle_id = fleet.trigger(None).await.cycle_id;
    clock.advance(seconds(1));
    fleet.claim_and_die(cycle_id).await.expect("a claim");
    clock.advance(seconds(31));
    let cycle = fleet.claim(cycle_id).await.expect("another's claim");
    fleet.record_reports(&cycle, [a_report("sim-main")]).await;
    clock.advance(seconds(2));
    fleet.record_reports(&cycle, [a_report("sim-late")]).await;
    fleet.finish(&cycle).await;
    let path = format!("/workspaces/depot-north/poll-cycles/{cycle_id}");
    let cycle = service.get(VIEWER, &path).await.of(200);
    assert_eq!(
        cycle["timeline"],
        json!([
            {"at": "2026-11-23T08:00:00Z", "event": "WorkspacePollCycleTriggered"},
            {"at": "2026-11-23T08:00:01Z", "event": "WorkspacePollCycleStarted"},
            {"at": "2026-11-23T08:00:32Z", "event": "WorkspacePollCycleStarted"},
            {"at": "2026-11-23T08:00:32Z", "event": "ProviderConnectionPolled", "provider_id": "sim-main", "outcome": "ok"},
            {"at": "2026-11-23T08:00:34Z", "event": "ProviderConnectionPolled", "provider_id": "sim-late", "outcome": "ok"},
            {"at": "2026-11-23T08:00:34Z", "event": "WorkspacePollIngestCompleted", "outcome": "completed"},
        ])
    );
}

#[tokio::test]
async fn a_trigger_that_comes_to_nothing_has_its_end_in_its_timeline() {
    let (service, fleet) = Service::with(a_workspace(NORTH).flags(Cutover::default())).await;
    let cycle_id = fleet.trigger(None).await.cycle_id;
    let path = format!("/workspaces/depot-north/poll-cycles/{cycle_id}");
    let cycle = service.get(VIEWER, &path).await.of(200);
    let now = "2026-11-23T08:00:00Z";
    assert_eq!(
        cycle["timeline"],
        json!([
            {"at": now, "event": "WorkspacePollCycleTriggered"},
            {"at": now, "event": "WorkspacePollCycleClosed", "outcome": "skipped"},
        ])
    );
}

#[tokio::test]
async fn a_cycle_continues_its_triggers_trace() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let call = service
        .call(POLL, &reqwest::Method::POST, "/poll-cycles")
        .header("traceparent", format!("00-{trace_id}-b7ad6b7169203331-01"));
    let queued = call.json(&json!({"workspace_id": NORTH})).await.of(202);
    let path = format!(
        "/workspaces/depot-north/poll-cycles/{}",
        queued["cycle_id"].as_str().expect("an id")
    );
    let cycle = service.get(VIEWER, &path).await.of(200);
    assert_eq!(
        (&cycle["trace_id"], &cycle["status"], &cycle["connections"]),
        (&json!(trace_id), &json!("queued"), &json!([]))
    );
    assert_eq!(
        (&cycle["started_at"], &cycle["ended_at"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn a_cycle_of_another_workspace_is_not_there() {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    a_workspace("depot-south").create(&service.fixture).await;
    let cycle_id = fleet.trigger(None).await.cycle_id;
    let elsewhere = format!("/workspaces/depot-south/poll-cycles/{cycle_id}");
    service
        .get(SYSTEM_ADMIN, &elsewhere)
        .await
        .problem(404, "not-found");
    let unknown = "/workspaces/depot-north/poll-cycles/019a0000-0000-7000-8000-000000000000";
    service
        .get(SYSTEM_ADMIN, unknown)
        .await
        .problem(404, "not-found");
}
