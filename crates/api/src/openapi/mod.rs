//! The OpenAPI 3.1 document, made from the routes.

mod complete;
mod example;
mod headers;
mod parameters;
mod refusals;
pub(crate) mod schema;

use std::sync::LazyLock;

use contract::problem::{FieldError, ProblemBody};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

type DocumentedProblem = ProblemBody<serde_json::Value>;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "bf-manage-core telematics",
        description = include_str!("conventions.md"),
        version = "1.0.0"
    ),
    components(schemas(DocumentedProblem, FieldError)),
    tags(
        (name = "ingest", description = "Machines push updates, and transports forward raw messages of providers."),
        (name = "quarantine", description = "Raw messages that the service could not interpret."),
        (name = "poll cycles", description = "The cycles in which core polls a workspace's providers: trigger one, and read what earlier ones did."),
        (name = "reconciliation sweeps", description = "Sweeps that compare the records of this service with the outside world and repair differences."),
        (name = "health", description = "Which devices are silent, why, and who has to fix it; computed at the time of the request."),
        (name = "indicators", description = "How well workspaces are served: cycles, ages, and the share of time within five minutes."),
        (name = "snapshots", description = "The canonical values: one snapshot for each device, each signal with its own age."),
        (name = "workspaces", description = "Customer fleets."),
        (name = "cutover", description = "Who owns what, per workspace: this service or the legacy one."),
        (name = "policy", description = "The poll interval and the thresholds of a workspace."),
        (name = "devices", description = "The registry of configured devices."),
        (name = "provider connections", description = "The accounts at providers through which devices report, and where their credentials are found."),
        (name = "rejections", description = "Updates that were rejected, and devices that nobody has configured."),
        (name = "worklist", description = "Silent devices, the longest silence first, as JSON or CSV, and what people did about them."),
        (name = "events", description = "The recorded events, from a provider's message or a poll cycle to the snapshot."),
        (name = "audit", description = "Which person or machine changed what, and when."),
        (name = "operations", description = "Whether an instance is alive and ready, and the documentation of its interface."),
        (name = "dev", description = "The local token issuer, which exists only in `dev` and is 404 elsewhere."),
    )
)]
struct Base;

/// Returns the document without routes; the router adds each route to it.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let (_, routes) = crate::router::documented().split_for_parts();
    // Serializing cannot fail: the document has only texts, numbers and lists.
    let mut document = serde_json::to_value(routes).unwrap_or_default();
    complete::complete(&mut document);
    format!("{document:#}\n")
});

/// Returns the completed document as JSON.
pub fn openapi_json() -> &'static str {
    &DOCUMENT
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::problem::ProblemKind;

    #[test]
    fn handlers_name_problems_of_the_catalogue() {
        let (_, routes) = crate::router::documented().split_for_parts();
        let routes = serde_json::to_value(routes).expect("texts and lists");
        let items = routes["paths"].as_object().expect("paths").values();
        let operations = items.flat_map(|item| item.as_object().expect("operations").values());
        let named: Vec<&Value> = operations
            .flat_map(|operation| operation["x-problems"].as_array().into_iter().flatten())
            .collect();
        assert!(named.len() > 10, "{named:?}");
        for slug in named {
            let slug = slug.as_str().expect("a slug");
            assert!(ProblemKind::named(slug).is_some(), "{slug}");
        }
    }
}
