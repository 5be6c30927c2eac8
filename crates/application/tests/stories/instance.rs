//! An instance at work: its worker takes cycles and polls a [`Provider`].

use std::time::Duration;

use application::Core;
use application::polling::{Worker, WorkerSettings};
use bf_depot_sim::{Account, Fault};
use domain::ids::CycleId;
use providers::Providers;
use testkit::{Fixture, Fleet, a_device, a_workspace, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::provider::Provider;

/// A worker that runs until it is stopped.
pub struct Instance {
    pub worker: Worker,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Instance {
    pub fn start(core: &Core, clients: Providers) -> Self {
        Self::start_with(core, clients, WorkerSettings::default())
    }

    pub fn start_with(core: &Core, clients: Providers, settings: WorkerSettings) -> Self {
        let worker = Worker::new(core.clone(), clients, settings);
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(worker.clone().run(shutdown.clone()));
        Self {
            worker,
            shutdown,
            running,
        }
    }

    /// Triggers a cycle, and hints that there is one.
    pub async fn poll(&self, depot: &Fleet) -> CycleId {
        let cycle_id = depot.trigger(None).await.cycle_id;
        self.worker.wake();
        cycle_id
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("the worker ends");
    }
}

/// Waits until a cycle ends; returns its status.
pub async fn end_of(depot: &Fleet, cycle_id: CycleId) -> String {
    eventually("the cycle ends", async || {
        let cycle = depot.cycle(cycle_id).await;
        cycle.ended_at.map(|_| cycle.status)
    })
    .await
}

/// A workspace `north` whose one device, `bus-1`, is polled at an account `slow` that never answers.
pub struct HangingDepot {
    pub fixture: Fixture,
    pub provider: Provider,
    pub fleet: Fleet,
}

impl HangingDepot {
    pub async fn create() -> Self {
        let fixture = Fixture::create().await;
        let hanging = Account::fleet("slow", 1).with_fault(Fault::Hang);
        let well = Account::fleet("well", 1);
        let provider = Provider::serve(&fixture.clock, [hanging, well]).await;
        let fleet = a_workspace("north")
            .through(provider.connection("sim-main", "slow"))
            .with(a_device("bus-1").called("vehicle-001"))
            .create(&fixture)
            .await;
        Self {
            fixture,
            provider,
            fleet,
        }
    }

    /// Clients that give a provider up after this time.
    pub fn clients_that_wait_for(&self, deadline: Duration) -> Providers {
        self.provider.clients_with_deadline(deadline)
    }

    /// Starts a cycle, and waits until the provider has been asked.
    pub async fn poll(&self, instance: &Instance) -> CycleId {
        let cycle_id = instance.poll(&self.fleet).await;
        eventually("the provider is asked", async || {
            self.provider.in_flight("slow") == 1
        })
        .await;
        cycle_id
    }
}
