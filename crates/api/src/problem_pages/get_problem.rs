//! `GET /problems/{slug}`

use std::borrow::Cow;

use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use super::view::{ProblemKindView, describe_kind, render_kind, respond};
use crate::problem::{Problem, ProblemKind};
use crate::request::{NoQuery, ParameterValue, Path1, PathId, words_schema};

/// The last part of a problem's `type`. Any text is accepted, so that an unknown slug is answered with 404, not 400.
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

/// Describes one kind of problem: as a page, or as JSON if `Accept` names `application/json`.
#[utoipa::path(
    get, path = "/problems/{slug}", tag = "operations",
    responses((status = 200, description = "when the problem is answered, and what to do about it", content((String = "text/html"), (ProblemKindView = "application/json")))),
)]
pub(crate) async fn get_problem(
    Path1(Slug(slug)): Path1<Slug>,
    NoQuery: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = ProblemKind::named(&slug).ok_or_else(|| Problem::not_found("problem"))?;
    let body = html! {
        h1 { (kind.title) }
        (describe_kind(kind))
        p { a href="/problems" { "All problems" } }
    };
    Ok(respond(&headers, render_kind(kind), kind.title, &body))
}
