//! What handlers are given.

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

/// What a handler asks for: every layer and handler of a request holds it, so it is one pointer.
pub(crate) type SharedState = State<Arc<AppState>>;

/// Everything an instance answers from.
#[derive(Clone)]
pub struct AppState {
    /// The use cases' context.
    pub core: Core,
    /// The pushes that are under way.
    pub pushes: PushQueue,
    /// Who decides whether a token is good.
    pub verifier: Verifier,
    /// How often each caller may ask.
    pub rates: RateLimits,
    /// How long a request may take to arrive and to be answered.
    pub http: HttpLimits,
    /// Whether answers tell browsers to come by https only, as in production.
    pub strict_transport: bool,
    /// The worker to wake when a cycle was recorded, where this instance runs one.
    pub worker: Option<Worker>,
    /// The applier to wake when a schedule may have changed, where this instance is told of a scheduler.
    pub applier: Option<Applier>,
    /// The sweeper to wake when a sweep was asked for, where this instance runs any.
    pub sweeper: Option<Sweeper>,
    /// Which addresses connections may name.
    pub addresses: AddressPolicy,
    /// The local token issuer, in `dev` only: its presence opens `/dev/*`.
    pub dev_issuer: Option<Arc<DevIssuer>>,
    /// The tasks that go on to their end when their caller disconnects. They are awaited at shutdown.
    pub tasks: TaskTracker,
    /// Gates of pages, by name.
    pub features: Features,
}

/// Feature flags that the user interface asks for; they gate pages, never an API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Features {
    /// `workspace-telematics-mvp-settings`.
    pub workspace_settings: bool,
}

impl AppState {
    /// Whether this is a demonstration, where one may ask for more than in production.
    pub(crate) fn is_dev(&self) -> bool {
        self.dev_issuer.is_some()
    }

    /// Hints the worker that something may be due.
    pub(crate) fn wake_worker(&self) {
        if let Some(worker) = &self.worker {
            worker.wake();
        }
    }

    /// Hints the applier that a schedule may be out of line.
    pub(crate) fn wake_applier(&self) {
        if let Some(applier) = &self.applier {
            applier.wake();
        }
    }

    /// Hints the sweeper that a sweep was asked for.
    pub(crate) fn wake_sweeper(&self) {
        if let Some(sweeper) = &self.sweeper {
            sweeper.wake();
        }
    }
}
