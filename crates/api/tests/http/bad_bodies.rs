//! Bodies that no client should send, to every route that takes one: each a problem, never a 5xx.

use std::io::Write;

use api::access::{Access, BodyRule, Route, TABLE};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Full};
use reqwest::{Body, Method};
use serde_json::{Value, json};
use testkit::{a_device, a_workspace};

use crate::service::{Answer, Caller, INGEST, NORTH, SYSTEM_ADMIN, Service};

/// Every route with a body, with somebody who may use it.
fn routes_with_a_body() -> impl Iterator<Item = (Method, String, Caller, usize)> {
    let with_a_body = TABLE.iter().filter(|route| route.body != BodyRule::None);
    with_a_body.map(|route: &Route| {
        let path = route
            .path
            .replace("{workspace_id}", NORTH)
            .replace("{device_id}", "bus-1")
            .replace("{provider_id}", "sim-main");
        let caller = match route.access {
            Access::Scope(scope) => Caller::Machine(scope),
            _ => SYSTEM_ADMIN,
        };
        let limit = match route.body {
            BodyRule::LargeJson => 8 * 1024 * 1024,
            _ => 256 * 1024,
        };
        (route.method.clone(), path, caller, limit)
    })
}

async fn service() -> Service {
    Service::with(a_workspace(NORTH).with(a_device("bus-1")))
        .await
        .0
}

#[tokio::test]
async fn what_is_not_a_json_object_of_the_routes_shape_is_400() {
    let service = service().await;
    let deep = format!(r#"{{"reason":{}"#, "[".repeat(10_000));
    let deep_objects = format!(r#"{{"reason":{}"#, r#"{"a":"#.repeat(10_000));
    let bodies: &[(&[u8], Option<&str>)] = &[
        (b"", Some("")),
        (b" ", Some("")),
        (b"{", Some("")),
        (b"{}x", None),
        (b"{}{}", None),
        (b"nul", Some("")),
        (b"null", None),
        (b"7", None),
        (b"\"text\"", None),
        (b"[]", Some("")),
        (b" \n[{}]", Some("")),
        (b"{\"nope\":1}", Some("/nope")),
        (b"{\"a/b~c\":1}", Some("/a~1b~0c")),
        (b"{'reason':1}", Some("")),
        (b"{\"reason\":\"\xff\"}", None),
        (b"\xef\xbb\xbf{}", Some("")),
        (b"{\"reason\":NaN}", None),
        (b"{\"rea", Some("")),
        (deep.as_bytes(), None),
        (deep_objects.as_bytes(), None),
    ];
    for (method, path, caller, _) in routes_with_a_body() {
        for (body, pointer) in bodies {
            let answer = service
                .call(caller, &method, &path)
                .said_json(body.to_vec())
                .await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let problem = problem_of(
                &answer,
                400,
                "validation",
                &format!("{method} {path} {shown}"),
            );
            assert_eq!(
                problem["errors"].as_array().map(Vec::len),
                Some(1),
                "{problem}"
            );
            if let Some(pointer) = pointer {
                assert_eq!(
                    problem["errors"][0]["pointer"], *pointer,
                    "{method} {path} {shown}: {problem}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_said_not_to_be_json_is_415() {
    let service = service().await;
    for (method, path, caller, _) in routes_with_a_body() {
        for content_type in [
            None,
            Some("text/plain"),
            Some("application/x-www-form-urlencoded"),
            Some("application/json; charset=latin1"),
            Some("application/jsonx"),
            Some("application/"),
            Some(""),
        ] {
            let mut call = service.call(caller, &method, &path).body("{}");
            if let Some(content_type) = content_type {
                call = call.header("content-type", content_type);
            }
            let answer = call.send().await;
            problem_of(
                &answer,
                415,
                "unsupported-media-type",
                &format!("{method} {path} {content_type:?}"),
            );
        }
        for content_type in [
            "application/json;charset=UTF-8",
            "Application/JSON ; charset=\"utf-8\"",
        ] {
            let call = service
                .call(caller, &method, &path)
                .header("content-type", content_type);
            let answer = call.body("{\"nope\":1}").send().await;
            problem_of(&answer, 400, "validation", content_type);
        }
        let unknown_encoding = service
            .call(caller, &method, &path)
            .header("content-encoding", "br");
        let answer = unknown_encoding.said_json("{}").await;
        problem_of(
            &answer,
            415,
            "unsupported-media-type",
            &format!("{method} {path} br"),
        );
    }
}

#[tokio::test]
async fn what_is_too_large_is_413_whichever_way_it_comes() {
    let service = service().await;
    for (method, path, caller, limit) in routes_with_a_body() {
        let too_much = vec![b' '; limit + 1];
        let zipped = gzip(&too_much);
        let what = format!("{method} {path}");
        let call = || service.call(caller, &method, &path);

        let declared = call().said_json(too_much.clone()).await;
        problem_of(&declared, 413, "payload-too-large", &what);
        let streamed = call().said_json(in_chunks(too_much)).await;
        problem_of(&streamed, 413, "payload-too-large", &what);
        let bomb = call()
            .header("content-encoding", "gzip")
            .said_json(zipped)
            .await;
        problem_of(&bomb, 413, "payload-too-large", &what);

        let just_fits = call().said_json(vec![b' '; limit]).await;
        problem_of(&just_fits, 400, "validation", &what);
    }
}

#[tokio::test]
async fn a_bomb_costs_no_more_than_the_limit() {
    let service = service().await;
    // 256 MiB of blanks are 256 KiB.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    let blanks = vec![b' '; 1024 * 1024];
    for _ in 0..256 {
        bomb.write_all(&blanks).expect("memory");
    }
    // Damaged at its end: whoever inflates it all finds that out, and answers something else.
    let mut bomb = bomb.finish().expect("memory");
    bomb.truncate(bomb.len() - 20);
    bomb.extend_from_slice(b"no gzip any more");
    let call = service
        .call(INGEST, &Method::POST, "/workspaces/depot-north/ingest")
        .header("content-encoding", "gzip");
    call.said_json(bomb).await.problem(413, "payload-too-large");
}

#[tokio::test]
async fn gzip_is_read_and_what_only_says_so_is_400() {
    let service = service().await;
    let path = "/workspaces/depot-north/ingest";
    let body = json!({"updates": [{"device_id": "bus-1", "observed_at": "2026-11-23T08:00:00Z", "signals": {"speed_kmh": 1}}]});
    let zipped = gzip(body.to_string().as_bytes());
    let send = |bytes: Vec<u8>| {
        let call = service.call(INGEST, &Method::POST, path);
        call.header("content-encoding", "gzip").said_json(bytes)
    };
    assert_eq!(send(zipped.clone()).await.of(200)["summary"]["accepted"], 1);
    send(zipped[..zipped.len() / 2].to_vec())
        .await
        .problem(400, "validation");
    send(body.to_string().into_bytes())
        .await
        .problem(400, "validation");
    let mut damaged = zipped;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    send(damaged).await.problem(400, "validation");
}

#[tokio::test]
async fn a_batch_of_one_too_many_is_413_and_none_of_it_lands() {
    let service = service().await;
    let update = json!({"device_id": "bus-1", "observed_at": "2026-11-23T08:00:00Z", "signals": {"speed_kmh": 1}});
    let body = json!({"updates": vec![update; 10_001]});
    let path = "/workspaces/depot-north/ingest";
    service
        .post(INGEST, path, &body)
        .await
        .problem(413, "payload-too-large");
    let snapshot = service
        .get(SYSTEM_ADMIN, "/workspaces/depot-north/snapshots/bus-1")
        .await;
    assert_eq!(snapshot.of(200)["version"], 0);
}

/// Read-only members are not looked at, however they look.
#[tokio::test]
async fn a_deep_member_that_is_ignored_does_no_harm() {
    let service = service().await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let body = format!(r#"{{"name":"North","active":true,"schedule":{deep}}}"#);
    let call = service.call(SYSTEM_ADMIN, &Method::PUT, "/workspaces/depot-north");
    let answer = call.said_json(body).await;
    assert!([200, 400].contains(&answer.status), "{}", answer.text());
}

#[track_caller]
fn problem_of(answer: &Answer, status: u16, slug: &str, what: &str) -> Value {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    answer.problem(status, slug)
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Without a length that could be declared.
pub fn in_chunks(bytes: Vec<u8>) -> Body {
    Body::wrap(Full::new(Bytes::from(bytes)).map_frame(|frame| frame))
}
