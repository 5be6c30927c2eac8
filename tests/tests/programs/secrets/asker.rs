//! Somebody who uses each secret, and keeps every answer.

use reqwest::Method;
use serde_json::{Value, json};

use super::{IN_BAD_TOKEN, IN_BASE_URL, IN_BASIC, IN_QUERY, REQUEST_ID, TRACE_ID};
use crate::client::client;
use crate::dev::Api;

/// Somebody who keeps every answer.
pub struct Asker {
    pub url: String,
    pub answers: Vec<String>,
}

impl Asker {
    async fn ask(
        &mut self,
        method: &Method,
        path: &str,
        authorization: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        let mut request = client()
            .request(method.clone(), format!("{}{path}", self.url))
            .header("authorization", authorization)
            .header("x-request-id", REQUEST_ID)
            .header("traceparent", format!("00-{TRACE_ID}-b7ad6b7169203331-01"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
        let text = answer.text().await.expect("a whole answer");
        let value = serde_json::from_str(&text).unwrap_or_default();
        // Its own question is no answer of the service's.
        let asked = path.split('?').next().unwrap_or_default();
        self.answers
            .push(format!("{method} {asked}: {headers} {text}"));
        (status, value)
    }
    /// Returns a token to look for; the answer that has it is forgotten.
    pub async fn mint_a_token(&mut self) -> String {
        let root = self.url.replace("/api/telematics-mvp", "");
        let api = std::mem::replace(&mut self.url, root);
        let body = json!({"kind": "machine", "scopes": ["telematics/ingest"], "subject": "story"});
        let (status, minted) = self.ask(&Method::POST, "/dev/token", "", Some(&body)).await;
        assert_eq!(status, 200);
        self.url = api;
        self.answers.pop();
        minted["access_token"].as_str().expect("a token").to_owned()
    }

    /// Asks with each kind of bad token, and in each bad way.
    pub async fn is_refused(&mut self, api: &Api) {
        let path = "/workspaces/demo-north/health";
        let mut forged = api.admin.clone();
        forged.truncate(forged.len() - 4);
        for authorization in [
            format!("Bearer {IN_BAD_TOKEN}"),
            format!("Bearer eyJhbGciOiJub25lIn0.{IN_BAD_TOKEN}."),
            format!("Basic {IN_BASIC}"),
            format!("Bearer {forged}AAAA"),
            String::new(),
        ] {
            let (status, _) = self.ask(&Method::GET, path, &authorization, None).await;
            assert_eq!(status, 401);
        }
        let admin = format!("Bearer {}", api.admin);
        for path in ["/workspaces/demo-north/health", "/nowhere"] {
            for authorization in ["", &admin] {
                let path = format!("{path}?access_token={IN_QUERY}");
                let (status, _) = self.ask(&Method::GET, &path, authorization, None).await;
                assert!([400, 401, 404].contains(&status), "{path}: {status}");
            }
        }
        let machine = format!("Bearer {}", api.machine);
        let path = "/workspaces/demo-north/ingest";
        let (status, _) = self
            .ask(&Method::POST, path, &machine, Some(&json!({"updates": 1})))
            .await;
        assert_eq!(status, 400);
    }

    /// Polls a provider that refuses, one that is not there, and one by a reference that leads nowhere.
    pub async fn poll_with_each_credential(&mut self, api: &Api) {
        let admin = format!("Bearer {}", api.admin);
        let flags = json!({"device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed"});
        let workspace = json!({"name": "Canary", "active": true, "cutover": flags});
        let (status, _) = self
            .ask(&Method::PUT, "/workspaces/canary", &admin, Some(&workspace))
            .await;
        assert!([200, 201].contains(&status), "{status}");
        // An account of the simulator's, which has a key of its own.
        let path = "/workspaces/demo-north/provider-connections/depot-sim-main";
        let (_, main) = self.ask(&Method::GET, path, &admin, None).await;
        let account = main["base_url"].as_str().expect("an address").to_owned();
        for (name, base_url, reference, expected) in [
            (
                "variable",
                account.as_str(),
                "env:PROVIDER_CANARY",
                [200, 201],
            ),
            ("file", &account, "file:canary", [200, 201]),
            ("nobody", "http://127.0.0.1:1/", "file:canary", [200, 201]),
            ("nowhere", &account, "file:nowhere", [200, 201]),
            (
                "userinfo",
                &format!("http://core:{IN_BASE_URL}@127.0.0.1:1/"),
                "file:canary",
                [400, 400],
            ),
            (
                "query",
                &format!("http://127.0.0.1:1/?key={IN_BASE_URL}"),
                "file:canary",
                [400, 400],
            ),
        ] {
            let path = format!("/workspaces/canary/provider-connections/{name}");
            let body = json!({"provider_type": "depot_sim", "base_url": base_url, "credential_ref": reference});
            let (status, answer) = self.ask(&Method::PUT, &path, &admin, Some(&body)).await;
            assert!(expected.contains(&status), "{name}: {status} {answer}");
        }
        // ViriCiti has its key in another header, and is asked about devices only.
        let viriciti = json!({"provider_type": "viriciti", "base_url": account, "credential_ref": "file:canary"});
        let device =
            json!({"vehicle_id": "bus-1", "provider_id": "viriciti", "external_id": "vehicle-001"});
        for (path, body) in [
            ("/workspaces/canary/provider-connections/viriciti", viriciti),
            ("/workspaces/canary/devices/bus-1", device),
        ] {
            let (status, answer) = self.ask(&Method::PUT, path, &admin, Some(&body)).await;
            assert!([200, 201].contains(&status), "{path}: {status} {answer}");
        }
        let machine = format!("Bearer {}", api.machine);
        let trigger = json!({"workspace_id": "canary"});
        let (_, triggered) = self
            .ask(&Method::POST, "/poll-cycles", &machine, Some(&trigger))
            .await;
        let cycle = triggered["cycle_id"].as_str().expect("a cycle").to_owned();
        let path = format!("/workspaces/canary/poll-cycles/{cycle}");
        let ended = testkit::eventually("the cycle's end", async || {
            let (_, cycle) = self.ask(&Method::GET, &path, &admin, None).await;
            (!cycle["ended_at"].is_null()).then_some(cycle)
        })
        .await;
        let class_of = |name: &str| {
            let connections = ended["connections"].as_array().expect("connections");
            let found = connections.iter().find(|one| one["provider_id"] == name);
            found.map(|one| one["error"]["class"].clone())
        };
        let class = |text: &str| Some(json!(text));
        assert_eq!(
            class_of("variable"),
            class("credentials_rejected"),
            "{ended}"
        );
        for name in ["file", "viriciti"] {
            assert_eq!(class_of(name), class("credentials_rejected"), "{ended}");
        }
        assert_eq!(class_of("nobody"), class("unavailable"), "{ended}");
        assert_eq!(
            class_of("nowhere"),
            class("credentials_unresolved"),
            "{ended}"
        );
    }
}
