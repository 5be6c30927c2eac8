//! All workspaces at once: as each one's health has it, worst first.

use domain::fleet::{Cutover, ReadOwner};
use domain::polling::ErrorClass;
use serde_json::{Value, json};
use testkit::{
    CORE_OWNED, a_connection, a_device, a_report, a_workspace, an_update, minutes, seconds,
};

use crate::service::{ACCOUNTS, SUPPORT, SYSTEM_ADMIN, Service};

/// Workspaces in which each state, each outage and each kind of silence is somewhere.
async fn depots() -> Service {
    let service = Service::start().await;
    let fixture = &service.fixture;
    let well = a_workspace("depot-well")
        .with_all(["bus-1", "bus-2"].map(|id| a_device(id).silent_for(minutes(1))))
        .create(fixture)
        .await;
    well.polled([a_report("sim-main")]).await;
    let mixed = a_workspace("depot-mixed")
        .through(a_connection("sim-main"))
        .through(a_connection("sim-down"))
        .through(a_connection("sim-slow").reporting_every_minutes(10))
        .with(a_device("fresh").silent_for(minutes(2)))
        .with(a_device("exactly").silent_for(minutes(5)))
        .with(a_device("delayed").silent_for(minutes(7)))
        .with(a_device("stale").silent_for(minutes(16)))
        .with(a_device("awaiting").configured(minutes(20)))
        .with(a_device("never").configured(minutes(61)))
        .with(
            a_device("down-fresh")
                .through("sim-down")
                .silent_for(minutes(3)),
        )
        .with(
            a_device("down-stale")
                .through("sim-down")
                .silent_for(minutes(30)),
        )
        .with(a_device("down-never").through("sim-down"))
        .with(a_device("slow").through("sim-slow").silent_for(minutes(20)))
        .with(a_device("late").silent_for(minutes(40)))
        .with(a_device("gone").silent_for(minutes(40)))
        .create(fixture)
        .await;
    mixed
        .push([an_update("late")
            .observed(fixture.clock.now() - minutes(20))
            .with("range_km", 100)])
        .await;
    mixed.deactivate("gone").await;
    mixed
        .polled([
            a_report("sim-main"),
            a_report("sim-down").failed(ErrorClass::Unavailable),
            a_report("sim-slow"),
        ])
        .await;
    // Its cycles have stopped, which comes before its provider's outage.
    let stopped = a_workspace("depot-stopped")
        .with(a_device("bus-1").silent_for(minutes(50)))
        .create(fixture)
        .await;
    stopped
        .seen_by(fixture.core_at(fixture.clock.now() - minutes(40)))
        .polled([a_report("sim-main").failed(ErrorClass::Timeout)])
        .await;
    let legacy = Cutover {
        read_owner: ReadOwner::Legacy,
        ..CORE_OWNED
    };
    a_workspace("depot-legacy")
        .flags(legacy)
        .with(a_device("bus-1").silent_for(minutes(4)))
        .create(fixture)
        .await;
    a_workspace("depot-empty").create(fixture).await;
    a_workspace("depot-off").create(fixture).await;
    service
        .put(
            SYSTEM_ADMIN,
            "/workspaces/depot-off",
            &json!({"name": "Off", "active": false}),
        )
        .await
        .of(200);
    service
}

async fn overview(service: &Service) -> Value {
    service.get(ACCOUNTS, "/overview").await.of(200)
}

fn rows(overview: &Value) -> &[Value] {
    overview["workspaces"].as_array().expect("workspaces")
}

#[tokio::test]
async fn every_workspace_is_as_its_own_health_has_it_at_any_age() {
    let service = depots().await;
    // Across each threshold: 5 and 6 minutes, 15, an hour, thrice the declared interval.
    for advance in [0, 59, 1, 1, 59, 60, 300, 240, 1_500, 2_000] {
        service.fixture.clock.advance(seconds(advance));
        let overview = overview(&service).await;
        assert_eq!(rows(&overview).len(), 6);
        for row in rows(&overview) {
            let id = row["workspace_id"].as_str().expect("an id");
            let health = service
                .get(SUPPORT, &format!("/workspaces/{id}/health?limit=1000"))
                .await
                .of(200);
            assert_eq!(row["counts"], health["counts"], "{id}");
            assert_eq!(
                row["within_5_minutes_percent"], health["freshness"]["within_5_minutes_percent"],
                "{id}: {health}"
            );
            assert_eq!(row["authoritative"], health["authoritative"], "{id}");
            let mut ages: Vec<i64> = health["devices"]
                .as_array()
                .expect("devices")
                .iter()
                .filter_map(|device| device["age_seconds"].as_i64())
                .collect();
            ages.sort_unstable();
            let rank = (ages.len() * 95).div_ceil(100).max(1);
            assert_eq!(row["p95_age_seconds"], json!(ages.get(rank - 1)), "{id}");
        }
        let totals = &overview["totals"];
        assert_eq!(
            (&totals["workspaces"], &totals["devices"]),
            (&json!(6), &json!(15))
        );
        for (state, devices) in totals["counts"].as_object().expect("counts") {
            let sum: i64 = rows(&overview)
                .iter()
                .filter_map(|row| row["counts"][state].as_i64())
                .sum();
            assert_eq!(*devices, json!(sum), "{state}");
        }
    }
}

#[tokio::test]
async fn the_worst_come_first_and_those_that_are_off_last() {
    let service = depots().await;
    let overview = overview(&service).await;
    let order: Vec<(&str, &Value)> = rows(&overview)
        .iter()
        .map(|row| {
            let id = row["workspace_id"].as_str().expect("an id");
            (id, &row["within_5_minutes_percent"])
        })
        .collect();
    assert_eq!(
        order,
        [
            ("depot-stopped", &json!(0.0)),
            ("depot-mixed", &json!(50.0)),
            ("depot-legacy", &json!(100.0)),
            ("depot-well", &json!(100.0)),
            ("depot-empty", &Value::Null),
            ("depot-off", &Value::Null),
        ]
    );
    let row = |id: &str| {
        rows(&overview)
            .iter()
            .find(|row| row["workspace_id"] == id)
            .expect("a row")
    };
    assert_eq!(row("depot-off")["active"], false);
    assert_eq!(row("depot-legacy")["cutover"]["read_owner"], "legacy");
    assert_eq!(row("depot-empty")["last_cycle"], Value::Null);
    let last = &row("depot-mixed")["last_cycle"];
    assert_eq!(
        (&last["status"], &last["trigger"]),
        (&json!("partial"), &json!("manual"))
    );
    for figure in [
        "within_5_minutes_percent",
        "cycle_success_percent_24h",
        "p95_age_seconds",
    ] {
        assert!(overview["definitions"][figure]["numerator"].is_string());
    }
}

#[tokio::test]
async fn cycles_are_those_of_the_last_24_whole_hours_and_tell_two_alike_apart() {
    let service = Service::start().await;
    for (id, fails) in [("depot-a", false), ("depot-b", true)] {
        let depot = a_workspace(id).create(&service.fixture).await;
        let slot = depot
            .record()
            .await
            .workspace
            .schedule()
            .slot_at_or_after(service.fixture.clock.now());
        for n in 0..2 {
            let triggered = depot.trigger(Some(slot + minutes(5) * n)).await;
            let at = triggered.due_at;
            let depot = depot.seen_by(service.fixture.core_at(at));
            let cycle = depot.claim(triggered.cycle_id).await.expect("a claim");
            let report = a_report("sim-main");
            let report = if fails && n == 0 {
                report.failed(ErrorClass::Timeout)
            } else {
                report
            };
            depot.record_reports(&cycle, [report]).await;
            depot.finish(&cycle).await;
        }
    }
    let shares = |overview: &Value| -> Vec<(Value, Value)> {
        rows(overview)
            .iter()
            .map(|row| {
                let id = row["workspace_id"].clone();
                (id, row["cycle_success_percent_24h"].clone())
            })
            .collect()
    };
    let share = |id: &str, percent: Value| (json!(id), percent);
    service.fixture.clock.advance(minutes(23 * 60 + 59));
    let seen = overview(&service).await;
    assert_eq!(
        shares(&seen),
        [
            share("depot-b", json!(50.0)),
            share("depot-a", json!(100.0))
        ]
    );
    assert_eq!(seen["totals"]["cycle_success_percent_24h"], 75.0);
    service.fixture.clock.advance(minutes(1));
    let nothing = [share("depot-a", Value::Null), share("depot-b", Value::Null)];
    assert_eq!(shares(&overview(&service).await), nothing);
}

#[tokio::test]
async fn pages_are_the_whole_list_with_the_totals_of_all() {
    let service = depots().await;
    let whole = overview(&service).await;
    for limit in 1..=7 {
        let (mut read, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/overview?limit={limit}{cursor}");
            let page = service.get(ACCOUNTS, &path).await.of(200);
            assert_eq!(page["totals"], whole["totals"]);
            read.extend(rows(&page).to_vec());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(read, rows(&whole), "limit {limit}");
    }
    for (query, named) in [
        ("cursor=abc", "cursor"),
        ("limit=0", "limit"),
        ("state=stale", "state"),
    ] {
        service
            .get(ACCOUNTS, &format!("/overview?{query}"))
            .await
            .names(&[named]);
    }
}
