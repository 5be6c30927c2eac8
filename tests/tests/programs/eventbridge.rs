//! Schedules at an emulated EventBridge Scheduler: kept in line with SQL by `serve`, and repaired by a
//! sweep whatever somebody did to them by hand.

use std::process::Command;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use testkit::{a_workspace, eventually};

use crate::built::program;
use crate::cognito::{Pool, emulator};
use crate::instances::Deployment;
use crate::issuer::Issuer;
use crate::running::Running;
use crate::serve::{Serve, Trust};

const GROUP: &str = "bf-telematics-poll-test";
const NORTH: &str = "depot-north";
const BUS: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/bf-telematics";
/// The emulator tells service and region by it, and does not look at the rest.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/scheduler/aws4_request, SignedHeaders=host, Signature=0";
/// More than two pages of a list.
const FLEETS: usize = 220;

fn settings(endpoint: &str) -> Vec<(&str, &str)> {
    vec![
        ("SCHEDULER", "eventbridge"),
        ("EVENTBRIDGE_GROUP", GROUP),
        ("EVENTBRIDGE_BUS_ARN", BUS),
        (
            "EVENTBRIDGE_ROLE_ARN",
            "arn:aws:iam::123456789012:role/bf-telematics-scheduler",
        ),
        (
            "EVENTBRIDGE_DLQ_ARN",
            "arn:aws:sqs:eu-west-1:123456789012:bf-telematics-scheduler-dlq",
        ),
        ("EVENTBRIDGE_REGION", "eu-west-1"),
        ("EVENTBRIDGE_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ]
}

/// The emulated Scheduler, as somebody at a console reaches it.
struct Console<'a>(&'a Issuer);

impl Console<'_> {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
        let client = Client::builder().timeout(Duration::from_secs(20)).build();
        let mut request = client
            .expect("a client")
            .request(method, format!("{}{path}", self.0.url))
            .header("authorization", SIGNED);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a whole answer");
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    async fn create_group(&self) {
        let path = format!("/schedule-groups/{GROUP}");
        let (status, answer) = self.ask(Method::POST, &path, Some(&json!({}))).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// The schedule of a workspace, without what the emulator adds.
    async fn schedule(&self, workspace_id: &str) -> Option<Value> {
        let path = format!("/schedules/tm-poll-{workspace_id}?groupName={GROUP}");
        let (status, mut schedule) = self.ask(Method::GET, &path, None).await;
        if status != 200 {
            return None;
        }
        let members = schedule.as_object_mut().expect("an object");
        for added in [
            "Arn",
            "CreationDate",
            "LastModificationDate",
            "StartDate",
            "EndDate",
            "KmsKeyArn",
        ] {
            members.remove(added);
        }
        Some(schedule)
    }

    async fn expression(&self, workspace_id: &str) -> Value {
        let schedule = self.schedule(workspace_id).await.unwrap_or_default();
        schedule["ScheduleExpression"].clone()
    }

    /// Writes a schedule by hand: POST for a new one, PUT for another in its place.
    async fn write(&self, method: Method, name: &str, schedule: &Value) {
        let (status, answer) = self
            .ask(method, &format!("/schedules/{name}"), Some(schedule))
            .await;
        assert_eq!(status, 200, "{name}: {answer}");
    }

    async fn delete(&self, workspace_id: &str) {
        let path = format!("/schedules/tm-poll-{workspace_id}?groupName={GROUP}");
        assert_eq!(self.ask(Method::DELETE, &path, None).await.0, 200);
    }

    /// Names in the group, as the first page of a list has them.
    async fn is_there(&self, name: &str) -> bool {
        let path = format!("/schedules/{name}?groupName={GROUP}");
        self.ask(Method::GET, &path, None).await.0 == 200
    }
}

/// A service against this Scheduler, and an administrator's token.
async fn serve(aws: &Issuer, endpoint: &str) -> (Serve, String) {
    let pool = Pool::create(aws, "people").await;
    let trust = Trust {
        issuer: &pool.issuer(),
        jwks_url: &pool.jwks_url(),
        client_ids: &[pool.client_id()],
        audience: None,
    };
    let serve = Serve::start_with(a_workspace(NORTH), &trust, &settings(endpoint)).await;
    let (admin, _) = pool.signs_in("ada", &["system-admin"]).await;
    (serve, admin)
}

async fn schedule_of(serve: &Serve, admin: &str, workspace_id: &str) -> Value {
    let path = format!("/workspaces/{workspace_id}/policy");
    serve.get(admin, &path).await.1["schedule"].take()
}

async fn is_applied(serve: &Serve, admin: &str, workspace_id: &str) {
    eventually("the schedule is applied", async || {
        schedule_of(serve, admin, workspace_id).await["state"] == "applied"
    })
    .await;
}

async fn put(serve: &Serve, admin: &str, path: &str, body: Value) -> Value {
    let (status, answer) = serve.ask(Method::PUT, admin, path, &body).await;
    assert!(status < 300, "{path}: {status} {answer}");
    answer
}

#[tokio::test]
async fn a_schedule_lives_with_its_workspace_its_policy_and_its_activity() {
    let Some(aws) = emulator("0") else {
        return;
    };
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

#[tokio::test]
async fn a_sweep_repairs_what_was_done_by_hand_over_many_pages_of_schedules() {
    let Some(aws) = emulator("0") else {
        return;
    };
    let console = Console(&aws);
    console.create_group().await;
    let (serve, admin) = serve(&aws, &aws.url).await;
    for number in 0..FLEETS {
        a_workspace(&format!("fleet-{number:03}"))
            .create(&serve.fixture)
            .await;
    }
    // In order of id: the last is applied when all are.
    is_applied(&serve, &admin, &format!("fleet-{:03}", FLEETS - 1)).await;
    is_applied(&serve, &admin, "fleet-000").await;

    let wanted = console.schedule(NORTH).await.expect("a schedule");
    let mut disabled = wanted.clone();
    disabled["State"] = json!("DISABLED");
    console
        .write(Method::PUT, "tm-poll-depot-north", &disabled)
        .await;
    let mut slower = console.schedule("fleet-150").await.expect("a schedule");
    let expression = slower["ScheduleExpression"].take();
    slower["ScheduleExpression"] = json!("cron(0 12 * * ? *)");
    console
        .write(Method::PUT, "tm-poll-fleet-150", &slower)
        .await;
    console.delete("fleet-007").await;
    console.write(Method::POST, "tm-poll-ghost", &wanted).await;
    console.write(Method::POST, "somebody-elses", &wanted).await;
    put(
        &serve,
        &admin,
        "/workspaces/fleet-200",
        json!({"name": "200", "active": false}),
    )
    .await;
    eventually("it is gone", async || {
        console.schedule("fleet-200").await.is_none()
    })
    .await;
    is_applied(&serve, &admin, "fleet-200").await;
    console
        .write(Method::POST, "tm-poll-fleet-200", &wanted)
        .await;

    let path = "/reconciliation-sweeps";
    let (status, asked) = serve.ask(Method::POST, &admin, path, &json!({})).await;
    assert_eq!(status, 202, "{asked}");
    let path = format!("{path}/{}", asked["sweep_id"].as_str().expect("an id"));
    let ended = eventually("the sweep has ended", async || {
        let sweep = serve.get(&admin, &path).await.1;
        sweep["ended_at"].is_string().then_some(sweep)
    })
    .await;
    assert_eq!(ended["status"], "completed", "{ended}");
    assert_eq!(
        ended["schedules"],
        json!({"outcome": "completed", "checked": FLEETS, "in_line": FLEETS - 3, "pending": 0, "missing": 1, "changed": 2, "orphaned": 2,
               "foreign": 1, "not_repaired": 0, "error": null})
    );
    assert_eq!(console.schedule(NORTH).await, Some(wanted));
    assert_eq!(console.expression("fleet-150").await, expression);
    assert!(console.schedule("fleet-007").await.is_some());
    for (name, is_there) in [
        ("tm-poll-ghost", false),
        ("tm-poll-fleet-200", false),
        ("somebody-elses", true),
    ] {
        assert_eq!(console.is_there(name).await, is_there, "{name}");
    }

    let mut command = Command::new(program("bf-manage-core"));
    command
        .arg("sweep")
        .current_dir(std::env::temp_dir())
        .env("PROFILE", "dev")
        .env("DATABASE_URL", serve.fixture.database.url())
        .envs(settings(&aws.url));
    let mut sweep = Running::start(&mut command);
    let ended = sweep.ends_within(Duration::from_mins(1));
    let said = sweep.words().join("\n");
    assert_eq!(ended.code(), Some(0), "{said}\n{:?}", sweep.complaints());
    for line in [
        &format!("  checked      {FLEETS}"),
        "  missing      0",
        "  changed      0",
        "  orphaned     0",
        "legacy registry: not_configured",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[tokio::test]
async fn while_eventbridge_is_away_commands_answer_and_it_is_caught_up_later() {
    let Some(aws) = emulator("0") else {
        return;
    };
    let endpoint = {
        let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        port.local_addr().expect("its address").port().to_string()
    };
    let (serve, admin) = serve(&aws, &format!("http://127.0.0.1:{endpoint}")).await;
    let created = put(
        &serve,
        &admin,
        "/workspaces/depot-south",
        json!({"name": "South", "active": true}),
    )
    .await;
    assert_eq!(created["active"], true);
    eventually("the state says so", async || {
        schedule_of(&serve, &admin, "depot-south").await["state"] == "error"
    })
    .await;

    let later = emulator(&endpoint).expect("it is installed");
    let console = Console(&later);
    console.create_group().await;
    is_applied(&serve, &admin, "depot-south").await;
    is_applied(&serve, &admin, NORTH).await;
    assert!(console.schedule("depot-south").await.is_some());
}

/// Fleets of the stories of two instances.
const FEW: usize = 30;
const OTHER_ROLE: &str = "arn:aws:iam::123456789012:role/bf-telematics-scheduler-b";
const OTHER_QUEUE: &str = "arn:aws:sqs:eu-west-1:123456789012:bf-telematics-scheduler-dlq-b";

#[tokio::test]
async fn two_instances_make_one_schedule_each_and_a_changed_setting_reaches_them_with_the_next_sweep()
 {
    let Some(aws) = emulator("0") else {
        return;
    };
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
