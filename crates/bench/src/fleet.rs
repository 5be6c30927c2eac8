//! The fleet: workspaces of a hundred devices, and the batches that they send.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use contract::ingest::{IngestRequest, IngestUpdate};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::service::Service;

/// Updates of a batch: one of each of a workspace's devices.
pub(crate) const BATCH: usize = 100;

const PROVIDER: &str = "bench";

/// Stands for a time in a template; as long as every time that is put in its place.
const NO_TIME: &str = "0000-00-00T00:00:00.000000Z";

/// All workspaces.
#[derive(Clone)]
pub(crate) struct Fleet {
    pub(crate) workspaces: Arc<Vec<BenchWorkspace>>,
    /// Whether all clients send for the first workspace, in place of each for its own.
    is_shared: bool,
}

/// The body of a request whose updates were all observed at the same time, which is put in when it is sent.
struct BodyTemplate {
    body: Vec<u8>,
    /// Where in the body the times are.
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

    /// Fills the time in.
    fn body_at(&self, observed_at: DateTime<Utc>) -> Bytes {
        let time = observed_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let mut body = self.body.clone();
        for at in &self.times {
            body[*at..at + NO_TIME.len()].copy_from_slice(time.as_bytes());
        }
        body.into()
    }
}

/// A workspace, and what it sends.
pub(crate) struct BenchWorkspace {
    pub(crate) id: String,
    /// What the bare tables know it by.
    pub(crate) key: Uuid,
    /// In order of id.
    pub(crate) devices: Vec<String>,
    /// Each device's ten signals, as JSON.
    pub(crate) signals: Vec<String>,
    batch: BodyTemplate,
    /// A body with one update for each device.
    singles: Vec<BodyTemplate>,
    /// When the last whole batch was observed, in microseconds since 1970.
    last_batch: AtomicI64,
}

impl Fleet {
    pub(crate) fn new(workspaces: usize) -> Self {
        let workspace = |at| BenchWorkspace::new(&format!("bench-{at:04}"), at, BATCH);
        Self::of((0..workspaces).map(workspace).collect())
    }

    pub(crate) fn of(workspaces: Vec<BenchWorkspace>) -> Self {
        Self {
            workspaces: Arc::new(workspaces),
            is_shared: false,
        }
    }

    /// The same, but that all clients send for its first workspace.
    pub(crate) fn shared(&self) -> Self {
        Self {
            is_shared: true,
            ..self.clone()
        }
    }

    /// Those that a client of so many sends for.
    pub(crate) fn of_client(&self, number: usize, count: usize) -> Vec<&BenchWorkspace> {
        if self.is_shared {
            return self.workspaces.iter().take(1).collect();
        }
        self.workspaces.iter().skip(number).step_by(count).collect()
    }

    pub(crate) fn devices(&self) -> usize {
        self.workspaces.len() * BATCH
    }
}

impl BenchWorkspace {
    pub(crate) fn new(id: &str, number: usize, devices: usize) -> Self {
        let names: Vec<String> = (0..devices).map(|at| format!("device-{at:04}")).collect();
        let signals: Vec<Value> = (0..devices).map(|at| signals(number + at)).collect();
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

    /// The body of a batch that was observed then.
    pub(crate) fn batch(&self, observed_at: DateTime<Utc>) -> Bytes {
        self.last_batch
            .store(observed_at.timestamp_micros(), Ordering::Relaxed);
        self.batch.body_at(observed_at)
    }

    /// The body of the last batch once more.
    pub(crate) fn last_batch(&self) -> Bytes {
        let last = self.last_batch.load(Ordering::Relaxed);
        self.batch(DateTime::from_timestamp_micros(last).unwrap_or_default())
    }

    /// The body of one device's update that was observed then.
    pub(crate) fn single(&self, device: usize, observed_at: DateTime<Utc>) -> Bytes {
        self.singles[device].body_at(observed_at)
    }

    pub(crate) fn path(&self) -> String {
        format!("/api/telematics-mvp/workspaces/{}", self.id)
    }

    /// Registers it with its connection and devices, each hundred by an administrator of its own: one
    /// person may not ask without limit.
    ///
    /// # Errors
    /// When the service refuses.
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

/// Registers the fleet, whole workspaces side by side.
///
/// # Errors
/// When the service refuses.
pub(crate) async fn register(
    service: &Service,
    fleet: &Fleet,
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

/// Returns ten signals of the catalogue with plausible values.
fn signals(number: usize) -> Value {
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
