//! `GET /problems`

use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{ProblemKindView, described, problem_kind_view, shown};
use crate::problem::ProblemKind;
use crate::request::NoQuery;

/// Every kind of problem.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemCatalogue {
    problems: Vec<ProblemKindView>,
}

/// Lists every kind of problem: a page, or JSON where `Accept` names it.
#[utoipa::path(
    get, path = "/problems", tag = "operations",
    responses((status = 200, description = "every kind of problem", content((String = "text/html"), (ProblemCatalogue = "application/json")))),
)]
pub(crate) async fn list_problems(NoQuery: NoQuery, headers: HeaderMap) -> Response {
    let catalogue = ProblemCatalogue {
        problems: ProblemKind::ALL
            .iter()
            .copied()
            .map(problem_kind_view)
            .collect(),
    };
    let body = html! {
        h1 { "Problems" }
        p { "What a refusal's " code { "type" } " means. New kinds may be added." }
        @for kind in ProblemKind::ALL.iter().copied() {
            h2 { a href=(kind.problem_type()) { (kind.title) } }
            (described(kind))
        }
    };
    shown(&headers, catalogue, "Problems", &body)
}
