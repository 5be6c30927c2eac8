//! A simulator on a manual clock, and a caller in front of it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bf_depot_sim::{Account, Scenario, Simulator, SimulatorSettings, Speed};
use chrono::{DateTime, TimeDelta, Utc};
use clock::Clock;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

/// When every story begins.
pub fn start() -> DateTime<Utc> {
    "2026-11-23T08:00:00Z".parse().expect("a time")
}

pub struct Stage {
    pub clock: Clock,
    pub simulator: Simulator,
    pub router: Router,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Stage {
    pub fn with(account: Account) -> Self {
        Self::with_scenario(Scenario::default().with(account), 1.0)
    }

    pub fn with_scenario(scenario: Scenario, speed: f64) -> Self {
        let clock = Clock::manual(start());
        let speed = Speed::try_new(speed).expect("a speed");
        let settings = SimulatorSettings {
            seed: 7,
            speed,
            clock: clock.clone(),
        };
        let simulator = Simulator::new(scenario, settings);
        Self {
            clock,
            router: simulator.router(),
            simulator,
        }
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// Polls an account with the key that [`Account::new`] gave it.
    pub async fn poll(&self, account: &str, query: &str) -> Answer {
        let key = format!("{account}-key");
        self.get(&format!("/accounts/{account}/vehicles{query}"), &key)
            .await
    }

    pub async fn get(&self, path: &str, key: &str) -> Answer {
        let request = Request::get(path).header("authorization", format!("Bearer {key}"));
        self.send(request.body(Body::empty()).expect("a request"))
            .await
    }

    /// A call to a control endpoint: an empty body is none.
    pub async fn control(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/control{path}"));
        self.send(
            request
                .body(Body::from(body.to_owned()))
                .expect("a request"),
        )
        .await
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let body = String::from_utf8(body.to_vec()).expect("text");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn error_code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .expect("an error code")
            .to_owned()
    }

    pub fn vehicle_ids(&self) -> Vec<String> {
        let json = self.json();
        let vehicles = json["vehicles"].as_array().expect("vehicles");
        vehicles
            .iter()
            .map(|vehicle| vehicle["id"].as_str().expect("an id").to_owned())
            .collect()
    }
}

/// A signal's reading in a vehicle of an answer.
pub fn reading<'a>(vehicle: &'a Value, signal: &str) -> Option<&'a Value> {
    vehicle["signals"]
        .as_array()?
        .iter()
        .find(|reading| reading["name"] == signal)
}

/// The time of a signal in a vehicle of an answer.
pub fn time_of(vehicle: &Value, signal: &str) -> DateTime<Utc> {
    let time = reading(vehicle, signal).expect("a reading")["time"]
        .as_str()
        .expect("a time");
    time.parse().expect("RFC 3339")
}
