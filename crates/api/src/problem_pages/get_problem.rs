//! `GET /problems/{slug}`

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use super::view::{ProblemKindView, described, problem_kind_view, shown};
use crate::problem::{Problem, ProblemKind};
use crate::request::{NoQuery, ParameterValue, Path1, PathId, words_schema};

/// The last part of a problem's `type`. Any text is parsed: a slug of no kind is 404, not a broken rule.
pub(crate) struct Slug(String);

impl PathId for Slug {
    const PARAMETER: &'static str = "slug";
}

impl ParameterValue for Slug {
    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn rule() -> Cow<'static, str> {
        "must be the last part of a problem's type".into()
    }

    fn schema() -> RefOr<Schema> {
        words_schema(ProblemKind::ALL.iter().map(|kind| kind.slug))
            .description(Some("The last part of a problem's `type`."))
            .examples([json!("rate-limited")])
            .into()
    }
}

/// Tells what a kind of problem means: a page, or JSON where `Accept` names it.
#[utoipa::path(
    get, path = "/problems/{slug}", tag = "operations",
    responses((status = 200, description = "what the problem is told for, and what to do", content((String = "text/html"), (ProblemKindView = "application/json")))),
)]
pub(crate) async fn get_problem(
    Path1(Slug(slug)): Path1<Slug>,
    NoQuery: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = ProblemKind::named(&slug).ok_or_else(|| Problem::not_found("problem"))?;
    let body = html! {
        h1 { (kind.title) }
        (described(kind))
        p { a href="/problems" { "All problems" } }
    };
    Ok(shown(&headers, problem_kind_view(kind), kind.title, &body))
}
