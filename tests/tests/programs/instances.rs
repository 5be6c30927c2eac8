//! Instances of `bf-manage-core serve` on one database, which a story starts, stops and kills.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Fixture, Fleet, eventually, seconds};

use crate::built::program;
use crate::client::client;
use crate::running::Running;

const ISSUER: &str = "http://bf-stories-issuer.localhost";
/// The folder of credentials, and the one credential in it.
pub const KEY: &str = "s3cret";
pub const CREDENTIAL: &str = "file:key";
/// How long a lease lasts without renewal.
const LEASE_SECONDS: &str = "5";

/// A database, and what all instances on it share.
pub struct Deployment {
    pub fixture: Fixture,
    place: TempDir,
    client: Client,
}

impl Deployment {
    pub async fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(place.path().join("key"), KEY).expect("a credential");
        Self {
            fixture: Fixture::in_real_time().await,
            place,
            client: client(),
        }
    }

    /// Starts an instance, and waits until it serves.
    pub async fn instance(&self) -> Instance {
        self.instance_with(&[]).await
    }

    /// With further settings.
    pub async fn instance_with(&self, settings: &[(&str, &str)]) -> Instance {
        let address = free_address();
        let mut command = Command::new(program("bf-manage-core"));
        command
            .args(["serve", "--listen", &address.to_string(), "--dev-data"])
            .arg(self.place.path())
            .current_dir(self.place.path())
            .env("PROFILE", "dev")
            .env("DATABASE_URL", self.fixture.database.url())
            .env("AUTH_ISSUER", ISSUER)
            .env("AUTH_JWKS_URL", format!("http://{address}/dev/jwks.json"))
            .env("AUTH_CLIENT_IDS", "bf-dev")
            .env("PROVIDER_CREDENTIALS_DIR", self.place.path())
            .env("SCHEDULER", "none")
            .env("METRICS_LISTEN", "")
            .env("TRIGGER_PRECISION_SECONDS", "0")
            .env("LEASE_SECONDS", LEASE_SECONDS)
            .env("LOG", "info")
            .envs(settings.iter().copied());
        let mut running = Running::start(&mut command);
        running.wait_until_serving();
        let url = format!("http://{address}");
        let scopes = ["telematics/poll", "telematics/sweep"];
        let asked = json!({"kind": "machine", "scopes": scopes});
        let minted = self.client.post(format!("{url}/dev/token")).json(&asked);
        let minted = minted.send().await.expect("an answer");
        let minted: Value = minted.json().await.expect("JSON");
        Instance {
            running,
            client: self.client.clone(),
            url,
            token: minted["access_token"].as_str().expect("a token").to_owned(),
        }
    }

    /// Cycles that have ended as this, with how often their leases were lost, and how many records of
    /// connections and how many events of their end they have.
    pub async fn ended(&self, status: &str) -> Vec<Ended> {
        let rows: Vec<(String, i32, i64, i64)> = sqlx::query_as(
            "SELECT workspace_id, leases_lost,
                 (SELECT count(*) FROM poll_cycle_connections polled
                  WHERE polled.workspace_id = cycle.workspace_id AND polled.cycle_id = cycle.cycle_id),
                 (SELECT count(*) FROM event_store ended WHERE ended.workspace_id = cycle.workspace_id
                  AND ended.cycle_id = cycle.cycle_id AND ended.type = 'WorkspacePollIngestCompleted')
             FROM poll_cycles cycle WHERE status = $1 ORDER BY workspace_id",
        )
        .bind(status)
        .fetch_all(self.fixture.store().pool())
        .await
        .expect("the cycles");
        let ended = rows.into_iter().map(
            |(workspace_id, leases_lost, connections, events_of_its_end)| Ended {
                workspace_id,
                leases_lost,
                connections,
                events_of_its_end,
            },
        );
        ended.collect()
    }

    /// When each workspace's schedule was confirmed last, by its id.
    pub async fn schedules_applied(&self) -> Vec<(String, DateTime<Utc>)> {
        sqlx::query_as(
            "SELECT workspace_id, applied_at FROM schedules WHERE claim IS NULL AND applied_at IS NOT NULL ORDER BY 1",
        )
        .fetch_all(self.fixture.store().pool())
        .await
        .expect("the schedules")
    }

    /// Updates accepted, by the events, and by the versions of the snapshots that they moved.
    pub async fn accepted(&self) -> (i64, i64) {
        sqlx::query_as(
            "SELECT (SELECT count(*) FROM event_store WHERE type = 'TelematicsUpdateAccepted'),
                    (SELECT coalesce(sum(version), 0)::bigint FROM snapshots)",
        )
        .fetch_one(self.fixture.store().pool())
        .await
        .expect("the counts")
    }
}

/// A cycle that ran to its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub workspace_id: String,
    pub leases_lost: i32,
    pub connections: i64,
    pub events_of_its_end: i64,
}

/// An instance that serves.
pub struct Instance {
    pub running: Running,
    client: Client,
    url: String,
    token: String,
}

impl Instance {
    /// Triggers a slot; what the trigger is answered.
    pub async fn trigger(&self, workspace_id: &str, slot: DateTime<Utc>) -> (u16, Value) {
        let trigger = json!({"workspace_id": workspace_id, "scheduled_time": slot.to_rfc3339()});
        self.ask(Method::POST, "/poll-cycles", &trigger).await
    }

    /// Asks for a sweep, and waits for its end.
    pub async fn sweep(&self) -> Value {
        let path = "/reconciliation-sweeps";
        let (status, asked) = self.ask(Method::POST, path, &json!({})).await;
        assert_eq!(status, 202, "{asked}");
        let path = format!("{path}/{}", asked["sweep_id"].as_str().expect("an id"));
        eventually("the sweep has ended", async || {
            let (_, sweep) = self.ask(Method::GET, &path, &json!({})).await;
            sweep["ended_at"].is_string().then_some(sweep)
        })
        .await
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/api/telematics-mvp{path}", self.url);
        let mut request = self.client.request(method.clone(), url);
        if method == Method::POST {
            request = request.json(body);
        }
        let answer = request.bearer_auth(&self.token).send().await;
        let answer = answer.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }

    pub fn kill_9(mut self) {
        self.running.kill_9();
    }
}

/// The newest slot of a workspace that is due already, before its registration though it may lie: nobody
/// makes up for it, and its trigger runs it at once.
pub async fn slot_due(fleet: &Fleet) -> DateTime<Utc> {
    let schedule = fleet.record().await.workspace.schedule();
    let next = schedule.next_due_at(fleet.core.clock.now(), TimeDelta::zero());
    let second = seconds(i64::from(schedule.offset_seconds() % 60));
    next - second - schedule.interval().as_delta()
}

/// The simulated provider, as a program.
pub struct Simulator {
    _running: Running,
    client: Client,
    url: String,
}

impl Simulator {
    pub fn start() -> Self {
        let mut command = Command::new(program("bf-depot-sim"));
        command.args(["--listen", "127.0.0.1:0", "--vehicles", "1"]);
        let mut running = Running::start(&mut command);
        let said = running.wait_for_line("Serving on ");
        let url = said.split_whitespace().next();
        Self {
            url: url.expect("an address").to_owned(),
            client: client(),
            _running: running,
        }
    }

    /// The base URL of an account with these vehicles.
    pub async fn account(&self, name: &str, vehicles: &[&str]) -> String {
        let vehicles: Vec<Value> = vehicles.iter().map(|id| json!({"id": id})).collect();
        let account = json!({"key": KEY, "vehicles": vehicles});
        let path = format!("/control/accounts/{name}");
        self.control(
            self.client
                .put(format!("{}{path}", self.url))
                .json(&account),
        )
        .await;
        format!("{}/accounts/{name}", self.url)
    }

    pub async fn hangs(&self, account: &str) {
        let url = format!("{}/control/accounts/{account}/fault", self.url);
        self.control(self.client.put(url).json(&json!({"kind": "hang"})))
            .await;
    }

    pub async fn is_well(&self, account: &str) {
        let url = format!("{}/control/accounts/{account}/fault", self.url);
        self.control(self.client.delete(url)).await;
    }

    async fn control(&self, request: reqwest::RequestBuilder) {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 204);
    }

    /// Requests to each account with a name that starts so: polls begun, and those being answered.
    pub async fn requests(&self, prefix: &str) -> Vec<(u64, u64)> {
        let url = format!("{}/control/accounts", self.url);
        let listed = self.client.get(url).send().await.expect("an answer");
        let listed: Value = listed.json().await.expect("JSON");
        let accounts = listed["accounts"].as_array().expect("accounts").iter();
        accounts
            .filter(|account| {
                let name = account["name"].as_str();
                name.is_some_and(|name| name.starts_with(prefix))
            })
            .map(|account| {
                let count = |of: &str| account["requests"][of].as_u64().expect("a count");
                (count("first_pages"), count("in_flight"))
            })
            .collect()
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address")
}
