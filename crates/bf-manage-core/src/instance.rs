//! A running instance, which `serve` and `dev` have in common.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use api::access::RateLimits;
use api::{AppState, Features};
use application::commands::PushQueue;
use application::polling::{SharedSessions, Worker, WorkerSettings};
use application::schedules::Applier;
use application::sweeps::{ExternalSystems, Sweeper};
use application::{Core, Rules, maintain};
use auth::{DevIssuer, Verifier};
use clock::Clock;
use domain::fleet::CredentialRef;
use domain::ids::IdSource;
use persistence::Store;
use providers::{
    AddressPolicy, CredentialKind, Credentials, PollLimits, ProviderRegistry, Providers,
    SessionKey, Sessions,
};
use scheduling::Scheduler;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Profile, Settings, process_environment};
use crate::metrics::Metrics;

/// The longest wait for answers in progress at shutdown.
const GRACE: Duration = Duration::from_secs(8);
/// The further wait for requests whose callers have disconnected. Their work is done in any case, or done again.
const DISCONNECTED_GRACE: Duration = Duration::from_secs(2);

/// The parts of an instance, connected with each other.
pub struct Instance {
    pub core: Core,
    state: AppState,
    worker: Worker,
    metrics: Option<Metrics>,
    applier: Option<Applier>,
    sweeper: Sweeper,
}

impl Instance {
    /// Connects the parts of an instance. Nothing runs yet. `scheduler` is the scheduler that the instance keeps up
    /// to date, if there is one.
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
            allowed_hosts: settings.provider_allowed_hosts.0.clone(),
            loopback_http: settings.profile == Profile::Dev,
        };
        let credentials = Credentials {
            folder: settings.provider_credentials_dir.clone(),
            environment: process_environment(),
        };
        let sessions = provider_sessions(settings, &core, &credentials)?;
        let limits = PollLimits {
            deadline: settings.provider_deadline(),
            account_rate: settings.provider_account_rate(),
            ..PollLimits::default()
        };
        let providers = Providers::try_new(
            core.provider_registry.clone(),
            addresses.clone(),
            credentials,
            sessions,
            limits,
        )
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
        let sweeper = Sweeper::new(core.clone(), ExternalSystems::new(scheduler));
        let state = AppState {
            core: core.clone(),
            pushes: PushQueue::default(),
            verifier,
            rates: RateLimits::new(settings.person_rate(), settings.machine_rate(), &core.clock),
            http: settings.http_limits(),
            strict_transport: settings.profile == Profile::Production,
            worker: Some(worker.clone()),
            applier: applier.clone(),
            sweeper: Some(sweeper.clone()),
            addresses,
            dev_issuer,
            tasks: TaskTracker::new(),
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

    /// Serves until `shutdown`. Then drains: answers in progress finish, and running cycles finish or are released.
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
        let (limits, requests) = (self.state.http, self.state.tasks.clone());
        api::serve(listener, api::router(self.state), limits, shutdown, GRACE).await;
        requests.close();
        if tokio::time::timeout(DISCONNECTED_GRACE, requests.wait())
            .await
            .is_err()
        {
            tracing::warn!("requests of disconnected callers did not end in time");
        }
        background.wait().await;
        self.core.store.close().await;
    }
}

/// Makes the core of the use cases from the settings.
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
            cycle_retention: settings.cycle_retention(),
            envelope_retention: settings.envelope_retention(),
        },
        provider_registry: ProviderRegistry::default(),
    }
}

/// Login sessions at providers: shared by all instances where there is a key to seal them with.
fn provider_sessions(
    settings: &Settings,
    core: &Core,
    credentials: &Credentials,
) -> anyhow::Result<Sessions> {
    let clock = core.clock.clone();
    let Some(reference) = &settings.provider_session_key_ref else {
        tracing::info!(
            "PROVIDER_SESSION_KEY_REF is not set: login sessions at providers stay in the memory of this instance"
        );
        return Ok(Sessions::in_memory(clock));
    };
    let invalid = || format!("PROVIDER_SESSION_KEY_REF is {reference}");
    let reference = CredentialRef::try_new(reference).with_context(invalid)?;
    let key = credentials
        .resolve(&reference, CredentialKind::Key)
        .and_then(|credential| Ok(credential.key()?.clone()))
        .map_err(|error| anyhow!(error.detail))
        .with_context(invalid)?;
    let key = SessionKey::try_new(&key).with_context(invalid)?;
    let store = SharedSessions::new(core.store.clone(), clock.clone());
    Ok(Sessions::shared(clock, Arc::new(store), key))
}

/// Returns a token that is cancelled when the process is asked to stop, by Ctrl-C or SIGTERM.
///
/// # Errors
/// When the signals cannot be received.
pub fn shutdown_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let shutdown = CancellationToken::new();
    let asked = shutdown.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "the task waits for a signal as long as the process runs, so nobody waits for the task"
    )]
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        asked.cancel();
    });
    Ok(shutdown)
}
