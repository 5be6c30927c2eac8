//! A schedule lives with its workspace, its policy and its activity.

use serde_json::{Value, json};
use testkit::eventually;

use super::{BUS, Console, GROUP, NORTH, is_applied, put, schedule_of, serve};
use crate::cognito::emulator;

#[tokio::test]
#[ignore = "needs the emulator that .ci/install-issuers installs"]
async fn a_schedule_lives_with_its_workspace_its_policy_and_its_activity() {
    let aws = emulator("0");
    let console = Console(&aws);
    console.create_group().await;
    let (serve, admin) = serve(&aws, &aws.url).await;

    is_applied(&serve, &admin, NORTH).await;
    let told = schedule_of(&serve, &admin, NORTH).await;
    assert!(told["applied_at"].is_string(), "{told}");
    let schedule = console.schedule(NORTH).await.expect("a schedule");
    assert_eq!(schedule["ScheduleExpression"], told["expression"]);
    let input: Value =
        serde_json::from_str(schedule["Target"]["Input"].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        input,
        json!({"workspace_id": NORTH, "scheduled_time": "<aws.scheduler.scheduled-time>", "schedule_arn": "<aws.scheduler.schedule-arn>",
               "execution_id": "<aws.scheduler.execution-id>", "attempt": "<aws.scheduler.attempt-number>"})
    );
    let mut rest = schedule.clone();
    rest["Target"]["Input"].take();
    rest["ScheduleExpression"].take();
    rest["Description"].take();
    assert_eq!(
        rest,
        json!({
            "Name": "tm-poll-depot-north", "GroupName": GROUP, "Description": null, "State": "ENABLED", "ScheduleExpression": null,
            "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": {"Mode": "OFF"}, "ActionAfterCompletion": "NONE",
            "Target": {
                "Arn": BUS, "RoleArn": "arn:aws:iam::123456789012:role/bf-telematics-scheduler", "Input": null,
                "EventBridgeParameters": {"Source": "bf.telematics.scheduler", "DetailType": "PollCycleDue"},
                "RetryPolicy": {"MaximumEventAgeInSeconds": 180, "MaximumRetryAttempts": 3},
                "DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-west-1:123456789012:bf-telematics-scheduler-dlq"},
            },
        })
    );

    let path = format!("/workspaces/{NORTH}/policy");
    let policy = json!({"poll_interval_minutes": 10, "stale_threshold_minutes": 30, "no_data_grace_minutes": 60});
    let changed = put(&serve, &admin, &path, policy).await;
    assert_eq!(changed["schedule"]["state"], "pending");
    is_applied(&serve, &admin, NORTH).await;
    let expression = console.expression(NORTH).await;
    assert_eq!(expression, changed["schedule"]["expression"]);
    assert!(
        expression
            .as_str()
            .is_some_and(|text| text.contains("/10 "))
    );

    let path = format!("/workspaces/{NORTH}");
    put(
        &serve,
        &admin,
        &path,
        json!({"name": "North", "active": false}),
    )
    .await;
    eventually("the schedule is gone", async || {
        console.schedule(NORTH).await.is_none()
    })
    .await;
    is_applied(&serve, &admin, NORTH).await;
    put(
        &serve,
        &admin,
        &path,
        json!({"name": "North", "active": true}),
    )
    .await;
    eventually("the schedule is back", async || {
        console.schedule(NORTH).await.is_some()
    })
    .await;
}
