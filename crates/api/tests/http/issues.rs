//! Issues over HTTP: shapes, groups, filters, pages.

use domain::fleet::{Cutover, ReadOwner};
use domain::polling::ErrorClass;
use serde_json::{Value, json};
use testkit::{
    CORE_OWNED, Fleet, WorkspaceBuilder, a_connection, a_device, a_report, a_workspace, an_update,
    minutes, seconds, start,
};

use crate::service::{NORTH, SYSTEM_ADMIN, Service, VIEWER};

/// Silent devices at a provider that is down, one that is missing and one that was never there at one that
/// answers, a delayed and a well one.
fn depot() -> WorkspaceBuilder {
    a_workspace(NORTH)
        .through(a_connection("sim-main"))
        .through(a_connection("sim-down"))
        .with_all([
            a_device("down-1")
                .through("sim-down")
                .silent_for(minutes(20)),
            a_device("down-2")
                .through("sim-down")
                .silent_for(minutes(25)),
            a_device("down-new")
                .through("sim-down")
                .configured(minutes(90)),
            a_device("lost").silent_for(minutes(40)),
            a_device("never").configured(minutes(120)),
            a_device("late").silent_for(minutes(9)),
            a_device("well").silent_for(minutes(1)),
        ])
}

async fn polled(service: &Service, fleet: &Fleet) -> Vec<String> {
    let mut cycles = Vec::new();
    for ago in [12, 7, 2] {
        let then = fleet.seen_by(service.fixture.core_at(start() - minutes(ago)));
        let cycle_id = then
            .polled([
                a_report("sim-main").missing(["lost", "never"]),
                a_report("sim-down").failed(ErrorClass::Unavailable),
            ])
            .await;
        cycles.push(cycle_id.to_string());
    }
    cycles
}

async fn issues(service: &Service, query: &str) -> Value {
    service
        .get(VIEWER, &format!("/workspaces/depot-north/issues{query}"))
        .await
        .of(200)
}

fn codes(answer: &Value) -> Vec<(&str, usize)> {
    let issues = answer["issues"].as_array().expect("a list");
    issues
        .iter()
        .map(|issue| {
            let code = issue["code"].as_str().expect("a code");
            (code, issue["impacted"].as_array().map_or(0, Vec::len))
        })
        .collect()
}

#[tokio::test]
async fn an_outage_is_one_issue_with_its_first_and_its_latest_cycle_as_evidence() {
    let (service, fleet) = Service::with(depot()).await;
    let cycles = polled(&service, &fleet).await;
    let answer = issues(&service, "").await;
    assert_eq!(
        codes(&answer),
        [
            ("not_returned_by_provider", 1),
            ("not_returned_by_provider", 1),
            ("provider_unavailable", 2),
            ("provider_unavailable", 1),
        ]
    );
    let down = &answer["issues"][2];
    assert_eq!(down["impacted_by_state"], json!({"stale": 2}));
    assert_eq!(down["opened_at"], "2026-11-23T07:46:00Z");
    assert_eq!(
        down["evidence"],
        json!({"cycle_ids": [cycles[0], cycles[2]], "error": "unavailable: as the test has it"})
    );
    let never = &answer["issues"][1];
    assert_eq!(never["impacted_by_state"], json!({"configured-no-data": 1}));
    assert_eq!(never["opened_at"], "2026-11-23T07:00:00Z");
    assert_eq!(
        never["evidence"],
        json!({"cycle_ids": [cycles[2]], "error": null})
    );
}

#[tokio::test]
async fn a_device_is_listed_with_its_health_of_the_same_instant() {
    let (service, fleet) = Service::with(depot()).await;
    polled(&service, &fleet).await;
    for _ in 0..8 {
        let found = issues(&service, "").await;
        let health = service
            .get(VIEWER, "/workspaces/depot-north/health")
            .await
            .of(200);
        let listed: Vec<&str> = found["issues"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|issue| issue["impacted"].as_array().into_iter().flatten())
            .filter_map(|impacted| impacted["device_id"].as_str())
            .collect();
        for device in health["devices"].as_array().expect("devices") {
            let state = device["state"].as_str().expect("a state");
            let id = device["device_id"].as_str().expect("an id");
            if ["stale", "configured-no-data"].contains(&state) {
                assert!(listed.contains(&id), "{device}");
            }
        }
        service.fixture.clock.advance(minutes(1) + seconds(1));
    }
    let late = issues(&service, "?state=stale").await;
    assert!(late.to_string().contains("\"late\""), "{late}");
}

#[tokio::test]
async fn a_filter_picks_whole_issues() {
    let (service, fleet) = Service::with(depot()).await;
    polled(&service, &fleet).await;
    for (query, expected) in [
        ("?code=provider_unavailable", vec![2, 1]),
        ("?code=provider_unavailable&state=stale", vec![2]),
        ("?state=configured-no-data", vec![1, 1]),
        ("?state=delayed", vec![]),
        ("?code=signal_missing_or_stale", vec![]),
        ("?state=healthy", vec![]),
    ] {
        let answer = issues(&service, query).await;
        let counts: Vec<usize> = codes(&answer).into_iter().map(|(_, count)| count).collect();
        assert_eq!(counts, expected, "{query}");
    }
    let unknown = service
        .get(SYSTEM_ADMIN, "/workspaces/depot-west/issues")
        .await;
    unknown.problem(404, "not-found");
}

#[tokio::test]
async fn pages_of_any_size_hold_each_issue_once() {
    let (service, fleet) = Service::with(depot()).await;
    polled(&service, &fleet).await;
    let whole = issues(&service, "").await;
    for limit in 1..=5 {
        let (mut read, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = issues(&service, &format!("?limit={limit}{cursor}")).await;
            let rows = page["issues"].as_array().expect("a list");
            assert!(!rows.is_empty() && rows.len() <= limit);
            read.extend(rows.clone());
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(json!(read), whole["issues"], "limit {limit}");
    }
}

#[tokio::test]
async fn a_healthy_bus_without_a_state_of_charge_is_an_issue_of_its_own() {
    let workspace =
        a_workspace(NORTH).with_all([a_device("bare"), a_device("bus-1"), a_device("old")]);
    let (service, fleet) = Service::with(workspace).await;
    let hour_ago = start() - minutes(60);
    fleet
        .push([
            an_update("bare").with("speed_kmh", 3),
            an_update("bus-1")
                .with("state_of_charge_percent", 71)
                .with("speed_kmh", 3),
            an_update("old")
                .observed(hour_ago)
                .with("state_of_charge_percent", 71),
            an_update("old").with("speed_kmh", 3),
        ])
        .await;
    let answer = issues(&service, "").await;
    assert_eq!(codes(&answer), [("signal_missing_or_stale", 2)]);
    let issue = &answer["issues"][0];
    assert_eq!(issue["impacted_by_state"], json!({"healthy": 2}));
    let charge = |n: usize| &issue["impacted"][n]["state_of_charge_observed_at"];
    assert_eq!(
        (charge(0), charge(1)),
        (&Value::Null, &json!("2026-11-23T07:00:00Z"))
    );
}

#[tokio::test]
async fn two_hundred_buses_of_a_provider_that_is_down_are_one_issue() {
    let devices = (0..200).map(|n| a_device(&format!("bus-{n:03}")).silent_for(minutes(30)));
    let flags = Cutover {
        read_owner: ReadOwner::Legacy,
        ..CORE_OWNED
    };
    let workspace = a_workspace(NORTH).flags(flags).with_all(devices);
    let (service, fleet) = Service::with(workspace).await;
    fleet
        .seen_by(service.fixture.core_at(start() - minutes(2)))
        .polled([a_report("sim-main").failed(ErrorClass::Timeout)])
        .await;
    let answer = issues(&service, "").await;
    assert_eq!(codes(&answer), [("provider_unavailable", 200)]);
    assert_eq!(answer["issues"][0]["impacted_vehicle_count"], 200);
    assert_eq!(
        answer["authoritative"], false,
        "the legacy service owns reads"
    );
}
