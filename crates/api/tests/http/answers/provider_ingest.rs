//! What becomes of envelopes, item by item.

use domain::fleet::ProviderType;
use insta::assert_snapshot;
use serde_json::{Value, json};
use testkit::{a_connection, a_device, a_workspace, start};

use super::shape;
use crate::service::{FORWARD, NORTH, Service};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the answer is shown whole")]
async fn the_results_of_envelopes_are_of_this_shape() {
    let workspace = a_workspace(NORTH)
        .through(a_connection("vc").of_type(ProviderType::Viriciti))
        .with(a_device("bus-1").through("vc").called("demo_001"));
    let (service, _) = Service::with(workspace).await;
    let envelope = |number: u32, raw_message: Value| {
        json!({"envelope_id": format!("019ab0c4-6d2f-7c3e-9b1a-{number:012}"), "provider_type": "viriciti",
               "provider_id": "vc", "received_at": start(), "raw_message": raw_message})
    };
    let frame = |vid: &str, value: f64| {
        json!({"type": "vehicles",
               "payload": {"vid": vid, "label": "soc", "value": value, "time": start().timestamp_millis()}})
    };
    let envelopes = [
        envelope(1, frame("demo_001", 72.8)),
        envelope(1, frame("demo_001", 72.8)),
        envelope(2, frame("nobody", 72.8)),
        envelope(3, json!({"type": "echo"})),
        envelope(4, json!("not JSON")),
        json!({"envelope_id": "x"}),
    ];
    let path = "/workspaces/depot-north/provider-ingest";
    let answer = service
        .post(FORWARD, path, &json!({"envelopes": envelopes}))
        .await;
    let answer = answer.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "results": [
        {
          "envelope_id": "<uuid 1>",
          "index": 0,
          "outcome": "accepted",
          "reason": null,
          "updates": [
            {
              "device_id": "bus-1",
              "dropped_signals": [],
              "ignored_signals": [],
              "index": 0,
              "message_id": null,
              "outcome": "accepted",
              "reason": null
            }
          ]
        },
        {
          "envelope_id": "<uuid 1>",
          "first_outcome": "accepted",
          "index": 1,
          "outcome": "duplicate",
          "reason": null,
          "updates": []
        },
        {
          "detail": "no active device of connection vc has the external id nobody",
          "envelope_id": "<uuid 2>",
          "index": 2,
          "outcome": "rejected",
          "reason": "unknown_device",
          "updates": [
            {
              "detail": "no active device of connection vc has the external id nobody",
              "device_id": null,
              "dropped_signals": [],
              "ignored_signals": [],
              "index": 0,
              "message_id": null,
              "outcome": "rejected",
              "reason": "unknown_device"
            }
          ]
        },
        {
          "detail": "there is no message type \"echo\"",
          "envelope_id": "<uuid 3>",
          "index": 3,
          "outcome": "quarantined",
          "reason": "unknown_message_type",
          "updates": []
        },
        {
          "detail": "the message is not JSON (line 1 column 2)",
          "envelope_id": "<uuid 4>",
          "index": 4,
          "outcome": "quarantined",
          "reason": "not_json",
          "updates": []
        },
        {
          "detail": "missing field `provider_type`",
          "envelope_id": null,
          "index": 5,
          "outcome": "rejected",
          "pointer": "/provider_type",
          "reason": "malformed",
          "updates": []
        }
      ],
      "summary": {"accepted": 1, "duplicate": 1, "ignored": 0, "quarantined": 2, "received": 6, "rejected": 2, "stale": 0}
    }
    "#);
}
