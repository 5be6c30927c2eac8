//! A call of the service, and its answer, which is held against the document.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Method, RequestBuilder};
use serde_json::Value;

use crate::document;

/// A request yet to be sent.
pub struct Call {
    pub request: RequestBuilder,
    pub method: Method,
    pub path: String,
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
