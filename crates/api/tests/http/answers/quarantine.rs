//! Envelopes that were not understood, and their replay.

use insta::assert_snapshot;
use serde_json::json;
use testkit::{a_workspace, an_envelope};

use super::shape;
use crate::service::{NORTH, SYSTEM_ADMIN, Service};

#[tokio::test]
async fn quarantined_envelopes_are_of_this_shape() {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    fleet.forward([an_envelope(1).saying("7")]).await;
    let path = "/workspaces/depot-north/quarantined";
    let answer = service.get(SYSTEM_ADMIN, path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "next_cursor": null,
      "quarantined": [
        {
          "detail": "the message has none of the protocol's shapes",
          "envelope_id": "<uuid 1>",
          "provider_id": "sim-main",
          "provider_type": "depot_sim",
          "raw_message": "7",
          "raw_message_bytes": 1,
          "reason": "unknown_shape",
          "received_at": "2026-11-23T08:00:00Z",
          "recorded_at": "2026-11-23T08:00:00Z",
          "replayed_at": null,
          "trace_id": null
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_replay_is_answered_in_this_shape() {
    let (service, fleet) = Service::with(a_workspace(NORTH)).await;
    fleet.forward([an_envelope(1).saying("7")]).await;
    let path = "/workspaces/depot-north/quarantine/replay";
    let answer = service.post(SYSTEM_ADMIN, path, &json!({})).await;
    let answer = answer.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "next_after": null,
      "results": [
        {
          "detail": "the message has none of the protocol's shapes",
          "envelope_id": "<uuid 1>",
          "index": 0,
          "outcome": "quarantined",
          "reason": "unknown_shape",
          "updates": []
        }
      ],
      "summary": {"accepted": 0, "duplicate": 0, "ignored": 0, "quarantined": 1, "received": 1, "rejected": 0, "stale": 0}
    }
    "#);
}
