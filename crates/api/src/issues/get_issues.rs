//! `GET /workspaces/{workspace_id}/issues`

use std::collections::BTreeMap;

use application::queries::{Evidence, FoundIssue, IssueFilter, find_issues};
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::health::{Finding, HealthState, IssueCode, Responsibility, Severity};
use domain::ids::{CycleId, DeviceId, ProviderId, VehicleId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::long_json::LongJson;
use crate::openapi::schema;
use crate::problem::Problem;
use crate::request::{ListName, PageParameters, Paged, Path1, Query, query_parameters};
use crate::state::SharedState;

query_parameters! {
    /// The filter of `GET …/issues`.
    pub(crate) struct IssueParameters {
        /// Only issues that impact at least one device in this state. Such an issue still lists all its devices.
        state: HealthState,
        /// Only issues with this code.
        code: IssueCode,
    }
}

/// What is wrong in a workspace, computed from the same facts as its health.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuesAnswer {
    #[schema(value_type = schema::WorkspaceId)]
    workspace_id: WorkspaceId,
    evaluated_at: DateTime<Utc>,
    /// Whether core, not the legacy service, owns this workspace's reads.
    authoritative: bool,
    issues: Vec<IssueView>,
    #[schema(required, example = json!(null))]
    next_cursor: Option<String>,
}

/// An issue: the devices of one connection that share one cause. A device that never reported is an issue of
/// its own.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssueView {
    #[schema(value_type = schema::IssueCode)]
    code: IssueCode,
    #[schema(value_type = schema::Severity)]
    severity: Severity,
    #[schema(value_type = schema::Responsibility)]
    responsibility: Responsibility,
    #[schema(value_type = schema::ProviderId)]
    provider_id: ProviderId,
    /// Since when the first of the impacted devices has had this issue.
    #[schema(value_type = DateTime<Utc>)]
    opened_at: TimeText,
    /// The number of impacted devices.
    #[schema(example = 41)]
    impacted_count: usize,
    /// The number of vehicles to which the impacted devices are fitted.
    #[schema(example = 41)]
    impacted_vehicle_count: usize,
    /// The number of impacted devices in each state. States without devices are left out.
    #[schema(value_type = BTreeMap<String, u32>, example = json!({"stale": 41}))]
    impacted_by_state: BTreeMap<&'static str, u32>,
    /// All impacted devices, in order of id.
    impacted: Vec<ImpactedView>,
    evidence: EvidenceView,
    /// What a person should do next.
    #[schema(
        example = "Check the provider's status page; if the outage lasts, call the provider with the time of the first failed cycle."
    )]
    next_step: &'static str,
}

/// One device that an issue impacts.
#[derive(Serialize, ToSchema)]
pub(crate) struct ImpactedView {
    #[schema(value_type = schema::DeviceId)]
    device_id: DeviceId,
    #[schema(value_type = schema::VehicleId)]
    vehicle_id: VehicleId,
    #[schema(value_type = schema::HealthState)]
    state: HealthState,
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    last_update_received_at: Option<TimeText>,
    #[schema(value_type = DateTime<Utc>)]
    configured_at: TimeText,
    #[schema(required, value_type = Option<DateTime<Utc>>, example = json!(null))]
    grace_exceeded_at: Option<TimeText>,
    /// When the current state of charge was observed; `null` if there is none.
    #[schema(required, value_type = Option<DateTime<Utc>>)]
    state_of_charge_observed_at: Option<TimeText>,
}

/// Where an issue can be looked into: poll cycles and an error.
#[derive(Serialize, ToSchema)]
pub(crate) struct EvidenceView {
    /// The latest poll cycle and, where polls fail, the first one that failed.
    #[schema(value_type = Vec<schema::CycleId>)]
    cycle_ids: Vec<CycleId>,
    /// What the provider answered, or why updates are rejected.
    #[schema(required, example = "unavailable: the provider answered 503")]
    error: Option<String>,
}

/// The largest number of bytes that one issue takes in the JSON answer without its devices, unless ids are long.
const ISSUE_BYTES: usize = 1_024;

/// The largest number of bytes that one impacted device takes in the JSON answer, unless its ids are long.
const IMPACTED_BYTES: usize = 320;

/// Lists what is wrong in a workspace now, in order of code and connection.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/issues", tag = "health",
    params(IssueParameters, PageParameters),
    responses((status = 200, body = IssuesAnswer)),
)]
pub(crate) async fn get_issues(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(IssueParameters, PageParameters)>,
) -> Result<LongJson<IssuesAnswer>, Problem> {
    let paged = Paged::try_new(list, page, state.core.clock.now())?;
    let filter = IssueFilter {
        state: parameters.state,
        code: parameters.code,
    };
    let report = find_issues(&state.core, &workspace_id, paged.instant()).await?;
    let page = report.list(filter, paged.request());
    let (issues, next_cursor) = paged.render(page, render_issue);
    let impacted: usize = issues.iter().map(|issue| issue.impacted_count).sum();
    Ok(LongJson {
        about_bytes: (1 + issues.len()) * ISSUE_BYTES + impacted * IMPACTED_BYTES,
        answer: IssuesAnswer {
            workspace_id,
            evaluated_at: paged.instant(),
            authoritative: report.health.summary.record.workspace.is_authoritative(),
            issues,
            next_cursor,
        },
    })
}

fn render_issue(found: FoundIssue<'_>) -> IssueView {
    let FoundIssue { issue, evidence } = found;
    let Evidence { cycle_ids, error } = evidence;
    IssueView {
        code: issue.code,
        severity: issue.severity,
        responsibility: issue.responsibility,
        provider_id: issue.provider_id.clone(),
        opened_at: TimeText(issue.opened_at),
        impacted_count: issue.impacted.len(),
        impacted_vehicle_count: issue.impacted_vehicles(),
        impacted_by_state: issue
            .impacted_by_state()
            .into_iter()
            .map(|(state, count)| (state.as_str(), count))
            .collect(),
        impacted: issue.impacted.iter().map(render_impacted_device).collect(),
        evidence: EvidenceView { cycle_ids, error },
        next_step: issue.next_step,
    }
}

fn render_impacted_device(found: &Finding<'_>) -> ImpactedView {
    ImpactedView {
        device_id: found.device_id.clone(),
        vehicle_id: found.vehicle_id.clone(),
        state: found.health.state,
        last_update_received_at: found.facts.last_update_received_at.map(TimeText),
        configured_at: TimeText(found.configured_at),
        grace_exceeded_at: found.health.grace_exceeded_at.map(TimeText),
        state_of_charge_observed_at: found.state_of_charge_at.map(TimeText),
    }
}
