//! `bf-manage-core dev`, by its banner.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::built::program;
use crate::client::client;
use crate::running::{BETWEEN_LOOKS, PATIENCE, Running};

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

    /// Waits until no process of the private server is left.
    pub fn loses_its_database(&self) {
        assert!(self.is_without_database(), "the database is still there");
    }

    fn is_without_database(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.has_database() && Instant::now() < deadline {
            std::thread::sleep(BETWEEN_LOOKS);
        }
        !self.has_database()
    }
}

/// No server is left on a directory that goes away, whatever became of the story.
impl Drop for Place {
    fn drop(&mut self) {
        self.is_without_database();
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
    pub api: Api,
    banner: Vec<String>,
}

impl Dev {
    fn of(mut running: Running) -> Self {
        running.wait_for_line("Ctrl-C stops everything");
        let banner = running.stdout();
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
            api,
            banner,
        }
    }

    /// Returns the banner's line that starts a second instance, as somebody pastes it, with the program
    /// that is built already in place of building it.
    pub fn serve_line(&self) -> String {
        let line = self
            .banner
            .iter()
            .find(|line| line.contains(" serve --listen "));
        let line = line.unwrap_or_else(|| panic!("a serve line in {:#?}", self.banner));
        let program = format!("'{}'", program("bf-manage-core").display());
        format!(
            "exec env {}",
            line.replace("cargo run --release --", &program)
        )
    }

    /// Starts the second instance; returns it with its API, for the banner's tokens.
    pub fn second_instance(&self, place: &Place) -> (Running, Api) {
        self.second_instance_by(place, &self.serve_line(), &[])
    }

    /// Starts the second instance by this line, with these settings.
    pub fn second_instance_by(
        &self,
        place: &Place,
        line: &str,
        settings: &[(&str, &str)],
    ) -> (Running, Api) {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(place.data());
        let mut running = Running::start_with(&mut shell, settings.iter().copied());
        let api = Api {
            url: format!("{}/api/telematics-mvp", running.wait_until_serving()),
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
        self.running.wait_for_exit()
    }

    /// Kills it as nothing can prevent.
    pub fn kill_9(mut self) {
        self.running.kill_9();
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
        let triggered = testkit::eventually("the trigger is queued", async || {
            let answer = client()
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
        let mut request = client()
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
    pub async fn is_healthy(&self) {
        testkit::eventually("40 of 60 devices are healthy", async || {
            self.in_state("healthy").await >= 40
        })
        .await;
    }
}
