//! The fleet of the benchmark: workspaces of a hundred devices, and the batches that clients send for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use contract::ingest::{IngestRequest, IngestUpdate};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::service::Service;

/// The number of updates in a batch: one for each device of a workspace.
pub(crate) const BATCH: usize = 100;

const PROVIDER: &str = "bench";

/// The placeholder of a time in a template, of the same length as the times that replace it.
const NO_TIME: &str = "0000-00-00T00:00:00.000000Z";

/// The workspaces that clients send updates for.
#[derive(Clone)]
pub(crate) struct BenchFleet {
    pub(crate) workspaces: Arc<Vec<BenchWorkspace>>,
    /// Whether all clients send for the first workspace, instead of each client for workspaces of its own.
    is_shared: bool,
}

/// The body of a request whose updates were all observed at the same time, which is put in when it is sent.
struct BodyTemplate {
    body: Vec<u8>,
    /// The positions of the times in the body.
    times: Vec<usize>,
}

impl BodyTemplate {
    fn new(devices: &[String], signals: &[Value]) -> Self {
        let updates = devices.iter().zip(signals);
        let updates: Vec<_> = updates
            .map(|(device, signals)| IngestUpdate {
                device_id: Some(device.into()),
                provider_id: None,
                external_id: None,
                observed_at: Some(NO_TIME.into()),
                message_id: None,
                signals,
            })
            .collect();
        let body = json!(IngestRequest { updates }).to_string();
        Self {
            times: body.match_indices(NO_TIME).map(|(at, _)| at).collect(),
            body: body.into_bytes(),
        }
    }

    /// Returns the body with this time in every update.
    fn body_at(&self, observed_at: DateTime<Utc>) -> Bytes {
        let time = observed_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut body = self.body.clone();
        for at in &self.times {
            body[*at..at + NO_TIME.len()].copy_from_slice(time.as_bytes());
        }
        body.into()
    }
}

/// A workspace, and the bodies of the requests that are sent for it.
pub(crate) struct BenchWorkspace {
    pub(crate) id: String,
    /// The workspace's id in the bare tables.
    pub(crate) key: Uuid,
    /// The device ids, in order.
    pub(crate) devices: Vec<String>,
    /// The ten signals of each device, as JSON.
    pub(crate) signals: Vec<String>,
    batch: BodyTemplate,
    /// For each device, a body with one update.
    singles: Vec<BodyTemplate>,
    /// When the last whole batch was observed, in microseconds since 1970.
    last_batch: AtomicI64,
}

impl BenchFleet {
    /// Returns so many workspaces of [`BATCH`] devices each.
    pub(crate) fn new(workspaces: usize) -> Self {
        let workspace = |at| BenchWorkspace::new(&format!("bench-{at:04}"), at, BATCH);
        Self::of_workspaces((0..workspaces).map(workspace).collect())
    }

    /// Returns a fleet of these workspaces.
    pub(crate) fn of_workspaces(workspaces: Vec<BenchWorkspace>) -> Self {
        Self {
            workspaces: Arc::new(workspaces),
            is_shared: false,
        }
    }

    /// Returns the same fleet, but with all clients sending for its first workspace.
    pub(crate) fn shared(&self) -> Self {
        Self {
            is_shared: true,
            ..self.clone()
        }
    }

    /// Returns the workspaces that client `number` of `count` clients sends for.
    pub(crate) fn workspaces_of_client(&self, number: usize, count: usize) -> Vec<&BenchWorkspace> {
        if self.is_shared {
            return self.workspaces.iter().take(1).collect();
        }
        self.workspaces.iter().skip(number).step_by(count).collect()
    }

    /// Returns the number of devices in all workspaces.
    pub(crate) fn device_count(&self) -> usize {
        self.workspaces.len() * BATCH
    }
}

impl BenchWorkspace {
    pub(crate) fn new(id: &str, number: usize, devices: usize) -> Self {
        let names: Vec<String> = (0..devices).map(|at| format!("device-{at:04}")).collect();
        let signals: Vec<Value> = (0..devices).map(|at| make_signals(number + at)).collect();
        let single = |at| BodyTemplate::new(&names[at..=at], &signals[at..=at]);
        Self {
            id: id.to_owned(),
            key: Uuid::from_u128(number as u128 + 1),
            batch: BodyTemplate::new(&names, &signals),
            singles: (0..devices).map(single).collect(),
            signals: signals.iter().map(Value::to_string).collect(),
            devices: names,
            last_batch: AtomicI64::new(0),
        }
    }

    /// Returns the body of a batch whose updates were all observed at this time.
    pub(crate) fn batch(&self, observed_at: DateTime<Utc>) -> Bytes {
        self.last_batch
            .store(observed_at.timestamp_micros(), Ordering::Relaxed);
        self.batch.body_at(observed_at)
    }

    /// Returns the body of the last batch once more.
    pub(crate) fn last_batch(&self) -> Bytes {
        let last = self.last_batch.load(Ordering::Relaxed);
        self.batch(DateTime::from_timestamp_micros(last).unwrap_or_default())
    }

    /// Returns the body of one device's update that was observed at this time.
    pub(crate) fn single(&self, device: usize, observed_at: DateTime<Utc>) -> Bytes {
        self.singles[device].body_at(observed_at)
    }

    /// Returns the path of the workspace in the API.
    pub(crate) fn path(&self) -> String {
        format!("/api/telematics-mvp/workspaces/{}", self.id)
    }

    /// Registers the workspace with its connection and devices. Each hundred devices have an administrator of
    /// their own, because the service limits the requests of one person.
    ///
    /// # Errors
    /// If the service refuses a request.
    pub(crate) async fn register(&self, service: &Service) -> anyhow::Result<()> {
        let cutover = json!({
            "device_registry_source": "core", "poll_owner": "core", "read_owner": "core", "provider_mode": "mixed",
        });
        let workspace = json!({"name": self.id, "active": true, "cutover": cutover});
        let mut admin = service.as_admin_named(&self.id).await?;
        admin.put(&self.path(), workspace.to_string()).await?;
        let connection = json!({"provider_type": "depot_sim", "base_url": "http://127.0.0.1:9"});
        let path = format!("{}/provider-connections/{PROVIDER}", self.path());
        admin.put(&path, connection.to_string()).await?;
        for (number, devices) in self.devices.chunks(100).enumerate() {
            let name = format!("{}-{number}", self.id);
            let mut admin = service.as_admin_named(&name).await?;
            for device in devices {
                let path = format!("{}/devices/{device}", self.path());
                let spec =
                    json!({"vehicle_id": device, "provider_id": PROVIDER, "external_id": device});
                admin.put(&path, spec.to_string()).await?;
            }
        }
        Ok(())
    }
}

/// Registers the fleet, as many workspaces at once as there are clients.
///
/// # Errors
/// If the service refuses a request.
pub(crate) async fn register(
    service: &Service,
    fleet: &BenchFleet,
    clients: usize,
) -> anyhow::Result<()> {
    let registering = (0..clients).map(|client| async move {
        for workspace in fleet.workspaces.iter().skip(client).step_by(clients) {
            workspace.register(service).await?;
        }
        anyhow::Ok(())
    });
    futures::future::try_join_all(registering).await?;
    Ok(())
}

/// Makes ten signals of the catalogue with plausible values.
fn make_signals(number: usize) -> Value {
    json!({
        "state_of_charge_percent": 20 + number % 80,
        "energy_used_kwh": 10_000 + number,
        "battery_power_kw": -42.7,
        "charging_state": "charging",
        "plugged_in": false,
        "range_km": 100 + number % 300,
        "odometer_km": 100_000 + number,
        "speed_kmh": number % 90,
        "heading_deg": number % 360,
        "ignition_on": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_json_with_its_time_in_every_update() {
        let workspace = BenchWorkspace::new("w", 0, 3);
        let then = DateTime::UNIX_EPOCH;
        let batch: serde_json::Value =
            serde_json::from_slice(&workspace.batch(then)).expect("it is JSON");
        let updates = batch["updates"].as_array().expect("a list");
        assert_eq!(updates.len(), 3);
        for update in updates {
            assert_eq!(update["observed_at"], "1970-01-01T00:00:00.000000Z");
            assert_eq!(
                update["signals"].as_object().map(serde_json::Map::len),
                Some(10)
            );
        }
        let last: serde_json::Value =
            serde_json::from_slice(&workspace.last_batch()).expect("JSON");
        assert_eq!(last, batch, "the last batch once more");
        let single: serde_json::Value =
            serde_json::from_slice(&workspace.single(2, then)).expect("it is JSON");
        assert_eq!(
            single["updates"].as_array(),
            Some(&vec![updates[2].clone()])
        );
        let length = workspace.signals[0].len();
        assert!((195..=230).contains(&length), "{length}");
    }
}
