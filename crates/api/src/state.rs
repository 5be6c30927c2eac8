//! The state that all handlers share.

use std::sync::Arc;

use application::Core;
use application::commands::PushQueue;
use application::polling::Worker;
use application::schedules::Applier;
use application::sweeps::Sweeper;
use auth::{DevIssuer, Verifier};
use axum::extract::State;
use providers::AddressPolicy;
use tokio_util::task::TaskTracker;

use crate::access::RateLimits;
use crate::server::HttpLimits;

/// The extractor of the shared state. Every layer and handler of a request clones it, so it is one pointer.
pub(crate) type SharedState = State<Arc<AppState>>;

/// The services and settings of an instance that handlers use.
#[derive(Clone)]
pub struct AppState {
    /// The context of all use cases.
    pub core: Core,
    /// The queue of pushes that are being accepted.
    pub pushes: PushQueue,
    /// The verifier of access tokens.
    pub verifier: Verifier,
    /// The number of requests that each caller may send.
    pub rates: RateLimits,
    /// How long a request may take to arrive and to be answered.
    pub http: HttpLimits,
    /// Whether answers carry `Strict-Transport-Security`, as in production.
    pub strict_transport: bool,
    /// The worker to wake when a cycle was queued; `None` if this instance runs no worker.
    pub worker: Option<Worker>,
    /// The applier to wake when a schedule may have changed; `None` if no scheduler is configured.
    pub applier: Option<Applier>,
    /// The sweeper to wake when a sweep was requested; `None` if this instance runs no sweeps.
    pub sweeper: Option<Sweeper>,
    /// The rule for the addresses that provider connections may have.
    pub addresses: AddressPolicy,
    /// The local token issuer, in `dev` only: its presence opens `/dev/*`.
    pub dev_issuer: Option<Arc<DevIssuer>>,
    /// The tasks that go on to their end when their caller disconnects. They are awaited at shutdown.
    pub tasks: TaskTracker,
    /// The feature flags of pages.
    pub features: Features,
}

/// The feature flags that the user interface reads. They hide pages, and never restrict an endpoint.
#[derive(Clone, Copy, Debug, Default)]
pub struct Features {
    /// The flag `workspace-telematics-mvp-settings`: whether the settings page is shown.
    pub workspace_settings: bool,
}

impl AppState {
    /// Returns whether the instance runs in `dev`, where some requests are allowed that production refuses.
    pub(crate) fn is_dev(&self) -> bool {
        self.dev_issuer.is_some()
    }

    /// Wakes the worker, because a cycle may be due.
    pub(crate) fn wake_worker(&self) {
        if let Some(worker) = &self.worker {
            worker.wake();
        }
    }

    /// Wakes the applier, because a schedule may differ from the scheduler.
    pub(crate) fn wake_applier(&self) {
        if let Some(applier) = &self.applier {
            applier.wake();
        }
    }

    /// Wakes the sweeper, because a sweep was requested.
    pub(crate) fn wake_sweeper(&self) {
        if let Some(sweeper) = &self.sweeper {
            sweeper.wake();
        }
    }
}
