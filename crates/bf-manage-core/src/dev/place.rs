//! The place of one run of `dev`: its directory, its listeners, its database and its token issuer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context;
use auth::{DEV_CLIENT_ID, DevIssuer, Verifier, VerifierSettings};
use chrono::{DateTime, Utc};
use clock::Clock;
use persistence::Store;
use scheduling::{Disturbances, InProcessScheduler, InProcessSchedules};
use tokio::net::TcpListener;

use super::data_dir::DataDir;
use super::database::Database;
use super::triggers::DevTokens;
use super::{Flags, ISSUER};
use crate::config::Settings;
use crate::instance::Instance;
use crate::metrics::Metrics;
use crate::serve::{open_at, prepare};

/// Everything that is there before the parts of the product start.
pub struct Place {
    pub settings: Settings,
    pub data_dir: DataDir,
    pub addresses: Addresses,
    pub database: Database,
    pub issuer: Arc<DevIssuer>,
    pub clock: Clock,
    pub started_at: DateTime<Utc>,
    disturbances: Disturbances,
}

/// The addresses at which this machine reaches the parts of the product.
pub struct Addresses {
    pub api: SocketAddr,
    pub metrics: Option<SocketAddr>,
    pub simulator: SocketAddr,
}

/// The listeners of `dev`. All are bound before anything else starts, so that a busy port is the first error.
pub struct Listeners {
    pub api: TcpListener,
    pub metrics: Option<Metrics>,
    pub simulator: TcpListener,
}

impl Place {
    /// Opens the data directory, binds the listeners, and starts the database.
    ///
    /// # Errors
    /// When the directory is in use, a port is busy, or the database does not start.
    pub async fn open(mut settings: Settings, flags: &Flags) -> anyhow::Result<(Self, Listeners)> {
        let disturbances = flags.disturbances.disturbances();
        // Cycles are due later if triggers are late, so that they are periodic again.
        settings.trigger_precision_seconds = settings
            .trigger_precision_seconds
            .max(disturbances.spread_seconds);
        let data_dir = DataDir::open(flags.data_dir.clone())?;
        settings.provider_credentials_dir = Some(data_dir.credentials());
        let listeners = Listeners::bind(&settings, flags).await?;
        let database = Database::start(settings.database_url.clone(), &data_dir).await?;
        let clock = Clock::system();
        let place = Self {
            addresses: listeners.addresses()?,
            issuer: Arc::new(DevIssuer::load_or_create(data_dir.path(), ISSUER)?),
            started_at: clock.now(),
            settings,
            data_dir,
            database,
            clock,
            disturbances,
        };
        Ok((place, listeners))
    }

    /// Makes the instance of the service, on a database whose schema is up to date.
    pub async fn make_instance(
        &self,
        schedules: &InProcessSchedules,
        metrics: Option<Metrics>,
    ) -> anyhow::Result<Instance> {
        let store: Store = open_at(&self.database.url, &self.settings)?;
        prepare(&store, &self.clock).await?;
        Instance::try_new(
            &self.settings,
            store,
            self.clock.clone(),
            self.make_verifier()?,
            Some(Arc::clone(&self.issuer)),
            metrics,
            Some(Arc::new(schedules.clone())),
        )
    }

    /// Makes the verifier of the tokens that the local issuer mints.
    fn make_verifier(&self) -> anyhow::Result<Verifier> {
        let jwks_url = format!("http://{}/dev/jwks.json", self.addresses.api);
        let settings = VerifierSettings::try_new(ISSUER, &jwks_url, [DEV_CLIENT_ID], None)?;
        Ok(Verifier::try_new(settings, self.clock.clone())?)
    }

    /// Makes the scheduler that takes EventBridge's place: it sends triggers to the API.
    pub fn make_scheduler(
        &self,
        schedules: InProcessSchedules,
    ) -> anyhow::Result<InProcessScheduler<InProcessSchedules, DevTokens>> {
        let endpoint = format!(
            "http://{}/api/telematics-mvp/poll-cycles",
            self.addresses.api
        );
        let tokens = DevTokens {
            issuer: Arc::clone(&self.issuer),
            clock: self.clock.clone(),
        };
        Ok(InProcessScheduler::try_new(
            self.clock.clone(),
            endpoint.parse()?,
            schedules,
            tokens,
            self.disturbances,
        )?)
    }

    /// The base URL of the simulator.
    pub fn sim_url(&self) -> String {
        format!("http://{}", self.addresses.simulator)
    }
}

impl Listeners {
    async fn bind(settings: &Settings, flags: &Flags) -> anyhow::Result<Self> {
        let listen = flags.listen.as_ref().unwrap_or(&settings.listen);
        Ok(Self {
            api: TcpListener::bind(listen)
                .await
                .with_context(|| format!("cannot listen on {listen}"))?,
            metrics: Metrics::bind(&settings.metrics_listen).await?,
            simulator: TcpListener::bind("127.0.0.1:0")
                .await
                .context("no free port for the simulator")?,
        })
    }

    fn addresses(&self) -> anyhow::Result<Addresses> {
        let metrics = self.metrics.as_ref().map(Metrics::address).transpose()?;
        Ok(Addresses {
            api: reachable(self.api.local_addr()?),
            metrics: metrics.map(reachable),
            simulator: self.simulator.local_addr()?,
        })
    }
}

/// Returns the address at which this machine reaches a listener. A listener on every address is reached on
/// loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
