//! Schedules at an emulated EventBridge Scheduler: kept in line with SQL by `serve`, and repaired by a
//! sweep whatever somebody did to them by hand.

mod away;
mod by_hand;
mod life;
mod settings;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{a_workspace, eventually};

use crate::client::client;
use crate::cognito::Pool;
use crate::issuer::Issuer;
use crate::serve::{Serve, Trust};

const GROUP: &str = "bf-telematics-poll-test";
const NORTH: &str = "depot-north";
const BUS: &str = "arn:aws:events:eu-west-1:123456789012:event-bus/bf-telematics";
/// The emulator tells service and region by it, and does not look at the rest.
const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/scheduler/aws4_request, SignedHeaders=host, Signature=0";

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
        let mut request = client()
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

    /// Whether a schedule of this name is in the group.
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
