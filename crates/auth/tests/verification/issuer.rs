//! An issuer that signs anything and whose JWKS address can be made to misbehave.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use auth::{InvalidReason, Principal, Verifier, VerifierSettings, VerifyError};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaKeyPair};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use clock::Clock;
use serde_json::{Value, json};

pub const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Pool00001";
pub const CLIENT: &str = "depot-client";
/// Where the manual clock stands at first: 2026-11-02T12:00:00Z.
pub const NOW: i64 = 1_793_620_800;

pub static FIRST: LazyLock<RsaKeyPair> = LazyLock::new(generate);
pub static SECOND: LazyLock<RsaKeyPair> = LazyLock::new(generate);
/// Never published.
pub static STRANGER: LazyLock<RsaKeyPair> = LazyLock::new(generate);

fn generate() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key")
}

/// A verifier, its issuer and its clock.
pub struct World {
    pub clock: Clock,
    pub jwks: JwksServer,
    pub verifier: Verifier,
}

impl World {
    /// The issuer publishes [`FIRST`]; no audience is configured.
    pub async fn new() -> Self {
        Self::with_audience(None).await
    }

    pub async fn with_audience(audience: Option<&str>) -> Self {
        Self::with_clients(&[CLIENT], audience).await
    }

    pub async fn with_clients(client_ids: &[&str], audience: Option<&str>) -> Self {
        let clock = Clock::manual(DateTime::<Utc>::from_timestamp(NOW, 0).expect("a date"));
        let jwks = JwksServer::start(key_set(&[("first", &FIRST)])).await;
        let client_ids = client_ids.iter().copied();
        let settings = VerifierSettings::try_new(ISSUER, &jwks.url(), client_ids, audience)
            .expect("usable settings");
        let verifier = Verifier::try_new(settings, clock.clone()).expect("an HTTP client");
        Self {
            clock,
            jwks,
            verifier,
        }
    }

    pub async fn verify(&self, token: &str) -> Result<Principal, VerifyError> {
        self.verifier.verify(token).await
    }

    /// Asserts that the token is refused, and for this reason.
    pub async fn refuses(&self, token: &str, reason: InvalidReason, case: &str) {
        assert_eq!(
            self.verify(token).await,
            Err(VerifyError::Invalid(reason)),
            "{case}"
        );
    }
}

/// What the JWKS address answers.
#[derive(Clone)]
pub enum Answer {
    Keys(Value),
    Text(StatusCode, String),
    /// Without a Content-Length, so that only reading tells its size.
    Endless,
    /// To `/elsewhere`, where the keys would be.
    Redirect,
    /// The connection is taken and nothing ever comes.
    Silence,
}

/// A JWKS endpoint that counts how often it is asked.
pub struct JwksServer {
    address: SocketAddr,
    state: Arc<Mutex<ServerState>>,
    task: tokio::task::JoinHandle<()>,
}

struct ServerState {
    answer: Answer,
    fetches: usize,
}

impl JwksServer {
    async fn start(keys: Value) -> Self {
        let state = Arc::new(Mutex::new(ServerState {
            answer: Answer::Keys(keys),
            fetches: 0,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::clone(&state);
        let router = Router::new().fallback(move || answer(Arc::clone(&shared)));
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the server runs");
        });
        Self {
            address,
            state,
            task,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    pub fn answers(&self, answer: Answer) {
        self.state.lock().expect("no panic inside").answer = answer;
    }

    pub fn publishes(&self, keys: &[(&str, &RsaKeyPair)]) {
        self.answers(Answer::Keys(key_set(keys)));
    }

    pub fn fetches(&self) -> usize {
        self.state.lock().expect("no panic inside").fetches
    }
}

impl Drop for JwksServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(state: Arc<Mutex<ServerState>>) -> Response {
    let answer = {
        let mut state = state.lock().expect("no panic inside");
        state.fetches += 1;
        state.answer.clone()
    };
    // As oidc-provider names it; Cognito says application/json.
    let jwk_set = [(header::CONTENT_TYPE, "application/jwk-set+json")];
    match answer {
        Answer::Keys(keys) => (jwk_set, keys.to_string()).into_response(),
        Answer::Text(status, text) => (status, text).into_response(),
        Answer::Endless => {
            let spaces = || Ok::<_, Infallible>(" ".repeat(4096));
            Body::from_stream(futures::stream::repeat_with(spaces)).into_response()
        }
        Answer::Redirect => {
            let elsewhere: [(HeaderName, &str); 1] = [(header::LOCATION, "/elsewhere")];
            (StatusCode::FOUND, elsewhere).into_response()
        }
        Answer::Silence => std::future::pending().await,
    }
}

/// Waits until a condition holds; only a failure waits the whole minute.
pub async fn eventually(condition: impl AsyncFn() -> bool) {
    let held = tokio::time::timeout(Duration::from_mins(1), async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    held.await.expect("the condition comes to hold");
}

pub fn key_set(keys: &[(&str, &RsaKeyPair)]) -> Value {
    json!({"keys": keys.iter().map(|(kid, key)| jwk(kid, key)).collect::<Vec<_>>()})
}

pub fn jwk(kid: &str, key: &RsaKeyPair) -> Value {
    let public = key.public_key();
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
        "n": base64url(public.modulus().big_endian_without_leading_zero()),
        "e": base64url(public.exponent().big_endian_without_leading_zero()),
    })
}

/// A machine's claims as Cognito's client-credentials grant makes them.
pub fn machine() -> Value {
    json!({
        "iss": ISSUER, "sub": CLIENT, "client_id": CLIENT, "token_use": "access", "version": 2,
        "scope": "telematics/ingest", "jti": "5b0f6a6e-6c1c-4d0a-9a39-0f5b2f8d3c77",
        "auth_time": NOW, "iat": NOW, "exp": NOW + 3600,
    })
}

/// The claims of somebody who signed in at Cognito.
pub fn person(groups: &[&str]) -> Value {
    json!({
        "iss": ISSUER, "sub": "9f6c2c1e-0001", "client_id": CLIENT, "token_use": "access",
        "version": 2, "username": "ada", "cognito:groups": groups,
        "scope": "aws.cognito.signin.user.admin", "origin_jti": "o", "event_id": "e", "jti": "j",
        "auth_time": NOW, "iat": NOW, "exp": NOW + 3600,
    })
}

/// `claims` with a member set, or taken away by `null`.
pub fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    let members = claims.as_object_mut().expect("an object");
    match value.into() {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
    claims
}

/// Cognito's header for the first key.
pub fn header() -> Value {
    json!({"alg": "RS256", "kid": "first"})
}

/// A token with these claims, well signed by the first key.
pub fn token(claims: &Value) -> String {
    signed(&header().to_string(), &claims.to_string(), &FIRST)
}

pub fn token_with_kid(kid: &str, key: &RsaKeyPair) -> String {
    signed(
        &with(header(), "kid", kid).to_string(),
        &machine().to_string(),
        key,
    )
}

/// A token of any two texts, well signed.
pub fn signed(header: &str, payload: &str, key: &RsaKeyPair) -> String {
    signed_by_rsa(header, payload, key, &RSA_PKCS1_SHA256)
}

pub fn signed_by_rsa(
    header: &str,
    payload: &str,
    key: &RsaKeyPair,
    encoding: &'static dyn RsaEncoding,
) -> String {
    signed_by(header, payload, |message| {
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(encoding, &SystemRandom::new(), message, &mut signature)
            .expect("a signature");
        signature
    })
}

pub fn signed_by(header: &str, payload: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", base64url(header), base64url(payload));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", base64url(signature))
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
