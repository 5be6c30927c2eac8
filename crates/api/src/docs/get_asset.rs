//! `GET /docs/{asset}`

use std::borrow::Cow;
use std::sync::Arc;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};
use utoipa_swagger_ui::Config;

use crate::problem::Problem;
use crate::request::{NoQuery, ParameterValue, Path1, PathId, words_schema};

/// The files that the page loads, with their content types. No other file of Swagger UI is served.
const ASSETS: [(&str, &str); 4] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("start.js", "text/javascript; charset=utf-8"),
    ("favicon-32x32.png", "image/png"),
];

/// The name of one of [`ASSETS`]. Any text is parsed: a name of no file is 404, not a broken rule.
pub(crate) struct Asset(String);

impl PathId for Asset {
    const PARAMETER: &'static str = "asset";
}

impl ParameterValue for Asset {
    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn rule() -> Cow<'static, str> {
        "must be the name of a file that the page loads".into()
    }

    fn schema() -> RefOr<Schema> {
        words_schema(ASSETS.map(|(name, _)| name))
            .description(Some("A file that the page loads."))
            .examples([json!("swagger-ui.css")])
            .into()
    }
}

/// Serves what the page at `/docs` loads.
#[utoipa::path(
    get, path = "/docs/{asset}", tag = "operations",
    responses((status = 200, description = "the file", content((String = "text/css"), (String = "text/javascript"), (String = "image/png")))),
)]
pub(crate) async fn get_asset(
    Path1(Asset(name)): Path1<Asset>,
    NoQuery: NoQuery,
) -> Result<Response, Problem> {
    let asset = ASSETS.into_iter().find(|(served, _)| *served == name);
    let (name, content_type) = asset.ok_or_else(|| Problem::not_found("file"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        // A browser keeps a file for an hour, because the next version of the program may have another.
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=3600"),
        ),
    ];
    let bytes = load_asset(name).ok_or_else(|| Problem::not_found("file"))?;
    Ok((headers, bytes).into_response())
}

fn load_asset(name: &str) -> Option<Cow<'static, [u8]>> {
    if name == "start.js" {
        return Some(Cow::Borrowed(include_bytes!("start.js")));
    }
    let file = utoipa_swagger_ui::serve(name, Arc::new(Config::from("/openapi.json")));
    file.ok().flatten().map(|file| file.bytes)
}
