//! OpenAPI 3.1, from the routes themselves.

use std::sync::LazyLock;

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{OpenApi as _, PartialSchema, ToSchema};

use crate::access::{Access, BodyRule, TABLE};
use crate::problem::{FieldError, ProblemBody};

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "bf-manage-core telematics",
    description = "Telematics freshness: one canonical snapshot a device, and health computed at request time.",
    version = "0.1.0"
))]
struct Base;

/// What the routes are added to.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let (_, mut document) = crate::router::documented().split_for_parts();
    add_problems(&mut document);
    // A document of texts and lists always has a JSON form.
    document.to_pretty_json().unwrap_or_default()
});

/// The document as JSON.
pub fn openapi_json() -> &'static str {
    &DOCUMENT
}

/// Adds what the table knows of every route: the token, and the refusals before the handler.
fn add_problems(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert("Problem".to_owned(), ProblemBody::schema());
    components
        .schemas
        .insert(FieldError::name().into_owned(), FieldError::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components
        .security_schemes
        .insert("bearer".to_owned(), RefOr::T(SecurityScheme::Http(bearer)));
    for route in TABLE {
        let Some(item) = document.paths.paths.get_mut(route.path) else {
            continue;
        };
        let operation = match route.method.as_str() {
            "GET" => &mut item.get,
            "PUT" => &mut item.put,
            "POST" => &mut item.post,
            "PATCH" => &mut item.patch,
            "DELETE" => &mut item.delete,
            _ => continue,
        };
        let Some(operation) = operation else { continue };
        if route.access != Access::Open {
            operation.security = Some(vec![SecurityRequirement::new(
                "bearer",
                Vec::<String>::new(),
            )]);
        }
        if route.takes_idempotency_key() {
            crate::idempotency::describe(operation);
        }
        let described = &mut operation.responses.responses;
        for (status, words) in statuses(route.access, route.body, route.path) {
            described
                .entry(status.to_owned())
                .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(words).build()));
        }
        for (_, refusal) in described
            .iter_mut()
            .filter(|(status, _)| status.starts_with(['4', '5']))
        {
            if let RefOr::T(refusal) = refusal {
                let problem = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
                refusal
                    .content
                    .insert("application/problem+json".to_owned(), RefOr::T(problem));
            }
        }
    }
}

fn statuses(access: Access, body: BodyRule, path: &str) -> Vec<(&'static str, &'static str)> {
    let mut statuses = vec![
        ("400", "a parameter, header or member breaks the contract"),
        ("503", "not available right now; see Retry-After"),
    ];
    if access != Access::Open {
        statuses.push(("401", "no accepted token"));
        statuses.push(("403", "not for this caller"));
        statuses.push(("429", "asked too often; see Retry-After"));
    }
    if path.contains('{') || path.ends_with("/poll-cycles") || path.starts_with("/dev/") {
        statuses.push((
            "404",
            "no such resource, or none that the caller may know of",
        ));
    }
    if body != BodyRule::None {
        statuses.push(("408", "the body took too long to arrive"));
        statuses.push(("413", "too large"));
        statuses.push(("415", "not JSON"));
    }
    statuses
}
