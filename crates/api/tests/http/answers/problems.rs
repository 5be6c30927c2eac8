//! Problems of each kind that a caller can meet.

use insta::assert_snapshot;
use reqwest::Method;
use serde_json::json;
use testkit::{a_device, a_workspace};

use super::shape;
use crate::service::{ADMIN, Caller, INGEST, NORTH, SYSTEM_ADMIN, Service, VIEWER};

async fn service() -> Service {
    Service::with(a_workspace(NORTH).with(a_device("bus-1").called("b2C")))
        .await
        .0
}

#[tokio::test]
async fn a_call_without_a_token_is_answered_by_this_problem() {
    let path = "/workspaces/depot-north/health";
    let answer = service().await.get(Caller::Nobody, path).await.of(401);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "exactly one Authorization header is required",
      "instance": "/api/telematics-mvp/workspaces/depot-north/health",
      "status": 401,
      "title": "A valid access token is required",
      "trace_id": "<trace 1>",
      "type": "/problems/unauthorized"
    }
    "#);
}

#[tokio::test]
async fn a_call_that_is_not_permitted_is_answered_by_this_problem() {
    let answer = service().await.get(VIEWER, "/workspaces").await.of(403);
    assert_snapshot!(shape(&answer), @r#"
    {
      "instance": "/api/telematics-mvp/workspaces",
      "status": 403,
      "title": "The caller may not do this",
      "trace_id": "<trace 1>",
      "type": "/problems/forbidden"
    }
    "#);
}

#[tokio::test]
async fn a_call_for_what_is_not_there_is_answered_by_this_problem() {
    let path = "/workspaces/depot-north/devices/nope";
    let answer = service().await.get(VIEWER, path).await.of(404);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "there is no such device",
      "instance": "/api/telematics-mvp/workspaces/depot-north/devices/nope",
      "status": 404,
      "title": "There is no such resource",
      "trace_id": "<trace 1>",
      "type": "/problems/not-found"
    }
    "#);
}

#[tokio::test]
async fn a_call_by_a_wrong_method_is_answered_by_this_problem() {
    let answer = service().await.delete(SYSTEM_ADMIN, "/workspaces").await;
    let answer = answer.of(405);
    assert_snapshot!(shape(&answer), @r#"
    {
      "instance": "/api/telematics-mvp/workspaces",
      "status": 405,
      "title": "The resource has no such method",
      "trace_id": "<trace 1>",
      "type": "/problems/method-not-allowed"
    }
    "#);
}

#[tokio::test]
async fn a_body_with_wrong_members_is_answered_by_this_problem() {
    let path = "/workspaces/depot-north/policy";
    let body = json!({"poll_interval_minutes": 0, "stale_threshold_minutes": 15, "no_data_grace_minutes": 60, "more": 1});
    let answer = service().await.put(ADMIN, path, &body).await.of(400);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "1 member is not valid",
      "errors": [
        {
          "detail": "unknown field `more`, expected one of `poll_interval_minutes`, `stale_threshold_minutes`, `no_data_grace_minutes`, `version`, `schedule`",
          "pointer": "/more"
        }
      ],
      "instance": "/api/telematics-mvp/workspaces/depot-north/policy",
      "status": 400,
      "title": "The request is not valid",
      "trace_id": "<trace 1>",
      "type": "/problems/validation"
    }
    "#);
}

#[tokio::test]
async fn a_wrong_parameter_is_answered_by_this_problem() {
    let path = "/workspaces/depot-north/health?limit=0&colour=red";
    let answer = service().await.get(VIEWER, path).await.of(400);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "2 members are not valid",
      "errors": [
        {"detail": "must be 1 to 1000", "parameter": "limit"},
        {"detail": "is not a parameter of this resource", "parameter": "colour"}
      ],
      "instance": "/api/telematics-mvp/workspaces/depot-north/health",
      "status": 400,
      "title": "The request is not valid",
      "trace_id": "<trace 1>",
      "type": "/problems/validation"
    }
    "#);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_answered_by_this_problem() {
    let service = service().await;
    let call = service.call(INGEST, &Method::POST, "/workspaces/depot-north/ingest");
    let answer = call.said_json("{").await.of(400);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "1 member is not valid",
      "errors": [{"detail": "is not JSON: line 1 column 1", "pointer": ""}],
      "instance": "/api/telematics-mvp/workspaces/depot-north/ingest",
      "status": 400,
      "title": "The request is not valid",
      "trace_id": "<trace 1>",
      "type": "/problems/validation"
    }
    "#);
}

#[tokio::test]
async fn a_body_of_another_type_is_answered_by_this_problem() {
    let service = service().await;
    let call = service.call(INGEST, &Method::POST, "/workspaces/depot-north/ingest");
    let call = call.header("content-type", "text/plain").body("{}");
    let answer = call.send().await.of(415);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "the body must be application/json",
      "instance": "/api/telematics-mvp/workspaces/depot-north/ingest",
      "status": 415,
      "title": "The body is not of a supported type",
      "trace_id": "<trace 1>",
      "type": "/problems/unsupported-media-type"
    }
    "#);
}

#[tokio::test]
async fn a_conflict_is_answered_by_this_problem() {
    let path = "/workspaces/depot-north/devices/bus-2";
    let body = json!({"vehicle_id": "v", "provider_id": "sim-main", "external_id": "b2C"});
    let answer = service().await.put(ADMIN, path, &body).await.of(409);
    assert_snapshot!(shape(&answer), @r#"
    {
      "detail": "active device bus-1 has this external id at the connection",
      "instance": "/api/telematics-mvp/workspaces/depot-north/devices/bus-2",
      "status": 409,
      "title": "The request conflicts with what is there",
      "trace_id": "<trace 1>",
      "type": "/problems/conflict"
    }
    "#);
}

#[tokio::test]
async fn a_failed_precondition_is_answered_by_this_problem() {
    let service = service().await;
    let path = "/workspaces/depot-north/policy";
    let body = json!({"poll_interval_minutes": 5, "stale_threshold_minutes": 20, "no_data_grace_minutes": 60});
    let call = service.call(ADMIN, &Method::PUT, path);
    let answer = call.header("if-match", "\"7\"").json(&body).await.of(412);
    assert_snapshot!(shape(&answer), @r#"
    {
      "current": {
        "no_data_grace_minutes": 60,
        "poll_interval_minutes": 5,
        "schedule": {"applied_at": null, "expression": "cron(3/5 * * * ? *)", "state": "pending"},
        "stale_threshold_minutes": 15,
        "version": 1
      },
      "detail": "If-Match names another version",
      "instance": "/api/telematics-mvp/workspaces/depot-north/policy",
      "status": 412,
      "title": "The resource has changed",
      "trace_id": "<trace 1>",
      "type": "/problems/precondition-failed"
    }
    "#);
}
