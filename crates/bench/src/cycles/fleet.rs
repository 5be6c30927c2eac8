//! The workspaces: each with an account of its own at the provider.

use anyhow::ensure;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use clock::Clock;
use futures::stream::{self, StreamExt, TryStreamExt};
use hyper::Method;
use serde_json::{Value, json};

use super::simulator::{CREDENTIAL, Simulator};
use crate::http::{HttpConnection, excerpt};
use crate::service::Service;

/// Workspaces registered at once.
const REGISTRARS: usize = 8;
/// Between the last workspace's activation and the first minute that counts.
const LEAD: TimeDelta = TimeDelta::seconds(25);

pub(super) struct Fleet {
    pub(super) ids: Vec<String>,
    devices: usize,
}

impl Fleet {
    pub(super) fn new(workspaces: usize, devices: usize) -> Self {
        Self {
            ids: (0..workspaces).map(|at| format!("cycle-{at:04}")).collect(),
            devices,
        }
    }

    /// Registers everything, inactive yet.
    ///
    /// # Errors
    /// When the service or the provider refuses.
    pub(super) async fn register(
        &self,
        service: &Service,
        simulator: &Simulator,
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
        simulator: &Simulator,
    ) -> anyhow::Result<()> {
        let devices: Vec<String> = (0..self.devices).map(|at| format!("bus-{at:02}")).collect();
        let base_url = simulator.put_account(id, &devices).await?;
        // One person may not ask without limit.
        let mut admin = service.as_admin_named(id).await?;
        put(&mut admin, id, "", workspace(id, false, true)).await?;
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

    /// Has core poll all of them; answers the first minute that counts.
    ///
    /// # Errors
    /// When the service refuses.
    pub(super) async fn activate(
        &self,
        service: &Service,
        clock: &Clock,
    ) -> anyhow::Result<DateTime<Utc>> {
        let activate = async |id: &String| {
            let mut admin = service.as_admin_named(id).await?;
            put(&mut admin, id, "", workspace(id, true, false)).await
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

fn workspace(id: &str, active: bool, is_new: bool) -> Value {
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
    let (status, answer) = admin
        .send(Method::PUT, &path, body.to_string().into())
        .await?;
    ensure!(status.is_success(), "{path}: {status} {}", excerpt(&answer));
    Ok(())
}
