//! `GET /problems/{slug}`

use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;

use super::view::{ProblemKindView, described, problem_kind_view, shown};
use crate::problem::{Problem, ProblemKind};
use crate::request::{NoQuery, Path1, PathId};

/// The last part of a `type`; whether there is such a kind is the handler's to say.
pub(crate) struct Slug(String);

impl PathId for Slug {
    const PARAMETER: &'static str = "slug";

    fn read(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
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
