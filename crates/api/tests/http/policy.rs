//! A workspace's policy.

use std::time::Duration;

use application::schedules::apply_schedule;
use domain::ids::ClaimToken;
use scheduling::InProcessSchedules;
use serde_json::{Value, json};
use testkit::{a_device, a_workspace, minutes};
use uuid::Uuid;

use crate::service::{ADMIN, NORTH, Service, VIEWER};

const PATH: &str = "/workspaces/depot-north/policy";

#[tokio::test]
async fn a_new_workspace_has_the_specifications_policy() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let answer = service.get(VIEWER, PATH).await;
    let mut policy = answer.of(200);
    let schedule = policy["schedule"].take();
    assert_eq!(
        policy,
        json!({"poll_interval_minutes": 5, "stale_threshold_minutes": 15, "no_data_grace_minutes": 60, "version": 1, "schedule": null})
    );
    assert_eq!(answer.version(), 1);
    assert_eq!(schedule["state"], "pending", "nobody applies it here");
    assert!(
        schedule["expression"]
            .as_str()
            .is_some_and(|cron| cron.starts_with("cron(") && cron.ends_with("/5 * * * ? *)")),
        "{schedule}"
    );
    assert_eq!(schedule["applied_at"], Value::Null);
    assert_eq!(schedule.as_object().map(serde_json::Map::len), Some(3));
}

#[tokio::test]
async fn a_change_counts_from_its_answer_on() {
    let workspace = a_workspace(NORTH).with(a_device("bus-1").silent_for(minutes(20)));
    let (service, _) = Service::with(workspace).await;
    let state = async || {
        service
            .get(VIEWER, "/workspaces/depot-north/health")
            .await
            .of(200)["devices"][0]["state"]
            .take()
    };
    assert_eq!(state().await, "stale");
    let body = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 5});
    let answer = service.put(ADMIN, PATH, &body).await;
    let policy = answer.of(200);
    assert_eq!((answer.version(), &policy["version"]), (2, &json!(2)));
    assert_eq!(policy["poll_interval_minutes"], 10);
    assert_eq!(state().await, "delayed");
    let workspace: Value = service.get(VIEWER, "/workspaces/depot-north").await.of(200);
    assert_eq!(workspace["schedule"]["interval_seconds"], 600);
}

#[tokio::test]
async fn a_schedule_is_applied_once_the_scheduler_has_confirmed_it_pending_when_it_changes_and_in_error_when_that_fails()
 {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    let scheduler = InProcessSchedules::default();
    let schedule = async || service.get(VIEWER, PATH).await.of(200)["schedule"].take();
    assert_eq!(schedule().await["state"], "pending");
    apply_schedule(&fleet.core, &scheduler, &fleet.id)
        .await
        .expect("it takes it");
    let applied = schedule().await;
    assert_eq!(applied["state"], "applied");
    assert_eq!(applied["applied_at"], "2026-11-23T08:00:00Z");

    let body = json!({"poll_interval_minutes": 60, "stale_threshold_minutes": 120, "no_data_grace_minutes": 60});
    let changed = service.put(ADMIN, PATH, &body).await.of(200)["schedule"].take();
    assert_eq!(
        (&changed["state"], &changed["applied_at"]),
        (&json!("pending"), &Value::Null)
    );
    assert_ne!(changed["expression"], applied["expression"]);
    let claim = ClaimToken(Uuid::from_u128(1));
    let store = service.fixture.store();
    let claimed = store.claim_schedule(&fleet.id, claim, Duration::from_mins(1));
    assert!(claimed.await.expect("the store"));
    store
        .record_failed_schedule(&fleet.id, claim, "the scheduler asks for fewer requests")
        .await
        .expect("the store");
    let failed = schedule().await;
    assert_eq!(
        (&failed["state"], &failed["applied_at"]),
        (&json!("error"), &Value::Null)
    );
    store
        .mark_schedule_unknown(&fleet.id, claim)
        .await
        .expect("the pause is over");
    apply_schedule(&fleet.core, &scheduler, &fleet.id)
        .await
        .expect("it takes it");
    assert_eq!(schedule().await["state"], "applied");
}

#[tokio::test]
async fn every_cadence_of_the_design_is_taken_and_no_other() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    for minutes in 0..=61 {
        let body = json!({"poll_interval_minutes": minutes, "stale_threshold_minutes": 1440, "no_data_grace_minutes": 60});
        let allowed = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60].contains(&minutes);
        let status = if allowed { 200 } else { 400 };
        assert_eq!(
            service.put(ADMIN, PATH, &body).await.status,
            status,
            "{minutes}"
        );
    }
}
