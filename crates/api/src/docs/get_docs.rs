//! `GET /docs`

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use maud::{DOCTYPE, html};

use crate::request::NoQuery;

/// The page's content security policy: the page loads from and calls this service only. Swagger UI sets styles
/// on its elements and has its icons in `data:` addresses.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Shows this description as a page, with a form to try each operation.
#[utoipa::path(get, path = "/docs", tag = "operations", responses((status = 200, description = "Swagger UI", body = String, content_type = "text/html")))]
pub(crate) async fn get_docs(NoQuery: NoQuery) -> impl IntoResponse {
    let policy: (HeaderName, HeaderValue) = (header::CONTENT_SECURITY_POLICY, POLICY);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Telematics freshness: the HTTP contract" }
                link rel="icon" type="image/png" href="/docs/favicon-32x32.png";
                link rel="stylesheet" href="/docs/swagger-ui.css";
            }
            body {
                div id="swagger-ui" {}
                script src="/docs/swagger-ui-bundle.js" {}
                script src="/docs/start.js" {}
            }
        }
    };
    ([policy], page)
}
