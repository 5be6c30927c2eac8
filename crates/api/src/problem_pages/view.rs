//! How a kind of problem is shown: a page to people, JSON to whoever asks for it.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::ProblemKind;

/// No script, nothing from elsewhere; the one style is the page's own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const STYLE: &str =
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}";

/// A kind of problem.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemKindView {
    /// As `type` of a problem says it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/rate-limited")]
    problem_type: String,
    #[schema(example = "Too many requests")]
    title: &'static str,
    #[schema(example = 429)]
    status: u16,
    /// What it is told for.
    #[schema(example = "the caller asks more often than it may")]
    when: &'static str,
    #[schema(example = "try again after `Retry-After`")]
    what_to_do: &'static str,
}

pub(super) fn problem_kind_view(kind: ProblemKind) -> ProblemKindView {
    ProblemKindView {
        problem_type: kind.problem_type(),
        title: kind.title,
        status: kind.status.as_u16(),
        when: kind.when,
        what_to_do: kind.what_to_do,
    }
}

/// Answers JSON where `Accept` names it, else a page.
pub(super) fn shown(
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
        let mut page = page(title, body).into_response();
        page.headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, POLICY);
        page
    };
    answer
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    answer
}

fn page(title: &str, body: &Markup) -> Markup {
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

/// A kind's own words.
pub(super) fn described(kind: ProblemKind) -> Markup {
    html! {
        dl {
            dt { "Type" }
            dd { code { (kind.problem_type()) } }
            dt { "Status" }
            dd { (kind.status.as_u16()) }
            dt { "When" }
            dd { (text(kind.when)) }
            dt { "What to do" }
            dd { (text(kind.what_to_do)) }
        }
    }
}

/// A text in which names stand in backticks.
fn text(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}
