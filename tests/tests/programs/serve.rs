//! `bf-manage-core serve`, trusting an issuer that is not its own.

use std::process::Command;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use testkit::{Fixture, WorkspaceBuilder};

use crate::built::program;
use crate::client::client;
use crate::running::Running;

/// Whom a service believes.
pub struct Trust<'a> {
    pub issuer: &'a str,
    pub jwks_url: &'a str,
    pub client_ids: &'a [&'a str],
    pub audience: Option<&'a str>,
}

/// A service on a database of its own, with a workspace in it.
pub struct Serve {
    // Ends before its database goes.
    _running: Running,
    pub fixture: Fixture,
    client: Client,
    url: String,
}

impl Serve {
    pub async fn start(workspace: WorkspaceBuilder, trust: &Trust<'_>) -> Self {
        Self::start_with(workspace, trust, &[]).await
    }

    /// With further settings.
    pub async fn start_with(
        workspace: WorkspaceBuilder,
        trust: &Trust<'_>,
        settings: &[(&str, &str)],
    ) -> Self {
        let fixture = Fixture::create().await;
        workspace.create(&fixture).await;
        let mut command = Command::new(program("bf-manage-core"));
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(std::env::temp_dir())
            .env("PROFILE", "dev")
            .env("DATABASE_URL", fixture.database.url())
            .env("SCHEDULER", "none")
            .env("AUTH_ISSUER", trust.issuer)
            .env("AUTH_JWKS_URL", trust.jwks_url)
            .env("AUTH_CLIENT_IDS", trust.client_ids.join(","));
        if let Some(audience) = trust.audience {
            command.env("AUTH_AUDIENCE", audience);
        }
        command.envs(settings.iter().copied());
        let mut running = Running::start(&mut command);
        Self {
            url: format!("{}/api/telematics-mvp", running.wait_until_serving()),
            client: client(),
            _running: running,
            fixture,
        }
    }

    /// What a read with this token is answered.
    pub async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        self.ask(Method::GET, token, path, &Value::Null).await
    }

    /// What pushing a reading of `bus-1` with this token is answered.
    pub async fn ingest(&self, token: &str, workspace_id: &str) -> (u16, Value) {
        let update = json!({"device_id": "bus-1", "observed_at": "2026-01-01T00:00:00Z", "signals": {"odometer_km": 12345.6}});
        let path = format!("/workspaces/{workspace_id}/ingest");
        self.ask(Method::POST, token, &path, &json!({"updates": [update]}))
            .await
    }

    /// What this request with this token is answered.
    pub async fn ask(&self, method: Method, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        let mut request = self.client.request(method, url).bearer_auth(token);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }
}
