//! The polled workspaces, each with an account of its own at the simulated provider.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use clock::Clock;
use futures::stream::{self, StreamExt, TryStreamExt};

use serde_json::{Value, json};

use super::simulator::{CREDENTIAL, SimulatorProcess};
use crate::http::HttpConnection;
use crate::service::Service;

/// The number of workspaces that are registered at once.
const REGISTRARS: usize = 8;
/// The least time between the last workspace's activation and the first minute that counts.
const LEAD: TimeDelta = TimeDelta::seconds(25);

/// The polled workspaces, with the number of devices of each.
pub(super) struct PolledFleet {
    pub(super) ids: Vec<String>,
    devices: usize,
}

impl PolledFleet {
    pub(super) fn new(workspaces: usize, devices: usize) -> Self {
        Self {
            ids: (0..workspaces).map(|at| format!("cycle-{at:04}")).collect(),
            devices,
        }
    }

    /// Registers all workspaces, still inactive.
    ///
    /// # Errors
    /// If the service or the simulated provider refuses a request.
    pub(super) async fn register(
        &self,
        service: &Service,
        simulator: &SimulatorProcess,
    ) -> anyhow::Result<()> {
        stream::iter(&self.ids)
            .map(|id| self.register_one(id, service, simulator))
            .buffer_unordered(REGISTRARS)
            .try_collect()
            .await
    }

    async fn register_one(
        &self,
        id: &str,
        service: &Service,
        simulator: &SimulatorProcess,
    ) -> anyhow::Result<()> {
        let devices: Vec<String> = (0..self.devices).map(|at| format!("bus-{at:02}")).collect();
        let base_url = simulator.put_account(id, &devices).await?;
        // The service limits the requests of one person, so each workspace has its own administrator.
        let mut admin = service.as_admin_named(id).await?;
        put(&mut admin, id, "", workspace_body(id, false, true)).await?;
        let policy = json!({"poll_interval_minutes": 1, "stale_threshold_minutes": 15, "no_data_grace_minutes": 60});
        put(&mut admin, id, "/policy", policy).await?;
        let connection = json!({"provider_type": "depot_sim", "base_url": base_url, "credential_ref": CREDENTIAL});
        put(&mut admin, id, "/provider-connections/sim", connection).await?;
        for device in devices {
            let path = format!("/devices/{device}");
            let spec = json!({"vehicle_id": device, "provider_id": "sim", "external_id": device});
            put(&mut admin, id, &path, spec).await?;
        }
        Ok(())
    }

    /// Activates all workspaces, so that the service polls them; returns the first minute that counts.
    ///
    /// # Errors
    /// If the service refuses a request.
    pub(super) async fn activate(
        &self,
        service: &Service,
        clock: &Clock,
    ) -> anyhow::Result<DateTime<Utc>> {
        let activate = async |id: &String| {
            let mut admin = service.as_admin_named(id).await?;
            put(&mut admin, id, "", workspace_body(id, true, false)).await
        };
        stream::iter(&self.ids)
            .map(activate)
            .buffer_unordered(REGISTRARS)
            .try_collect::<()>()
            .await?;
        let minute = TimeDelta::minutes(1);
        Ok((clock.now() + LEAD).duration_trunc(minute)? + minute)
    }
}

fn workspace_body(id: &str, active: bool, is_new: bool) -> Value {
    let mut body = json!({"name": id, "active": active});
    if is_new {
        body["cutover"] = json!({
            "device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed",
        });
    }
    body
}

async fn put(admin: &mut HttpConnection, id: &str, path: &str, body: Value) -> anyhow::Result<()> {
    let path = format!("/api/telematics-mvp/workspaces/{id}{path}");
    admin.put(&path, body.to_string()).await
}
