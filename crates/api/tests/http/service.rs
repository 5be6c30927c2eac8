//! An instance of the service, on a database and a port of its own, whose clock stands still.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use api::access::RateLimits;
use api::{AppState, Features, HttpLimits};
use application::Core;
use application::commands::PushQueue;
use auth::{DEV_CLIENT_ID, DevIssuer, MintRequest, Verifier, VerifierSettings};
use providers::AddressPolicy;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use testkit::{Fixture, Fleet, HeldTransaction, WorkspaceBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use crate::call::{Answer, Call};

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
            pushes: PushQueue::default(),
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

    /// Holds all workspaces, so that nobody reads or writes one until the transaction ends.
    pub async fn hold_workspaces(&self) -> HeldTransaction {
        let lock = "LOCK TABLE workspaces IN ACCESS EXCLUSIVE MODE";
        self.fixture.database.hold(lock).await
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

    /// Pushes updates to [`NORTH`] and returns the result of each.
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
