//! A changed setting reaches every schedule.

use serde_json::json;
use testkit::{a_workspace, eventually};

use super::{Console, settings};
use crate::cognito::emulator;
use crate::instances::Deployment;

/// Fleets of the stories of two instances.
const FEW: usize = 30;
const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/bf-telematics-scheduler-b";
const OTHER_QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:bf-telematics-scheduler-dlq-b";

#[tokio::test]
#[ignore = "needs the emulator that .ci/install-issuers installs"]
async fn two_instances_make_one_schedule_each_and_a_changed_setting_reaches_them_with_the_next_sweep()
 {
    let aws = emulator("0");
    let console = Console(&aws);
    console.create_group().await;
    let deployment = Deployment::new().await;
    let fleets: Vec<String> = (0..FEW)
        .map(|number| format!("fleet-{number:02}"))
        .collect();
    for fleet in &fleets {
        a_workspace(fleet).create(&deployment.fixture).await;
    }
    let settings = settings(&aws.url);
    let one = deployment.instance_with(&settings).await;
    let other = deployment.instance_with(&settings).await;
    let told = eventually("each is applied", async || {
        let applied = deployment.schedules_applied().await;
        (applied.len() == FEW).then_some(applied)
    })
    .await;
    // Each instance has looked again by then: a sweep is asked of one, and taken by either.
    for instance in [&one, &other] {
        let swept = instance.sweep().await;
        assert_eq!(
            swept["schedules"],
            json!({"outcome": "completed", "checked": FEW, "in_line": FEW, "pending": 0, "missing": 0, "changed": 0,
                   "orphaned": 0, "foreign": 0, "not_repaired": 0, "error": null})
        );
    }
    assert_eq!(deployment.schedules_applied().await, told, "told once");

    one.kill_9();
    other.kill_9();
    let mut changed = settings.clone();
    for (name, value) in &mut changed {
        match *name {
            "EVENTBRIDGE_ROLE_ARN" => *value = OTHER_ROLE,
            "EVENTBRIDGE_DLQ_ARN" => *value = OTHER_QUEUE,
            _ => {}
        }
    }
    let newer = deployment.instance_with(&changed).await;
    let before = console.schedule("fleet-00").await.expect("a schedule");
    assert_ne!(before["Target"]["RoleArn"], OTHER_ROLE, "not at its start");
    let swept = newer.sweep().await;
    assert_eq!(
        (
            &swept["schedules"]["changed"],
            &swept["schedules"]["not_repaired"]
        ),
        (&json!(FEW), &json!(0)),
        "{swept}"
    );
    for fleet in &fleets {
        let schedule = console.schedule(fleet).await.expect("a schedule");
        let target = &schedule["Target"];
        assert_eq!(target["RoleArn"], OTHER_ROLE);
        assert_eq!(target["DeadLetterConfig"]["Arn"], OTHER_QUEUE);
    }
    assert_eq!(newer.sweep().await["schedules"]["in_line"], FEW);
}
