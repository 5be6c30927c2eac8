//! `GET /workspaces/{workspace_id}/health`

use application::Core;
use application::queries::{
    DeviceHealth, HealthReport, PastHealth, VehicleHealth, by_vehicle, workspace_health,
    workspace_health_as_of,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::TimeText;
use domain::health::{HealthState, Reason, Responsibility};
use domain::ids::{VehicleId, WorkspaceId};
use persistence::fleet::WorkspaceRecord;

use super::view::{HealthAnswer, VehicleHealthView, device_view, summary, vehicle_view};
use crate::long_json::LongJson;
use crate::problem::{FieldError, Problem, ProblemKind};
use crate::request::{ListName, PageQuery, Paged, Params, Path1, Query, QueryParams};
use crate::state::SharedState;

/// Which devices, and how they are grouped.
pub(crate) struct HealthQuery {
    state: Option<HealthState>,
    reason: Option<Reason>,
    responsibility: Option<Responsibility>,
    vehicle: Option<VehicleId>,
    by_vehicle: bool,
    at: Option<DateTime<Utc>>,
    page: PageQuery,
}

impl QueryParams for HealthQuery {
    fn read(params: &mut Params) -> Self {
        Self {
            state: params.word("state", HealthState::ALL, HealthState::parse),
            reason: params.word("reason", Reason::ALL, Reason::parse),
            responsibility: params.word(
                "responsibility",
                Responsibility::ALL,
                Responsibility::parse,
            ),
            vehicle: params.read("vehicle", VehicleId::RULE, |text| {
                VehicleId::try_new(text).ok()
            }),
            by_vehicle: params.read("by", "must be device or vehicle", |text| match text {
                "device" => Some(false),
                "vehicle" => Some(true),
                _ => None,
            }) == Some(true),
            at: params.time("at"),
            page: PageQuery::read(params),
        }
    }
}

impl HealthQuery {
    fn admits_device(&self, device: &DeviceHealth) -> bool {
        self.state.is_none_or(|state| device.health.state == state) && self.admits_cause(device)
    }

    /// A vehicle goes by its own state, and by the cause of any of its devices.
    fn admits_vehicle(&self, vehicle: &VehicleHealth<'_>) -> bool {
        self.state.is_none_or(|state| vehicle.state == state)
            && vehicle
                .devices
                .iter()
                .any(|device| self.admits_cause(device))
    }

    fn admits_cause(&self, device: &DeviceHealth) -> bool {
        let cause = device.cause;
        let is = |wanted| cause.is_some_and(|cause| cause.reason == wanted);
        let of = |wanted| cause.is_some_and(|cause| cause.responsibility == wanted);
        self.reason.is_none_or(is)
            && self.responsibility.is_none_or(of)
            && self
                .vehicle
                .as_ref()
                .is_none_or(|vehicle| device.row.vehicle_id == *vehicle)
    }

    /// The page that is asked for, with the counts of all.
    fn answer(
        &self,
        paged: &Paged,
        record: &WorkspaceRecord,
        report: &HealthReport,
    ) -> HealthAnswer {
        let answer = summary(record, report, paged.instant());
        if self.by_vehicle {
            let (vehicles, next_cursor) = self.vehicles(paged, report);
            return answer.with_vehicles(vehicles, next_cursor);
        }
        let rest = report.devices.iter().filter(|device| {
            self.admits_device(device) && is_after(paged.after(), device.row.device_id.as_str())
        });
        let (devices, next_cursor) = paged.cut_and_show(
            rest.collect(),
            |device| device.row.device_id.to_string(),
            |device| device_view(device),
        );
        answer.with_devices(devices, next_cursor)
    }

    fn vehicles(
        &self,
        paged: &Paged,
        report: &HealthReport,
    ) -> (Vec<VehicleHealthView>, Option<String>) {
        let mut vehicles = by_vehicle(&report.devices);
        vehicles.retain(|vehicle| {
            self.admits_vehicle(vehicle) && is_after(paged.after(), vehicle.vehicle_id.as_str())
        });
        paged.cut_and_show(
            vehicles,
            |vehicle| vehicle.vehicle_id.to_string(),
            vehicle_view,
        )
    }
}

/// What one device takes of an answer, at most but for long ids and many devices a vehicle.
const DEVICE_BYTES: usize = 768;

/// Evaluates a workspace's devices now, or as of an instant.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/health", tag = "health",
    params(
        ("state" = Option<String>, Query), ("reason" = Option<String>, Query),
        ("responsibility" = Option<String>, Query), ("vehicle" = Option<String>, Query),
        ("by" = Option<String>, Query), ("at" = Option<DateTime<Utc>>, Query), ("limit" = Option<u16>, Query), ("cursor" = Option<String>, Query),
    ),
    extensions(("x-problems" = json!(["history-not-retained"]))),
    responses((status = 200, body = HealthAnswer)),
)]
pub(crate) async fn get_health(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query(query): Query<HealthQuery>,
) -> Result<LongJson<HealthAnswer>, Problem> {
    let now = state.core.clock.now();
    let at = query.at.unwrap_or(now);
    if at > now && !state.is_dev() {
        let error = FieldError::parameter("at", "must not be later than now");
        return Err(Problem::invalid(vec![error]));
    }
    let paged = Paged::try_new(list, query.page.clone(), at)?;
    let is_past = query.at.is_some() && at <= now;
    let (record, report) = told(&state.core, &workspace_id, is_past, paged.instant()).await?;
    let shown = report.devices.len().min(paged.limit());
    Ok(LongJson {
        about_bytes: 1_024 + shown * DEVICE_BYTES,
        answer: query.answer(&paged, &record, &report),
    })
}

/// What the history tells of an instant, or the present facts as that instant sees them.
async fn told(
    core: &Core,
    workspace_id: &WorkspaceId,
    is_past: bool,
    at: DateTime<Utc>,
) -> Result<(WorkspaceRecord, HealthReport), Problem> {
    let unknown = || Problem::not_found("workspace");
    if is_past {
        let record = core.store.workspace(workspace_id).await?;
        return as_of(core, &record.ok_or_else(unknown)?, at).await;
    }
    let told = workspace_health(core, workspace_id, at).await?;
    told.ok_or_else(unknown)
}

async fn as_of(
    core: &Core,
    record: &WorkspaceRecord,
    at: DateTime<Utc>,
) -> Result<(WorkspaceRecord, HealthReport), Problem> {
    match workspace_health_as_of(core, record, at).await? {
        PastHealth::Told(record, report) => Ok((*record, report)),
        PastHealth::NotRetained { since } => {
            let detail = since.map_or_else(
                || "the history of this workspace has not begun yet".to_owned(),
                |since| {
                    format!(
                        "the history of this workspace begins at {}",
                        TimeText(since)
                    )
                },
            );
            Err(Problem::of(ProblemKind::HISTORY_NOT_RETAINED).detail(detail))
        }
    }
}

fn is_after(after: Option<&str>, id: &str) -> bool {
    after.is_none_or(|after| id > after)
}
