//! OpenAPI 3.1, from the routes themselves.

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
        (name = "ingest", description = "Machines push readings, transports forward raw messages of providers."),
        (name = "quarantine", description = "Raw messages that were not understood."),
        (name = "poll cycles", description = "The cycles in which core polls a workspace's providers: triggers, and what became of them."),
        (name = "reconciliation sweeps", description = "What is compared with the world outside, and repaired."),
        (name = "health", description = "Who is silent, why, and whose it is to mend; computed when asked."),
        (name = "indicators", description = "How well workspaces are served: cycles, ages, and the share of time within five minutes."),
        (name = "snapshots", description = "The canonical values, one snapshot a device, each signal with its own age."),
        (name = "workspaces", description = "Customer fleets."),
        (name = "cutover", description = "Who owns what, per workspace: this service or the legacy one."),
        (name = "policy", description = "A workspace's cadence and thresholds."),
        (name = "devices", description = "The registry of configured devices."),
        (name = "provider connections", description = "Through whom devices speak, and where the credential is found."),
        (name = "rejections", description = "What was refused, and devices that nobody has configured."),
        (name = "worklist", description = "Who is silent, oldest silence first, as a list or a spreadsheet, and what has been done about it."),
        (name = "events", description = "What is on record: from a provider's message or a cycle to the snapshot."),
        (name = "audit", description = "Who changed what."),
        (name = "operations", description = "Whether an instance lives, and what it offers."),
        (name = "dev", description = "The local token issuer; 404 outside of `dev`."),
    )
)]
struct Base;

/// What the routes are added to.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let (_, routes) = crate::router::documented().split_for_parts();
    // A document of texts and lists always has a JSON form.
    let mut document = serde_json::to_value(routes).unwrap_or_default();
    complete::complete(&mut document);
    format!("{document:#}\n")
});

/// The document as JSON.
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
