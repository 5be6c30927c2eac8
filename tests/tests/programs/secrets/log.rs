//! The log of a whole story: every line is an object, and a request is found by its id and its trace.

use serde_json::Value;

use super::{REQUEST_ID, TRACE_ID};

/// Asserts that the lines of a request say whose they are and how it ended.
pub fn shows_each_request(lines: &[String]) {
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}")))
        .collect();
    let of_the_story: Vec<&Value> = lines
        .iter()
        .filter(|line| line["request_id"] == REQUEST_ID)
        .collect();
    assert!(of_the_story.iter().all(|line| line["trace_id"] == TRACE_ID));
    // What others say within the request is found by the same names.
    for target in ["sqlx::query", "api::access::guard"] {
        let found = of_the_story.iter().any(|line| line["target"] == target);
        assert!(found, "no line of {target}");
    }
    let answered = |status: u16, method: &str, route: Option<&str>| {
        let found = of_the_story.iter().find(|line| {
            line["message"] == "answered"
                && line["http.response.status_code"] == status
                && line["http.request.method"] == method
                && line.get("http.route").and_then(Value::as_str) == route
        });
        *found.unwrap_or_else(|| panic!("no line of {status} {method} {route:?}"))
    };
    let route = |rest: &str| format!("/api/telematics-mvp{rest}");
    let health = route("/workspaces/{workspace_id}/health");
    let refused = answered(401, "GET", Some(&health));
    assert_eq!(refused["level"], "DEBUG");
    assert_eq!(refused["error.type"], "unauthorized");
    assert_eq!(refused["url.path"], route("/workspaces/demo-north/health"));
    let unknown = answered(404, "GET", None);
    assert_eq!(unknown.get("url.path"), None);
    let connection = route("/workspaces/{workspace_id}/provider-connections/{provider_id}");
    assert_eq!(
        answered(400, "PUT", Some(&connection))["error.type"],
        "validation"
    );
    // A cycle goes on with its trigger's trace, on whichever instance.
    let cycle_lines = lines
        .iter()
        .filter(|line| line["message"] == "poll cycle ended");
    for line in cycle_lines {
        for name in ["workspace_id", "cycle_id", "trace_id", "outcome"] {
            assert!(line[name].is_string(), "{name} in {line}");
        }
    }
    let triggered = answered(202, "POST", Some(&route("/poll-cycles")));
    assert_eq!(triggered["level"], "INFO");
    assert_eq!(triggered.get("error.type"), None);
}
