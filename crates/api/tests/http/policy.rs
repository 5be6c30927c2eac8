//! A workspace's policy.

use serde_json::{Value, json};
use testkit::{a_device, a_workspace, minutes};

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
    assert_eq!(schedule["state"], "applied");
    assert!(
        schedule["expression"]
            .as_str()
            .is_some_and(|cron| cron.starts_with("cron(") && cron.ends_with("/5 * * * ? *)")),
        "{schedule}"
    );
    assert!(schedule["applied_at"].is_string());
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
async fn a_schedule_that_somebody_else_keeps_is_pending() {
    let service = Service::start_with(|state| state.schedules_applied = false).await;
    a_workspace(NORTH).create(&service.fixture).await;
    let policy = service.get(VIEWER, PATH).await.of(200);
    assert_eq!(
        (
            &policy["schedule"]["state"],
            &policy["schedule"]["applied_at"]
        ),
        (&json!("pending"), &Value::Null)
    );
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
