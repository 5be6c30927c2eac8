//! An instance of the service, on a database and a port of its own, whose clock stands still.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::access::RateLimits;
use api::{AppState, Features, HttpLimits};
use application::Core;
use application::commands::Pushes;
use auth::{DEV_CLIENT_ID, DevIssuer, MintRequest, Verifier, VerifierSettings};
use providers::AddressPolicy;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Client, Method, RequestBuilder};
use serde_json::{Value, json};
use testkit::{Fixture, Fleet, WorkspaceBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::document;

/// What most paths start with.
pub const API: &str = "/api/telematics-mvp";
/// How long an instance that is asked to stop goes on with what it was asked before.
const GRACE: Duration = Duration::from_secs(8);
/// Whom the service believes.
pub const ISSUER: &str = "http://issuer.test";
/// The workspace that [`VIEWER`] and [`ADMIN`] belong to.
pub const NORTH: &str = "depot-north";

/// Somebody who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Without a token.
    Nobody,
    /// A system administrator, an hour too late.
    Expired,
    /// With something else than a token.
    Forger,
    /// A program with one scope.
    Machine(&'static str),
    /// A person with one group.
    Person(&'static str),
}

pub const VIEWER: Caller = Caller::Person("workspace:depot-north:viewer");
pub const ADMIN: Caller = Caller::Person("workspace:depot-north:admin");
pub const ACCOUNTS: Caller = Caller::Person("accounts");
pub const SUPPORT: Caller = Caller::Person("support");
pub const SYSTEM_ADMIN: Caller = Caller::Person("system-admin");
pub const INGEST: Caller = Caller::Machine("telematics/ingest");
pub const FORWARD: Caller = Caller::Machine("telematics/provider-ingest");
pub const READ: Caller = Caller::Machine("telematics/read");
pub const POLL: Caller = Caller::Machine("telematics/poll");

/// A running instance.
pub struct Service {
    pub fixture: Arc<Fixture>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Asks it to stop.
    pub shutdown: CancellationToken,
    /// Ends when it has stopped.
    pub serving: JoinHandle<()>,
    issuer: Arc<DevIssuer>,
    client: Client,
}

impl Service {
    /// As `dev` runs it: with the local issuer open and simulators on this machine allowed.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With something else about it.
    pub async fn start_with(change: impl FnOnce(&mut AppState)) -> Self {
        let fixture = Arc::new(Fixture::create().await);
        let core = fixture.core.clone();
        Self::run(fixture, core, change).await
    }

    /// Another instance on the same database, as after a restart.
    pub async fn another_instance(&self) -> Self {
        let core = self.fixture.another_instance();
        Self::run(Arc::clone(&self.fixture), core, |_| {}).await
    }

    async fn run(fixture: Arc<Fixture>, core: Core, change: impl FnOnce(&mut AppState)) -> Self {
        let issuer = issuer();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let jwks_url = keys_at(Arc::clone(&issuer)).await;
        let settings =
            VerifierSettings::try_new(ISSUER, &jwks_url, [DEV_CLIENT_ID], None).expect("settings");
        let mut state = AppState {
            core,
            pushes: Pushes::default(),
            verifier: Verifier::try_new(settings, fixture.clock.clone()).expect("a verifier"),
            rates: RateLimits::new(None, None, &fixture.clock),
            http: HttpLimits::default(),
            strict_transport: false,
            worker: None,
            applier: None,
            sweeper: None,
            addresses: AddressPolicy {
                allowed_hosts: vec!["my.geotab.com".to_owned()],
                loopback_http: true,
            },
            dev_issuer: Some(Arc::clone(&issuer)),
            tasks: TaskTracker::new(),
            features: Features {
                workspace_settings: true,
            },
        };
        change(&mut state);
        let limits = state.http;
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let serving = tokio::spawn(async move {
            api::serve(listener, api::router(state), limits, stop, GRACE).await;
        });
        let client = Client::builder()
            .timeout(Duration::from_mins(1))
            .build()
            .expect("a client");
        Self {
            fixture,
            address,
            shutdown,
            serving,
            issuer,
            client,
        }
    }

    /// With a workspace in it.
    pub async fn with(workspace: WorkspaceBuilder) -> (Self, Fleet) {
        let service = Self::start().await;
        let fleet = workspace.create(&service.fixture).await;
        (service, fleet)
    }

    pub fn token(&self, caller: Caller) -> Option<String> {
        let request = match caller {
            Caller::Nobody => return None,
            Caller::Forger => return Some("eyJhbGciOiJub25lIn0.e30.".to_owned()),
            Caller::Expired => MintRequest {
                expires_in_seconds: -3600,
                ..MintRequest::user(["system-admin"])
            },
            Caller::Machine(scope) => MintRequest::machine([scope]),
            Caller::Person(group) => MintRequest::user([group]),
        };
        Some(self.issuer.mint(&request, self.fixture.clock.now()))
    }

    /// A well-signed token that says just this.
    pub fn signed(&self, claims: &Value) -> String {
        self.issuer.sign(claims)
    }

    /// A request yet to be sent; a path that is not one of the few others is the API's.
    pub fn call(&self, caller: Caller, method: &Method, path: &str) -> Call {
        let path = if is_of_the_api(path) {
            format!("{API}{path}")
        } else {
            path.to_owned()
        };
        let mut request = self
            .client
            .request(method.clone(), format!("http://{}{path}", self.address));
        if let Some(token) = self.token(caller) {
            request = request.bearer_auth(token);
        }
        Call {
            request,
            method: method.clone(),
            path,
        }
    }

    pub async fn get(&self, caller: Caller, path: &str) -> Answer {
        self.call(caller, &Method::GET, path).send().await
    }

    pub async fn put(&self, caller: Caller, path: &str, body: &Value) -> Answer {
        self.call(caller, &Method::PUT, path).json(body).await
    }

    pub async fn patch(&self, caller: Caller, path: &str, body: &Value) -> Answer {
        self.call(caller, &Method::PATCH, path).json(body).await
    }

    pub async fn post(&self, caller: Caller, path: &str, body: &Value) -> Answer {
        self.call(caller, &Method::POST, path).json(body).await
    }

    pub async fn delete(&self, caller: Caller, path: &str) -> Answer {
        self.call(caller, &Method::DELETE, path).send().await
    }

    /// Pushes updates into [`NORTH`]; answers each one's result.
    pub async fn ingest(&self, updates: Value) -> Vec<Value> {
        let answer = self
            .post(
                INGEST,
                "/workspaces/depot-north/ingest",
                &json!({"updates": updates}),
            )
            .await;
        match answer.of(200)["results"].take() {
            Value::Array(results) => results,
            other => panic!("results are {other}"),
        }
    }
}

/// Whether a path is written without what most paths start with.
pub fn is_of_the_api(path: &str) -> bool {
    [
        "/workspaces",
        "/poll-cycles",
        "/reconciliation-sweeps",
        "/follow-ups",
        "/overview",
        "/audit",
    ]
    .iter()
    .any(|start| path.starts_with(start))
}

/// One for all tests: a key takes a while to make, and nothing depends on whose it is.
fn issuer() -> Arc<DevIssuer> {
    static ISSUER_OF_ALL: OnceLock<Arc<DevIssuer>> = OnceLock::new();
    let make = || {
        let keys = tempfile::tempdir().expect("a temporary directory");
        Arc::new(DevIssuer::load_or_create(keys.path(), ISSUER).expect("a key"))
    };
    Arc::clone(ISSUER_OF_ALL.get_or_init(make))
}

/// Serves the issuer's public keys, as the issuer does; answers where.
async fn keys_at(issuer: Arc<DevIssuer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://{}/jwks.json",
        listener.local_addr().expect("its address")
    );
    let keys = axum::routing::get(move || async move { axum::Json(issuer.jwks()) });
    let app = axum::Router::new().route("/jwks.json", keys);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// A request yet to be sent.
pub struct Call {
    request: RequestBuilder,
    method: Method,
    path: String,
}

impl Call {
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_ref()).expect("a header");
        self.request = self.request.header(name, value);
        self
    }

    /// With a body of any bytes and no type.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.request = self.request.body(body);
        self
    }

    /// Sends bytes that are said to be JSON.
    pub async fn said_json(self, body: impl Into<Body>) -> Answer {
        let typed = self.header(CONTENT_TYPE.as_str(), "application/json");
        typed.body(body).send().await
    }

    pub async fn json(self, body: &Value) -> Answer {
        self.said_json(body.to_string()).await
    }

    /// Sends it, and holds what comes back against the document.
    pub async fn send(self) -> Answer {
        let answer = self.request.send().await.expect("an answer");
        let answer = Answer {
            path: self.path.split('?').next().unwrap_or_default().to_owned(),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.expect("a whole answer").to_vec(),
        };
        document::check(&self.method, &answer.path, &answer);
        answer
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    path: String,
    body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a plain header"))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The JSON of an answer of this status.
    #[track_caller]
    pub fn of(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.path, self.text());
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The body of a refusal, which has the form of every refusal.
    #[track_caller]
    pub fn problem(&self, status: u16, slug: &str) -> Value {
        let body = self.of(status);
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{body}"
        );
        assert_eq!(body["type"], format!("/problems/{slug}"), "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["instance"], self.path, "{body}");
        assert!(
            body["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{body}"
        );
        let trace_id = body["trace_id"].as_str().unwrap_or_default();
        assert!(is_trace_id(trace_id), "{body}");
        body
    }

    /// A 400 that names exactly these members (by pointer) and parameters.
    #[track_caller]
    pub fn names(&self, wrong: &[&str]) {
        let body = self.problem(400, "validation");
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let named: Vec<&str> = errors
            .iter()
            .filter_map(|error| {
                assert!(
                    error["detail"]
                        .as_str()
                        .is_some_and(|detail| !detail.is_empty()),
                    "{body}"
                );
                error["pointer"]
                    .as_str()
                    .or_else(|| error["parameter"].as_str())
            })
            .collect();
        assert_eq!(named, wrong, "{body}");
    }

    /// The version in the `ETag`.
    #[track_caller]
    pub fn version(&self) -> i64 {
        let tag = self.header("etag").expect("an ETag");
        tag.trim_matches('"').parse().expect("a version")
    }
}

fn is_trace_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
