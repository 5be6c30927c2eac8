//! `bf-manage-core dev`, by its banner.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::built::program;
use crate::running::Running;

/// A first start makes a database on a machine that runs all the other tests too.
const UNTIL_READY: Duration = Duration::from_mins(1);
/// What the issue promises of Ctrl-C.
pub const UNTIL_STOPPED: Duration = Duration::from_secs(15);

/// The demo workspaces.
pub const DEPOTS: [&str; 5] = [
    "demo-east",
    "demo-harbour",
    "demo-north",
    "demo-south",
    "demo-west",
];

/// A place for the data of `dev`, removed with everything in it at the end.
pub struct Place(TempDir);

impl Place {
    /// With a short path, as a database's socket needs one, that the database's user may pass.
    pub fn new() -> Self {
        let mut builder = tempfile::Builder::new();
        let builder = builder
            .prefix("bf-")
            .permissions(Permissions::from_mode(0o755));
        Self(builder.tempdir().expect("a temporary directory"))
    }

    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `dev` on it, not started yet.
    pub fn command(&self, listen: &str) -> Command {
        let mut command = Command::new(program("bf-manage-core"));
        command
            .current_dir(self.0.path())
            .args(["dev", "--listen", listen, "--data-dir"])
            .arg(self.data());
        command
    }

    /// Starts `dev` on a free port, and waits until it is ready.
    pub fn dev(&self) -> Dev {
        self.dev_with(&[])
    }

    pub fn dev_with(&self, flags: &[&str]) -> Dev {
        Dev::of(Running::start(self.command("127.0.0.1:0").args(flags)))
    }

    /// With settings of the story's.
    pub fn dev_in<'a>(&self, settings: impl IntoIterator<Item = (&'a str, &'a str)>) -> Dev {
        Dev::of(Running::start_with(
            &mut self.command("127.0.0.1:0"),
            settings,
        ))
    }

    /// Whether some process of the private server is still there: it holds this lock as long as it lives.
    pub fn has_database(&self) -> bool {
        let locks = servers(&self.data())
            .into_iter()
            .map(|server| server.join("server.lock"));
        locks
            .filter_map(|lock| File::open(lock).ok())
            .any(|lock| lock.try_lock().is_err())
    }

    /// Waits until nothing of the database is left.
    pub fn loses_its_database_within(&self, patience: Duration) {
        let since = Instant::now();
        while self.has_database() {
            assert!(
                since.elapsed() < patience,
                "the database is still there after {patience:?}"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whatever became of the story: nobody's server is left on a directory that goes away.
impl Drop for Place {
    fn drop(&mut self) {
        let since = Instant::now();
        while self.has_database() && since.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn servers(data: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(data.join("postgres")) else {
        return Vec::new();
    };
    found.flatten().map(|server| server.path()).collect()
}

/// A `dev` that is ready.
pub struct Dev {
    pub running: Running,
    pub ready_at: Instant,
    pub api: Api,
    banner: Vec<String>,
}

impl Dev {
    fn of(mut running: Running) -> Self {
        let banner = running.has_said("Ctrl-C stops everything", UNTIL_READY);
        let ready_at = Instant::now();
        let after = |words: &str| {
            let line = banner
                .iter()
                .find_map(|line| line.trim().strip_prefix(words));
            line.unwrap_or_else(|| panic!("{words:?} in {banner:#?}"))
                .trim()
                .to_owned()
        };
        let api = Api {
            url: after("API"),
            admin: after("export ADMIN="),
            machine: after("export MACHINE="),
        };
        Self {
            running,
            ready_at,
            api,
            banner,
        }
    }

    /// The line that starts a second instance, as one pastes it.
    pub fn serve_line(&self) -> &str {
        let line = self
            .banner
            .iter()
            .find(|line| line.contains(" serve --listen "));
        line.unwrap_or_else(|| panic!("a serve line in {:#?}", self.banner))
    }

    /// Starts the second instance: as pasted, but for the building.
    pub fn second_instance(&self, place: &Place) -> (Running, Api) {
        let program = program("bf-manage-core");
        let pasted = self.serve_line().replace(
            "cargo run --release --",
            &format!("'{}'", program.display()),
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("exec env {pasted}")])
            .current_dir(place.data());
        let mut running = Running::start(&mut shell);
        let said = running.has_said("serves http://", Duration::from_secs(30));
        let address = said.iter().find_map(|line| line.split("serves ").nth(1));
        let url = format!("{}/api/telematics-mvp", address.expect("an address"));
        let api = Api {
            url,
            ..self.api.clone()
        };
        (running, api)
    }

    /// What the banner says of something.
    pub fn said(&self, of: &str) -> Option<&str> {
        let mut lines = self.banner.iter();
        lines.find_map(|line| line.trim().strip_prefix(of).map(str::trim))
    }

    /// The lines to paste, by their tool.
    pub fn curl_lines(&self) -> impl Iterator<Item = &str> {
        self.banner
            .iter()
            .map(String::as_str)
            .filter(|line| line.starts_with("curl "))
    }

    /// Presses Ctrl-C, and waits for the end.
    pub fn ctrl_c(mut self) -> std::process::ExitStatus {
        self.running.signal("INT");
        self.running.ends_within(UNTIL_STOPPED)
    }

    /// Kills it as nothing can prevent.
    pub fn kill_9(mut self) {
        self.running.signal("KILL");
        self.running.ends_within(Duration::from_secs(5));
    }
}

/// An instance to ask, with the banner's tokens.
#[derive(Clone)]
pub struct Api {
    pub url: String,
    pub admin: String,
    pub machine: String,
}

impl Api {
    /// A cycle of `demo-west` that is triggered with this `traceparent`, once it has ended. The trigger
    /// is repeated until none of the start's own is in its way.
    pub async fn cycle_in(&self, traceparent: &str) -> Value {
        let client = reqwest::Client::builder().build().expect("a client");
        let triggered = testkit::eventually("the trigger is queued", async || {
            let answer = client
                .post(format!("{}/poll-cycles", self.url))
                .bearer_auth(&self.machine)
                .header("traceparent", traceparent)
                .json(&json!({"workspace_id": "demo-west"}))
                .send()
                .await
                .expect("an answer");
            let answer: Value = answer.json().await.expect("JSON");
            (answer["outcome"] == "queued").then_some(answer)
        })
        .await;
        let id = triggered["cycle_id"].as_str().expect("an id");
        let path = format!("/workspaces/demo-west/poll-cycles/{id}");
        testkit::eventually("the cycle ends", async || {
            let cycle = self.get(&path).await;
            (!cycle["ended_at"].is_null()).then_some(cycle)
        })
        .await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.ask(&Method::GET, &self.admin, path, None).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Value {
        self.ask(&Method::PUT, &self.admin, path, Some(body)).await
    }

    /// As a machine.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.ask(&Method::POST, &self.machine, path, Some(body))
            .await
    }

    async fn ask(&self, method: &Method, token: &str, path: &str, body: Option<Value>) -> Value {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .expect("a client");
        let mut request = client
            .request(method.clone(), format!("{}{path}", self.url))
            .bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = answer.status();
        let text = answer.text().await.expect("a whole answer");
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// How many devices of the demo fleet are in a state.
    pub async fn in_state(&self, state: &str) -> u64 {
        let mut devices = 0;
        for depot in DEPOTS {
            let health = self
                .get(&format!("/workspaces/{depot}/health?limit=1"))
                .await;
            devices += health["counts"][state].as_u64().expect("a count");
        }
        devices
    }

    /// Waits until the fleet is healthy from polls.
    pub async fn is_healthy_within(&self, since: Instant, patience: Duration) {
        loop {
            let healthy = self.in_state("healthy").await;
            if healthy >= 40 {
                return;
            }
            assert!(
                since.elapsed() < patience,
                "only {healthy} of 60 are healthy after {patience:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
