//! `GET /control/accounts` and `PUT /control/accounts/{account}`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::App;
use super::any_type_json::AnyTypeJson;
use super::failure::RequestFailure;
use crate::control::AccountStatus;
use crate::fault::Fault;
use crate::scenario::{Account, VehicleSpec};

/// The answer to `GET /control/accounts`.
#[derive(Debug, Serialize)]
pub(super) struct AccountList {
    accounts: Vec<AccountStatus>,
}

/// An [`Account`] without its name, which is in the path.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountBody {
    key: String,
    #[serde(default)]
    fault: Option<Fault>,
    vehicles: Vec<VehicleSpec>,
}

pub(super) async fn list(State(app): State<App>) -> Json<AccountList> {
    Json(AccountList {
        accounts: app.simulator.accounts(),
    })
}

pub(super) async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    AnyTypeJson(body): AnyTypeJson<AccountBody>,
) -> Result<StatusCode, RequestFailure> {
    let AccountBody {
        key,
        fault,
        vehicles,
    } = body;
    app.simulator.put_account(Account {
        name,
        key,
        fault,
        fault_since: None,
        vehicles,
    });
    Ok(StatusCode::NO_CONTENT)
}
