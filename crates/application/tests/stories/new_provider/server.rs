//! The servers of the provider that the product does not have.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// `core:s3cret-north` in base64.
const AUTHORIZATION: &str = "Basic Y29yZTpzM2NyZXQtbm9ydGg=";

#[derive(Debug, Default)]
struct Vendor {
    /// The records of each feed, from its beginning.
    records: HashMap<String, Vec<Value>>,
    /// Feeds that answer with an error.
    failing: HashSet<String>,
    logins: u32,
    /// Only the latest token is accepted.
    token: String,
    /// From which cursors each feed was asked for.
    asked: Vec<(String, Option<String>)>,
}

/// A vendor on the network.
#[derive(Clone, Debug)]
pub struct VendorServer {
    pub address: String,
    vendor: Arc<Mutex<Vendor>>,
}

type Shared = State<Arc<Mutex<Vendor>>>;

impl VendorServer {
    pub async fn start() -> Self {
        let vendor: Arc<Mutex<Vendor>> = Arc::default();
        let app = Router::new()
            .route("/token", post(log_in))
            .route("/feeds/{feed}", get(read_feed))
            .route("/vehicles", get(list_vehicles))
            .with_state(Arc::clone(&vendor));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, vendor }
    }

    /// A vehicle has a new value.
    pub fn record(&self, feed: &str, record: Value) {
        let mut vendor = lock(&self.vendor);
        vendor
            .records
            .entry(feed.to_owned())
            .or_default()
            .push(record);
    }

    pub fn set_failing(&self, feed: &str, is_failing: bool) {
        let mut vendor = lock(&self.vendor);
        if is_failing {
            vendor.failing.insert(feed.to_owned());
        } else {
            vendor.failing.remove(feed);
        }
    }

    /// No token that was handed out is accepted any more.
    pub fn revoke_tokens(&self) {
        "revoked".clone_into(&mut lock(&self.vendor).token);
    }

    pub fn logins(&self) -> u32 {
        lock(&self.vendor).logins
    }

    /// From which cursors the feeds were asked for since the last call.
    pub fn asked(&self) -> Vec<(String, Option<String>)> {
        std::mem::take(&mut lock(&self.vendor).asked)
    }
}

fn lock(vendor: &Mutex<Vendor>) -> MutexGuard<'_, Vendor> {
    vendor.lock().expect("no panic while it is held")
}

async fn log_in(State(vendor): Shared, headers: HeaderMap) -> Response {
    let mut vendor = lock(&vendor);
    vendor.logins += 1;
    if headers
        .get("authorization")
        .is_none_or(|sent| sent != AUTHORIZATION)
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    vendor.token = format!("t0ken-{}", vendor.logins);
    Json(json!({"access_token": vendor.token, "expires_in_seconds": 86_400})).into_response()
}

fn is_logged_in(vendor: &Vendor, headers: &HeaderMap) -> bool {
    let expected = format!("Bearer {}", vendor.token);
    headers
        .get("authorization")
        .is_some_and(|sent| *sent == *expected)
}

/// One record a page.
async fn read_feed(
    State(vendor): Shared,
    Path(feed): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let mut vendor = lock(&vendor);
    if !is_logged_in(&vendor, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let cursor = query.get("cursor").cloned();
    vendor.asked.push((feed.clone(), cursor.clone()));
    if vendor.failing.contains(&feed) {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let from: usize = cursor.map_or(0, |cursor| cursor.parse().expect("ours"));
    let records = vendor
        .records
        .get(&feed)
        .map_or(&[][..], |records| &records[from..]);
    let page = &records[..records.len().min(1)];
    Json(json!({
        "records": page,
        "cursor": (from + page.len()).to_string(),
        "more": records.len() > page.len(),
    }))
    .into_response()
}

async fn list_vehicles(State(vendor): Shared, headers: HeaderMap) -> Response {
    if !is_logged_in(&lock(&vendor), &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Json(json!([{"id": "bus-1-unit", "vin": "XLRTE00000G000001"}])).into_response()
}
