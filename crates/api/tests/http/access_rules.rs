//! What holds beside the table of who may do what.

use std::collections::BTreeSet;

use api::access::{BodyRule, TABLE};
use reqwest::Method;
use serde_json::Value;
use testkit::a_workspace;

use crate::access::{CONTRACT, FOREIGN_VIEWER};
use crate::service::{API, Caller, INGEST, NORTH, SYSTEM_ADMIN, Service, VIEWER, is_of_the_api};

#[tokio::test]
async fn a_refused_token_says_which_scheme_is_wanted() {
    let service = Service::start().await;
    for caller in [Caller::Nobody, Caller::Expired, Caller::Forger] {
        let answer = service.get(caller, "/workspaces").await;
        answer.problem(401, "unauthorized");
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Bearer"), "{challenge}");
    }
}

/// A route that is added is added here and in the access table too, or fails here.
#[tokio::test]
async fn document_table_and_contract_have_the_same_routes() {
    let service = Service::start().await;
    let document = service.get(Caller::Nobody, "/openapi.json").await.of(200);
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| methods_of(item).map(move |method| (method, path.clone())))
        .collect();
    let in_table: BTreeSet<(String, String)> = TABLE
        .iter()
        .map(|route| (route.method.to_string(), route.path.to_owned()))
        .collect();
    let in_contract: BTreeSet<(String, String)> = CONTRACT
        .iter()
        .map(|(method, path, _)| {
            let prefix = if is_of_the_api(path) { API } else { "" };
            ((*method).to_owned(), format!("{prefix}{path}"))
        })
        .collect();
    assert_eq!(documented, in_table);
    assert_eq!(in_table, in_contract);
    assert_eq!(TABLE.len(), in_table.len(), "no route has two rows");
}

fn methods_of(item: &Value) -> impl Iterator<Item = String> {
    let known = [
        "get", "put", "post", "delete", "patch", "head", "options", "trace",
    ];
    let members: Vec<String> = item
        .as_object()
        .expect("a path item")
        .keys()
        .cloned()
        .collect();
    members
        .into_iter()
        .filter(move |member| known.contains(&member.as_str()))
        .map(|method| method.to_uppercase())
}

/// What has no row is refused to the one who may do most, and told with what there is.
#[tokio::test]
async fn a_method_without_a_row_is_nobodys() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let paths: BTreeSet<&str> = TABLE.iter().map(|route| route.path).collect();
    for template in paths {
        // Any ids will do.
        let path = template
            .replace("{workspace_id}", NORTH)
            .replace(['{', '}'], "");
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let rows = TABLE.iter().filter(|route| route.path == template);
            let mut methods: Vec<&str> = rows.map(|route| route.method.as_str()).collect();
            if methods.contains(&method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let refused = service.call(SYSTEM_ADMIN, &method, &path).send().await;
            refused.problem(405, "method-not-allowed");
            if methods.contains(&"GET") {
                methods.push("HEAD");
            }
            assert_eq!(refused.header("allow"), Some(&*methods.join(",")));
        }
    }
}

#[test]
fn what_writes_has_a_body_rule() {
    for route in TABLE {
        // A sweep has nothing to be told.
        let takes_a_body = ["PUT", "POST", "PATCH"].contains(&route.method.as_str())
            && !route.path.ends_with("/reconciliation-sweeps");
        assert_eq!(
            route.body != BodyRule::None,
            takes_a_body,
            "{} {}",
            route.method,
            route.path
        );
    }
}

#[tokio::test]
async fn head_is_judged_as_get() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    for (caller, status) in [
        (Caller::Nobody, 401),
        (INGEST, 403),
        (FOREIGN_VIEWER, 404),
        (VIEWER, 200),
    ] {
        let answer = service
            .call(caller, &Method::HEAD, "/workspaces/depot-north/health")
            .send()
            .await;
        assert_eq!(answer.status, status, "{caller:?}");
        assert_eq!(answer.text(), "");
    }
}

#[tokio::test]
async fn the_authorization_header_is_one_bearer_token() {
    let (service, _) = Service::with(a_workspace(NORTH)).await;
    let good = service.token(VIEWER).expect("a token");
    let path = "/workspaces/depot-north/health";
    let ask = |values: Vec<Vec<u8>>| {
        let mut call = service.call(Caller::Nobody, &Method::GET, path);
        for value in &values {
            call = call.header("authorization", value);
        }
        call.send()
    };
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let answer = ask(vec![format!("{scheme} {good}").into_bytes()]).await;
        assert_eq!(answer.status, 200, "{scheme}");
    }
    for values in [
        vec![],
        vec![String::new()],
        vec!["Bearer".to_owned()],
        vec!["Bearer ".to_owned()],
        vec![good.clone()],
        vec![format!("Basic {good}")],
        vec![format!("Bearer{good}")],
        vec![format!("Bearer\t{good}")],
        vec![format!("Bearer {good}, Bearer {good}")],
        vec![format!("Bearer {good}"), format!("Bearer {good}")],
        vec![format!("Bearer {good}"), "Basic eDp5".to_owned()],
        vec![format!("Bearer {}", "x".repeat(20_000))],
    ] {
        let answer = ask(values.iter().cloned().map(String::into_bytes).collect()).await;
        assert_eq!(answer.status, 401, "{values:?}");
        answer.problem(401, "unauthorized");
    }
    ask(vec![[b"Bearer \xff", good.as_bytes()].concat()])
        .await
        .problem(401, "unauthorized");
    // It is looked for nowhere else (RFC 6750 has two more places).
    let in_query = format!("{path}?access_token={good}");
    let call = service.call(Caller::Nobody, &Method::GET, &in_query);
    let call = call.header("cookie", format!("access_token={good}"));
    call.send().await.problem(401, "unauthorized");
}
