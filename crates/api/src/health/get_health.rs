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

use super::view::{HealthAnswer, render_device, render_summary, render_vehicle};
use crate::long_json::LongJson;
use crate::problem::{FieldError, Problem};
use crate::request::{
    ListName, PageParameters, Paged, ParameterValue, Path1, Query, query_parameters, words_rule,
    words_schema,
};
use crate::state::SharedState;

query_parameters! {
    /// The parameters of `GET …/health`: which devices are listed, as of when, and how they are grouped.
    pub(crate) struct HealthParameters {
        /// Only devices, or vehicles, in this state.
        state: HealthState,
        /// Only devices with this root cause.
        reason: Reason,
        /// Only devices whose root cause this party has to fix.
        responsibility: Responsibility,
        /// Only devices of this vehicle.
        vehicle: VehicleId,
        /// Whether the answer lists devices or vehicles. A vehicle's state is the mildest state among its devices.
        by: Grouping,
        /// Health is evaluated as of this instant, from the history: with the flags, policy and devices of that
        /// time. An instant later than now is accepted only in `dev`.
        at: DateTime<Utc>,
    }
}

/// What each row of a health answer stands for: a device or a vehicle.
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

/// The largest number of bytes that one device takes in the JSON answer, unless its ids are unusually long.
const DEVICE_BYTES: usize = 768;

/// Evaluates the health of a workspace's devices, now or as of an instant.
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
        return list_vehicles(core, &workspace_id, &filter, &paged, at).await;
    }
    let paged = Paged::try_new(list, page, at)?;
    let at = HealthAt::choose(parameters.at, paged.instant(), now);
    list_devices(core, &workspace_id, &filter, &paged, at).await
}

async fn list_devices(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &HealthFilter,
    paged: &Paged<DeviceId>,
    at: HealthAt,
) -> Result<LongJson<HealthAnswer>, Problem> {
    let HealthPage { summary, page } =
        list_device_health(core, workspace_id, filter, paged.request(), at).await?;
    let devices = page.items.len();
    let (views, next_cursor) = paged.render(page, |device| render_device(&device));
    let answer = render_summary(&summary).with_devices(views, next_cursor);
    Ok(long_json(answer, devices))
}

async fn list_vehicles(
    core: &Core,
    workspace_id: &WorkspaceId,
    filter: &HealthFilter,
    paged: &Paged<VehicleId>,
    at: HealthAt,
) -> Result<LongJson<HealthAnswer>, Problem> {
    let HealthPage { summary, page } =
        list_vehicle_health(core, workspace_id, filter, paged.request(), at).await?;
    let devices = page.items.iter().map(|vehicle| vehicle.devices.len()).sum();
    let (views, next_cursor) = paged.render(page, |vehicle| render_vehicle(&vehicle));
    let answer = render_summary(&summary).with_vehicles(views, next_cursor);
    Ok(long_json(answer, devices))
}

fn long_json(answer: HealthAnswer, devices: usize) -> LongJson<HealthAnswer> {
    LongJson {
        about_bytes: 1_024 + devices * DEVICE_BYTES,
        answer,
    }
}
