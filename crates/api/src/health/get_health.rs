//! `GET /workspaces/{workspace_id}/health`

use application::queries::{
    HealthAt, HealthFilter, HealthPage, list_device_health, list_vehicle_health,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::health::{HealthState, Reason, Responsibility};
use domain::ids::{VehicleId, WorkspaceId};

use super::view::{HealthAnswer, device_view, summary_view, vehicle_view};
use crate::long_json::LongJson;
use crate::problem::{FieldError, Problem};
use crate::request::{ListName, PageQuery, Paged, Params, Path1, Query, QueryParams};
use crate::state::SharedState;

/// Which devices, and how they are grouped.
pub(crate) struct HealthQuery {
    filter: HealthFilter,
    by_vehicle: bool,
    at: Option<DateTime<Utc>>,
    page: PageQuery,
}

impl QueryParams for HealthQuery {
    fn read(params: &mut Params) -> Self {
        Self {
            filter: HealthFilter {
                state: params.word("state", HealthState::ALL, HealthState::parse),
                reason: params.word("reason", Reason::ALL, Reason::parse),
                responsibility: params.word(
                    "responsibility",
                    Responsibility::ALL,
                    Responsibility::parse,
                ),
                vehicle_id: params.read("vehicle", VehicleId::RULE, |text| {
                    VehicleId::try_new(text).ok()
                }),
            },
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
    let core = &state.core;
    // The cursor of a page holds the instant of the first one.
    let health_at = |instant| match query.at {
        Some(at) if at <= now => HealthAt::Past(instant),
        _ => HealthAt::Present(instant),
    };
    if query.by_vehicle {
        let paged = Paged::try_new(list, query.page, at)?;
        let at = health_at(paged.instant());
        let HealthPage { summary, page } =
            list_vehicle_health(core, &workspace_id, &query.filter, paged.request(), at).await?;
        let devices = page.items.iter().map(|vehicle| vehicle.devices.len()).sum();
        let (vehicles, next_cursor) = paged.show(page, |vehicle| vehicle_view(&vehicle));
        let answer = summary_view(&summary).with_vehicles(vehicles, next_cursor);
        return Ok(long_json(answer, devices));
    }
    let paged = Paged::try_new(list, query.page, at)?;
    let at = health_at(paged.instant());
    let HealthPage { summary, page } =
        list_device_health(core, &workspace_id, &query.filter, paged.request(), at).await?;
    let devices = page.items.len();
    let (views, next_cursor) = paged.show(page, |device| device_view(&device));
    let answer = summary_view(&summary).with_devices(views, next_cursor);
    Ok(long_json(answer, devices))
}

fn long_json(answer: HealthAnswer, devices: usize) -> LongJson<HealthAnswer> {
    LongJson {
        about_bytes: 1_024 + devices * DEVICE_BYTES,
        answer,
    }
}
