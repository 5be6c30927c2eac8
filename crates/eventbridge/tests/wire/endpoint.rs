//! An endpoint that answers one request after another as the test says, and then well.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use eventbridge::{EventBridge, EventBridgeSettings};
use tokio::net::TcpListener;

/// What a request is answered in place of success.
#[derive(Clone, Copy, Debug)]
pub enum Wrong {
    /// An error document of the service's own: status, kind and words.
    Kind(u16, &'static str, &'static str),
    /// A bare status, as a proxy in between answers it.
    Bare(u16),
    /// A page for people.
    Page(u16),
}

pub const THROTTLING: Wrong = Wrong::Kind(429, "ThrottlingException", "Rate exceeded");

#[derive(Clone, Default)]
pub struct Endpoint {
    wrong: Arc<Mutex<VecDeque<Wrong>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Endpoint {
    /// The adapter, with nothing between it and this endpoint but its own retries, which do not wait.
    pub async fn adapter(&self) -> EventBridge {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        adapter_at(address).await
    }

    /// The adapter of an address where nobody listens.
    pub async fn nowhere() -> EventBridge {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        adapter_at(listener.local_addr().expect("an address")).await
    }

    /// The next requests are answered so, in this order.
    pub fn answers(&self, wrong: impl IntoIterator<Item = Wrong>) {
        lock(&self.wrong).extend(wrong);
    }

    /// Forgets what it was still to answer and what it was asked.
    pub fn is_well(&self) {
        lock(&self.wrong).clear();
        lock(&self.requests).clear();
    }

    /// The methods of the requests so far, in their order.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

async fn adapter_at(address: SocketAddr) -> EventBridge {
    let settings = EventBridgeSettings::try_new(
        "bf-telematics-poll-test",
        "arn:aws:events:eu-west-1:123456789012:event-bus/bf-telematics",
        "arn:aws:iam::123456789012:role/bf-telematics-scheduler",
        "arn:aws:sqs:eu-west-1:123456789012:bf-telematics-scheduler-dlq",
        "eu-west-1",
        Some(&format!("http://{address}")),
    );
    let at_once = Duration::from_millis(1);
    let retries = RetryConfig::standard()
        .with_initial_backoff(at_once)
        .with_max_backoff(at_once);
    let loader = aws_config::defaults(BehaviorVersion::latest())
        .test_credentials()
        .retry_config(retries);
    EventBridge::connect_with(loader, settings.expect("settings")).await
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(State(endpoint): State<Endpoint>, method: Method, uri: Uri) -> Response {
    lock(&endpoint.requests).push(method.to_string());
    let status = |status| StatusCode::from_u16(status).expect("a status");
    let json = |text: &str| {
        (
            [(header::CONTENT_TYPE, "application/json")],
            text.to_owned(),
        )
    };
    match lock(&endpoint.wrong).pop_front() {
        Some(Wrong::Kind(code, kind, words)) => {
            let document = json(&format!(r#"{{"Message":"{words}"}}"#));
            let mut response = (status(code), document).into_response();
            response
                .headers_mut()
                .insert("x-amzn-errortype", HeaderValue::from_static(kind));
            response
        }
        Some(Wrong::Bare(code)) => status(code).into_response(),
        Some(Wrong::Page(code)) => {
            (status(code), axum::response::Html("<h1>Back soon</h1>")).into_response()
        }
        None if method == Method::GET && uri.path() == "/schedules" => {
            json(r#"{"Schedules":[]}"#).into_response()
        }
        None if method == Method::DELETE => json("{}").into_response(),
        None => json(r#"{"ScheduleArn":"arn:aws:scheduler:eu-west-1:123456789012:schedule/g/n"}"#)
            .into_response(),
    }
}
