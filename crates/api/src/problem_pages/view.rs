//! A kind of problem as a page for people, or as JSON for callers that ask for it.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::ProblemKind;

/// The content security policy of the pages: no scripts, nothing from other hosts, and only the inline style.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const STYLE: &str =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}";

/// One kind of problem.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemKindView {
    /// The value of `type` in problems of this kind.
    #[serde(rename = "type")]
    #[schema(example = "/problems/rate-limited")]
    problem_type: String,
    #[schema(example = "Too many requests")]
    title: &'static str,
    #[schema(example = 429)]
    status: u16,
    /// When the problem is answered.
    #[schema(example = "the caller asks more often than it may")]
    when: &'static str,
    #[schema(example = "try again after `Retry-After`")]
    what_to_do: &'static str,
}

pub(super) fn render_kind(kind: ProblemKind) -> ProblemKindView {
    ProblemKindView {
        problem_type: kind.problem_type(),
        title: kind.title,
        status: kind.status.as_u16(),
        when: kind.when,
        what_to_do: kind.what_to_do,
    }
}

/// Responds with JSON if `Accept` names `application/json`, otherwise with a page.
pub(super) fn respond(
    headers: &HeaderMap,
    json: impl Serialize,
    title: &str,
    body: &Markup,
) -> Response {
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    let wants_json = accepted.any(|value| {
        let value = value.to_str().unwrap_or_default();
        value.contains("application/json")
    });
    let mut answer = if wants_json {
        Json(json).into_response()
    } else {
        let mut page = render_page(title, body).into_response();
        page.headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, POLICY);
        page
    };
    answer
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    answer
}

fn render_page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (STYLE) }
            }
            body { (body) }
        }
    }
}

/// Renders the description of a kind.
pub(super) fn describe_kind(kind: ProblemKind) -> Markup {
    html! {
        dl {
            dt { "Type" }
            dd { code { (kind.problem_type()) } }
            dt { "Status" }
            dd { (kind.status.as_u16()) }
            dt { "When" }
            dd { (render_text(kind.when)) }
            dt { "What to do" }
            dd { (render_text(kind.what_to_do)) }
        }
    }
}

/// Renders a text, with the names that stand in backticks as code.
fn render_text(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}
