//! Every `type` leads to a page, and all that is told of problems comes from the one catalogue.

use api::problem::ProblemKind;
use serde_json::json;

use crate::document::DOCUMENT;
use crate::service::{Caller, Service};

const PAGE: &str = include_str!("../../../../docs/problems.md");

#[tokio::test]
async fn every_type_leads_to_a_page_that_says_when_and_what_to_do() {
    let service = Service::start().await;
    let list = service.get(Caller::Nobody, "/problems").await.text();
    for kind in ProblemKind::ALL {
        let page = service.get(Caller::Nobody, &kind.problem_type()).await;
        assert_eq!(page.status, 200, "{}", kind.slug);
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        for text in [page.text(), list.clone()] {
            let text = text.replace("<code>", "`").replace("</code>", "`");
            let status = kind.status.as_u16().to_string();
            for words in [kind.title, kind.when, kind.what_to_do, &status] {
                let words = words.replace('\'', "&#39;");
                assert!(
                    text.contains(&words) || text.contains(&words.replace("&#39;", "'")),
                    "{words} in {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn whoever_accepts_json_gets_it() {
    let service = Service::start().await;
    let get = |path: &str| {
        let call = service.call(Caller::Nobody, &reqwest::Method::GET, path);
        call.header("accept", "application/json").send()
    };
    let one = get("/problems/rate-limited").await;
    assert_eq!(one.header("vary"), Some("accept"));
    let one = one.of(200);
    assert_eq!(
        one,
        json!({
            "type": "/problems/rate-limited", "title": "Too many requests", "status": 429,
            "when": "a person sends more than 50 requests a second to one instance, after a burst of 200; machines have a limit only if one is configured",
            "what_to_do": "send the request again after the seconds in `Retry-After`",
        })
    );
    let all = get("/problems").await.of(200);
    let listed = all["problems"].as_array().expect("problems");
    assert_eq!(listed.len(), ProblemKind::ALL.len());
    assert!(listed.contains(&one));
}

#[tokio::test]
async fn an_unknown_kind_is_a_problem_itself() {
    let service = Service::start().await;
    for path in ["/problems/nope", "/problems/Validation", "/problems/%ff"] {
        let answer = service.get(Caller::Nobody, path).await;
        assert!([400, 404].contains(&answer.status), "{path}");
    }
    let answer = service.get(Caller::Nobody, "/problems/nope").await;
    answer.problem(404, "not-found");
}

/// The table in the documentation has a row a kind, in the catalogue's order and words.
#[test]
fn the_documentation_has_the_catalogue() {
    let rows: Vec<String> = ProblemKind::ALL
        .iter()
        .map(|kind| {
            let (slug, status) = (kind.slug, kind.status.as_u16());
            let (when, what_to_do) = (kind.when, kind.what_to_do);
            format!(
                "| <a id=\"{slug}\"></a>`/problems/{slug}` | {status} | {when} | {what_to_do} |"
            )
        })
        .collect();
    let written: Vec<&str> = PAGE
        .lines()
        .filter(|line| line.starts_with("| <a id="))
        .collect();
    assert_eq!(written, rows, "docs/problems.md");
}

#[test]
fn every_kind_is_in_the_document() {
    let responses = DOCUMENT["components"]["responses"]
        .as_object()
        .expect("responses");
    for kind in ProblemKind::ALL {
        let told = responses.values().any(|response| {
            let example =
                &response["content"]["application/problem+json"]["examples"][kind.slug]["value"];
            example["type"] == kind.problem_type() && example["status"] == kind.status.as_u16()
        });
        assert!(told, "{}", kind.slug);
    }
}
