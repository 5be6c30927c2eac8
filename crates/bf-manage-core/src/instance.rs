//! One running instance: what `serve` and `dev` have in common.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::access::RateLimits;
use api::{AppState, Features};
use application::commands::Pushes;
use application::polling::{Worker, WorkerSettings};
use application::schedules::Applier;
use application::sweeps::{Outside, Sweeper};
use application::{Core, Rules, maintain};
use auth::{DevIssuer, Verifier};
use clock::Clock;
use domain::ids::IdSource;
use persistence::Store;
use providers::{AddressPolicy, Credentials, PollLimits, Providers};
use scheduling::Scheduler;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Profile, Settings};
use crate::metrics::Metrics;

/// How long answers in progress are waited for at shutdown.
const GRACE: Duration = Duration::from_secs(8);

/// The parts of an instance, wired.
pub struct Instance {
    pub core: Core,
    state: AppState,
    worker: Worker,
    metrics: Option<Metrics>,
    applier: Option<Applier>,
    sweeper: Sweeper,
}

impl Instance {
    /// Wires an instance; nothing runs yet. `scheduler` is what it tells of schedules, if anything.
    ///
    /// # Errors
    /// When a part cannot be set up.
    pub fn try_new(
        settings: &Settings,
        store: Store,
        clock: Clock,
        verifier: Verifier,
        dev_issuer: Option<Arc<DevIssuer>>,
        metrics: Option<Metrics>,
        scheduler: Option<Arc<dyn Scheduler>>,
    ) -> anyhow::Result<Self> {
        let core = core(settings, store, clock);
        let addresses = AddressPolicy {
            allowed_hosts: settings.provider_allowed_hosts.clone(),
            loopback_http: settings.profile == Profile::Dev,
        };
        let credentials = Credentials {
            folder: settings.provider_credentials_dir.clone(),
        };
        let limits = PollLimits {
            deadline: settings.provider_deadline(),
            account_rate: settings.provider_account_rate(),
            ..PollLimits::default()
        };
        let providers = Providers::try_new(addresses.clone(), credentials, limits)
            .context("no HTTP client for providers")?;
        let worker_settings = WorkerSettings {
            concurrency: settings.poll_concurrency,
            lease: settings.lease(),
            measure_ages: metrics.is_some(),
            ..WorkerSettings::default()
        };
        let worker = Worker::new(core.clone(), providers, worker_settings);
        let applier = scheduler
            .clone()
            .map(|scheduler| Applier::new(core.clone(), scheduler));
        let sweeper = Sweeper::new(core.clone(), Outside::new(scheduler));
        let state = AppState {
            core: core.clone(),
            pushes: Pushes::default(),
            verifier,
            rates: RateLimits::new(
                settings.rate_of_people(),
                settings.rate_of_machines(),
                &core.clock,
            ),
            http: settings.http(),
            strict_transport: settings.profile == Profile::Production,
            worker: Some(worker.clone()),
            applier: applier.clone(),
            sweeper: Some(sweeper.clone()),
            addresses,
            dev_issuer,
            features: Features {
                workspace_settings: settings.feature_workspace_settings,
            },
        };
        Ok(Self {
            core,
            state,
            worker,
            metrics,
            applier,
            sweeper,
        })
    }

    /// Serves until `shutdown`, then drains: answers in progress finish, running cycles finish or are
    /// given back.
    pub async fn run(self, listener: TcpListener, shutdown: CancellationToken) {
        let background = TaskTracker::new();
        let verifier = self.state.verifier.clone();
        background.spawn(async move { verifier.warm_up().await });
        background.spawn(self.worker.run(shutdown.clone()));
        if let Some(applier) = self.applier {
            background.spawn(applier.run(shutdown.clone()));
        }
        background.spawn(self.sweeper.run(shutdown.clone()));
        background.spawn(maintain(self.core.clone(), shutdown.clone()));
        if let Some(metrics) = self.metrics {
            background.spawn(metrics.serve(self.core.store.clone(), shutdown.clone()));
        }
        background.close();
        let limits = self.state.http;
        api::serve(listener, api::router(self.state), limits, shutdown, GRACE).await;
        background.wait().await;
        self.core.store.close().await;
    }
}

/// The use cases' surroundings, by the settings.
pub fn core(settings: &Settings, store: Store, clock: Clock) -> Core {
    Core {
        store,
        clock,
        ids: Arc::new(IdSource::new()),
        rules: Rules {
            future_tolerance: settings.future_tolerance(),
            trigger_precision: settings.trigger_precision(),
            breaker: settings.breaker(),
            event_retention: settings.event_retention(),
            envelope_retention: settings.envelope_retention(),
        },
    }
}

/// Cancels when the process is asked to stop, by Ctrl-C or SIGTERM.
pub fn shutdown_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let shutdown = CancellationToken::new();
    let asked = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        asked.cancel();
    });
    Ok(shutdown)
}
