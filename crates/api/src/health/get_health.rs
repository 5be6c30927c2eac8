//! `GET /workspaces/{workspace_id}/health`

use std::borrow::Cow;

use application::Core;
use application::queries::{
    HealthAt, HealthFilter, HealthPage, list_device_health, list_vehicle_health,
};
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::health::{HealthState, Reason, Responsibility};
use domain::ids::{DeviceId, VehicleId, WorkspaceId};
use serde_json::json;
use utoipa::openapi::{RefOr, Schema};

use super::view::{HealthAnswer, device_view, summary_view, vehicle_view};
use crate::long_json::LongJson;
use crate::problem::{FieldError, Problem};
use crate::request::{
    ListName, PageParameters, Paged, ParameterValue, Path1, Query, query_parameters, words_rule,
    words_schema,
};
use crate::state::SharedState;

query_parameters! {
    /// Which devices are shown, as of when, and how they are grouped.
    pub(crate) struct HealthParameters {
        /// Only devices, or vehicles, in this state.
        state: HealthState,
        /// Only devices with this root cause.
        reason: Reason,
        /// Only devices whose cause is theirs to mend.
        responsibility: Responsibility,
        /// Only this vehicle's devices.
        vehicle: VehicleId,
        /// Whether devices are listed or vehicles, which are as well as the mildest of their devices.
        by: Grouping,
        /// As of this instant, from the history: with the flags, policy and devices as they were. Later than now
        /// only in `dev`.
        at: DateTime<Utc>,
    }
}

/// What the rows of the answer are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grouping {
    Device,
    Vehicle,
}

impl Grouping {
    const WORDS: [&str; 2] = ["device", "vehicle"];
}

impl ParameterValue for Grouping {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "device" => Some(Self::Device),
            "vehicle" => Some(Self::Vehicle),
            _ => None,
        }
    }

    fn rule() -> Cow<'static, str> {
        words_rule(Self::WORDS)
    }

    fn schema() -> RefOr<Schema> {
        words_schema(Self::WORDS)
            .default(Some(json!("device")))
            .into()
    }
}

/// The number of bytes that one device takes of an answer, at most but for long ids.
const DEVICE_BYTES: usize = 768;

/// Evaluates a workspace's devices now, or as of an instant.
#[utoipa::path(
    get, path = "/api/telematics-mvp/workspaces/{workspace_id}/health", tag = "health",
    params(HealthParameters, PageParameters),
    extensions(("x-problems" = json!(["history-not-retained"]))),
    responses((status = 200, body = HealthAnswer)),
)]
pub(crate) async fn get_health(
    State(state): SharedState,
    Path1(workspace_id): Path1<WorkspaceId>,
    list: ListName,
    Query((parameters, page)): Query<(HealthParameters, PageParameters)>,
) -> Result<LongJson<HealthAnswer>, Problem> {
    let now = state.core.clock.now();
    let at = parameters.at.unwrap_or(now);
    if at > now && !state.is_dev() {
        let error = FieldError::parameter("at", "must not be later than now");
        return Err(Problem::invalid(vec![error]));
    }
    let core = &state.core;
    let filter = HealthFilter {
        state: parameters.state,
        reason: parameters.reason,
        responsibility: parameters.responsibility,
        vehicle_id: parameters.vehicle,
    };
    if parameters.by == Some(Grouping::Vehicle) {
        let paged = Paged::try_new(list, page, at)?;
        let at = HealthAt::choose(parameters.at, paged.instant(), now);
        return answer_by_vehicle(core, &workspace_id, &filter, &paged, at).await;
    }
    let paged = Paged::try_new(list, page, at)?;
    let at = HealthAt::choose(parameters.at, paged.instant(), now);
    answer_by_device(core, &workspace_id, &filter, &paged, at).await
}

async fn answer_by_device(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &HealthFilter,
    paged: &Paged<DeviceId>,
    at: HealthAt,
) -> Result<LongJson<HealthAnswer>, Problem> {
    let HealthPage { summary, page } =
        list_device_health(core, workspace_id, filter, paged.request(), at).await?;
    let devices = page.items.len();
    let (views, next_cursor) = paged.show(page, |device| device_view(&device));
    let answer = summary_view(&summary).with_devices(views, next_cursor);
    Ok(long_json(answer, devices))
}

async fn answer_by_vehicle(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &HealthFilter,
    paged: &Paged<VehicleId>,
    at: HealthAt,
) -> Result<LongJson<HealthAnswer>, Problem> {
    let HealthPage { summary, page } =
        list_vehicle_health(core, workspace_id, filter, paged.request(), at).await?;
    let devices = page.items.iter().map(|vehicle| vehicle.devices.len()).sum();
    let (views, next_cursor) = paged.show(page, |vehicle| vehicle_view(&vehicle));
    let answer = summary_view(&summary).with_vehicles(views, next_cursor);
    Ok(long_json(answer, devices))
}

fn long_json(answer: HealthAnswer, devices: usize) -> LongJson<HealthAnswer> {
    LongJson {
        about_bytes: 1_024 + devices * DEVICE_BYTES,
        answer,
    }
}
