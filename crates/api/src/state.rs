//! What handlers are given.

use std::sync::Arc;

use application::Core;
use application::polling::Worker;
use auth::{DevIssuer, Verifier};
use providers::AddressPolicy;

use crate::access::RateLimits;
use crate::server::HttpLimits;

/// Everything an instance answers from. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The use cases' context.
    pub core: Core,
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
    /// Which addresses connections may name.
    pub addresses: AddressPolicy,
    /// The local token issuer, in `dev` only: its presence opens `/dev/*`.
    pub dev_issuer: Option<Arc<DevIssuer>>,
    /// Gates of pages, by name.
    pub features: Features,
    /// Whether the scheduler reads schedules where they are kept, so that each counts as it is changed.
    pub schedules_applied: bool,
}

/// Feature flags that the user interface asks for; they gate pages, never an API.
#[derive(Clone, Copy, Debug, Default)]
pub struct Features {
    /// `workspace-telematics-mvp-settings`.
    pub workspace_settings: bool,
}

impl AppState {
    /// Hints the worker that something may be due.
    pub(crate) fn wake_worker(&self) {
        if let Some(worker) = &self.worker {
            worker.wake();
        }
    }
}
