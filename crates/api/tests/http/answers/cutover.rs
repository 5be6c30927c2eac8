//! Cutover flags, their warnings and their history.

use insta::assert_snapshot;
use serde_json::json;
use testkit::a_workspace;

use super::shape;
use crate::service::{NORTH, SYSTEM_ADMIN, Service};

const PATH: &str = "/workspaces/depot-north/cutover";

#[tokio::test]
async fn flags_with_a_warning_are_of_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let change = json!({"poll_owner": "both_shadow", "reason": "two weeks of shadow"});
    let answer = service.patch(SYSTEM_ADMIN, PATH, &change).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "changed_at": "2026-11-23T08:00:00Z",
      "changed_by": "person:dev-user",
      "device_registry_source": "core",
      "poll_owner": "both_shadow",
      "provider_mode": "mixed",
      "read_owner": "core",
      "version": 2,
      "warnings": [
        {
          "code": "reads_in_shadow",
          "detail": "core answers reads while its polls still run in shadow beside the legacy service"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn the_history_of_flags_is_of_this_shape() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let reason = json!({"reason": "values differ"});
    let path = format!("{PATH}/rollback");
    service.post(SYSTEM_ADMIN, &path, &reason).await.of(200);
    let path = format!("{PATH}/history");
    let answer = service.get(SYSTEM_ADMIN, &path).await.of(200);
    assert_snapshot!(shape(&answer), @r#"
    {
      "changes": [
        {
          "at": "2026-11-23T08:00:00Z",
          "by": "person:dev-user",
          "from": {"device_registry_source": "core", "poll_owner": "core", "provider_mode": "mixed", "read_owner": "core"},
          "reason": "values differ",
          "to": {
            "device_registry_source": "core",
            "poll_owner": "legacy",
            "provider_mode": "mixed",
            "read_owner": "legacy"
          },
          "version": 2
        },
        {
          "at": "2026-11-22T08:00:00Z",
          "by": "anna",
          "from": null,
          "reason": null,
          "to": {"device_registry_source": "core", "poll_owner": "core", "provider_mode": "mixed", "read_owner": "core"},
          "version": 1
        }
      ],
      "next_cursor": null
    }
    "#);
}
