//! One trace over HTTP, cycle, polls and acceptance, as a collector gets it.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::client;
use crate::dev::Place;

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const MESSAGES_TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLERS_SPAN: &str = "00f067aa0ba902b7";

/// A collector and a provider, in one: what each was sent.
#[derive(Clone, Default)]
struct Outside {
    spans: Arc<Mutex<Vec<Span>>>,
    traceparents: Arc<Mutex<Vec<String>>>,
}

async fn collect(State(outside): State<Outside>, body: Bytes) {
    let batch = ExportTraceServiceRequest::decode(body).expect("OTLP");
    for of_resource in batch.resource_spans {
        let of_scopes = of_resource.scope_spans.into_iter();
        let spans = of_scopes.flat_map(|of_scope| of_scope.spans);
        outside.spans.lock().expect("spans").extend(spans);
    }
}

async fn vehicles(State(outside): State<Outside>, headers: HeaderMap) -> Json<Value> {
    if let Some(traceparent) = headers.get("traceparent") {
        let traceparent = traceparent.to_str().expect("a text").to_owned();
        outside
            .traceparents
            .lock()
            .expect("texts")
            .push(traceparent);
    }
    Json(json!({"vehicles": [], "next_page_token": null}))
}

impl Outside {
    /// Served on a free port.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/v1/traces", post(collect))
            .route("/provider/vehicles", get(vehicles))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn of_trace(&self, trace_id: &str) -> Vec<Span> {
        let spans = self.spans.lock().expect("spans");
        let of_trace = spans.iter().filter(|span| hex(&span.trace_id) == trace_id);
        of_trace.cloned().collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a text takes it");
    }
    text
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key)?;
    Some(format!("{:?}", found.value))
}

// The collector answers while this thread waits for the program's end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_runs_from_the_caller_to_the_provider() {
    let outside = Outside::default();
    let url = outside.serve().await;
    let place = Place::new();
    let dev = place.dev_in([("OTLP_ENDPOINT", url.as_str())]);
    let connection = json!({
        "provider_type": "depot_sim", "base_url": format!("{url}/provider"),
        "credential_ref": "file:demo-west.depot-sim-main",
    });
    let path = "/workspaces/demo-west/provider-connections/outside";
    dev.api.put(path, connection).await;
    let cycle = dev
        .api
        .cycle_in(&format!("00-{TRACE_ID}-{CALLERS_SPAN}-01"))
        .await;
    assert_eq!(cycle["trace_id"], TRACE_ID);
    let nowhere = format!("{}/nowhere", dev.api.url);
    let answer = client().get(nowhere).send().await.expect("an answer");
    let own_trace = answer.headers()["x-trace-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let envelope = json!({
        "envelope_id": "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a", "provider_type": "depot_sim",
        "provider_id": "depot-sim-main", "received_at": "2026-11-23T08:00:00Z", "raw_message": {},
        "traceparent": format!("00-{MESSAGES_TRACE_ID}-{CALLERS_SPAN}-01"),
    });
    let path = "/workspaces/demo-west/provider-ingest";
    dev.api.post(path, json!({"envelopes": [envelope]})).await;
    // What is not sent yet is sent at the end.
    assert!(dev.ctrl_c().success());

    let spans = outside.of_trace(TRACE_ID);
    let requests = named(&spans, "POST /api/telematics-mvp/poll-cycles");
    assert!(!requests.is_empty());
    for request in &requests {
        assert_eq!(hex(&request.parent_span_id), CALLERS_SPAN);
    }
    let cycles = named(&spans, "poll_cycle");
    let [of_cycle] = cycles[..] else {
        panic!("one cycle: {cycles:#?}");
    };
    let status = attribute(of_cycle, "outcome").expect("an outcome");
    assert!(status.contains("completed"), "{status}");
    let polls = named(&spans, "poll_connection");
    assert_eq!(polls.len(), 2, "{polls:#?}");
    assert!(
        polls
            .iter()
            .all(|poll| poll.parent_span_id == of_cycle.span_id)
    );
    let accepted = named(&spans, "accept_updates");
    assert_eq!(accepted.len(), 2);
    let below = |span: &Span| polls.iter().any(|poll| poll.span_id == span.parent_span_id);
    assert!(accepted.iter().all(|span| below(span)));

    let sent = outside.traceparents.lock().expect("texts").clone();
    let of_outside = polls
        .iter()
        .find(|poll| attribute(poll, "provider_id").is_some_and(|id| id.contains("outside")));
    let span_id = hex(&of_outside.expect("its poll").span_id);
    let expected = format!("00-{TRACE_ID}-{span_id}-01");
    assert!(sent.contains(&expected), "{expected} in {sent:?}");

    // A forwarded message is read below the span of the transport that forwarded it.
    let of_message = outside.of_trace(MESSAGES_TRACE_ID);
    let names: Vec<&str> = of_message.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["prepare_payload"]);
    assert_eq!(hex(&of_message[0].parent_span_id), CALLERS_SPAN);

    // A request that comes without a trace has the one that its answer names, and is its root.
    let own = outside.of_trace(&own_trace);
    assert_eq!(own.len(), 1, "{own:#?}");
    assert!(own[0].parent_span_id.is_empty());
}

#[tokio::test]
async fn a_collector_that_is_down_costs_one_line() {
    let place = Place::new();
    let dev = place.dev_in([("OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    dev.api.is_healthy().await;
    let mut running = dev.running;
    let warned = |lines: &[String]| {
        let lost = lines
            .iter()
            .filter(|line| line.contains("did not accept spans"));
        lost.count()
    };
    testkit::eventually("it is told", async || {
        (warned(&running.stderr()) > 0).then_some(())
    })
    .await;
    running.signal("INT");
    assert!(running.wait_for_exit().success());
    assert_eq!(warned(&running.stderr()), 1, "{:#?}", running.stderr());
}
