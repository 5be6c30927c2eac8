//! A wrong member of a trigger, a token, a batch or a replay is named by its pointer.

use reqwest::Method;
use serde_json::json;

use crate::service::NORTH;
use crate::wrong_members::each_is_named;

#[tokio::test]
async fn a_wrong_member_of_a_trigger_is_named() {
    let wrong = [
        ("/workspace_id", json!("-x")),
        ("/workspace_id", json!(null)),
        ("/scheduled_time", json!("yesterday")),
        ("/scheduled_time", json!("2026-11-23T08:00:00")),
        ("/scheduled_time", json!(1_795_420_800)),
        ("/scheduled_time", json!("2026-11-23T08:05:01Z")),
        ("/scheduled_time", json!("+262000-01-01T00:00:00Z")),
        ("/scheduled_time", json!("-262000-01-01T00:00:00Z")),
        ("/schedule_arn", json!("a\u{0}")),
        ("/execution_id", json!("a\u{0}")),
        ("/attempt", json!("a\u{0}")),
        ("/attempt", json!(1)),
    ];
    each_is_named(
        Method::POST,
        "/poll-cycles",
        json!({"workspace_id": NORTH}),
        &wrong,
    )
    .await;
}

#[tokio::test]
async fn a_wrong_member_of_a_token_to_mint_is_named() {
    let wrong = [
        ("/kind", json!("robot")),
        ("/scopes", json!("telematics/read")),
        ("/scopes/0", json!([7])),
        ("/expires_in_seconds", json!("1")),
        ("/nope", json!(1)),
    ];
    each_is_named(
        Method::POST,
        "/dev/token",
        json!({"kind": "machine"}),
        &wrong,
    )
    .await;
}

/// Only the body around the items can be 400.
#[tokio::test]
async fn a_wrong_member_of_a_batch_is_named() {
    let wrong = [
        ("/updates", json!({})),
        ("/updates", json!(null)),
        ("/updates", json!([])),
        ("/updates", json!("[]")),
        ("/nope", json!(1)),
    ];
    let path = "/workspaces/depot-north/ingest";
    each_is_named(Method::POST, path, json!({"updates": [7]}), &wrong).await;
    each_is_named(Method::POST, path, json!({}), &[("/nope", json!(1))]).await;
    let wrong = [
        ("/envelopes", json!({})),
        ("/envelopes", json!(null)),
        ("/envelopes", json!([])),
        ("/nope", json!(1)),
    ];
    let path = "/workspaces/depot-north/provider-ingest";
    each_is_named(Method::POST, path, json!({"envelopes": [7]}), &wrong).await;
}

#[tokio::test]
async fn a_wrong_member_of_a_replay_is_named() {
    let id = "019ab0c4-6d2f-7c3e-9b1a-5f0e8d7c6b5a";
    let wrong = [
        ("/envelope_ids", json!([])),
        ("/envelope_ids", json!(vec![id; 1_001])),
        ("/envelope_ids/0", json!(["nope"])),
        ("/provider_id", json!("-sim")),
        ("/reason", json!("")),
        ("/reason", json!("a\u{0}")),
        ("/reason", json!("x".repeat(101))),
        ("/limit", json!(0)),
        ("/limit", json!(1_001)),
        ("/limit", json!(70_000)),
        ("/after", json!("nope")),
        ("/nope", json!(1)),
    ];
    let path = "/workspaces/depot-north/quarantine/replay";
    each_is_named(Method::POST, path, json!({}), &wrong).await;
    // What narrows the quarantine says nothing about those that are named.
    let wrong = [
        ("/provider_id", json!("sim-main")),
        ("/reason", json!("not_json")),
        ("/limit", json!(5)),
    ];
    each_is_named(Method::POST, path, json!({"envelope_ids": [id]}), &wrong).await;
}
