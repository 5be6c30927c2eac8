//! `GET /problems`

use axum::http::HeaderMap;
use axum::response::Response;
use maud::html;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{ProblemKindView, describe_kind, render_kind, respond};
use crate::problem::ProblemKind;
use crate::request::NoQuery;

/// All kinds of problems.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProblemCatalogue {
    problems: Vec<ProblemKindView>,
}

/// Lists every kind of problem: as a page, or as JSON if `Accept` names `application/json`.
#[utoipa::path(
    get, path = "/problems", tag = "operations",
    responses((status = 200, description = "every kind of problem", content((String = "text/html"), (ProblemCatalogue = "application/json")))),
)]
pub(crate) async fn list_problems(NoQuery: NoQuery, headers: HeaderMap) -> Response {
    let catalogue = ProblemCatalogue {
        problems: ProblemKind::ALL.iter().copied().map(render_kind).collect(),
    };
    let body = html! {
        h1 { "Problems" }
        p { "The meaning of the member " code { "type" } " of a refusal. New kinds may be added." }
        @for kind in ProblemKind::ALL.iter().copied() {
            h2 { a href=(kind.problem_type()) { (kind.title) } }
            (describe_kind(kind))
        }
    };
    respond(&headers, catalogue, "Problems", &body)
}
