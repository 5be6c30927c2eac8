//! `bf-manage-core dev`: the whole product on one machine, nothing to install or configure first.

mod banner;
mod data_dir;
mod database;
mod demo;
mod disturbances;
mod triggers;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use application::sweeps::reconcile_schedules;
use auth::{DEV_CLIENT_ID, DevIssuer, Verifier, VerifierSettings};
use bf_depot_sim::{Recording, Simulator, SimulatorSettings, Speed};
use clock::Clock;
use scheduling::{InProcessScheduler, InProcessSchedules};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::config::Settings;
use crate::instance::{Instance, shutdown_signal};
use crate::metrics::Metrics;
use crate::serve::open_at;

/// The issuer that development tokens name.
const ISSUER: &str = "http://bf-dev-issuer.localhost";

/// Flags of `dev`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Where to serve the API; 127.0.0.1:8080 unless the setting `listen` says otherwise.
    #[arg(long)]
    listen: Option<String>,
    /// Where the database and the token issuer's key are kept.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Virtual seconds a second, for the simulated vehicles and for --replay.
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// Adds workspace demo-replay, whose device replay-1 replays this CSV file: a column `time`
    /// (milliseconds since the epoch) and any of energy, gps ("lat|lon"), odo, speed, soc.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[command(flatten)]
    disturbances: disturbances::DisturbanceFlags,
}

/// Runs until Ctrl-C or SIGTERM; then everything stops, the database included.
///
/// # Errors
/// One clear line: a busy port, a data directory in use, a recording that cannot be read, a missing
/// or broken database.
pub async fn dev(mut settings: Settings, flags: Flags) -> anyhow::Result<()> {
    let recording = match &flags.replay {
        Some(file) => Some(Recording::load(file).with_context(|| format!("{}", file.display()))?),
        None => None,
    };
    let disturbances = flags.disturbances.disturbances();
    // What waits out the imprecision makes the cycles periodic again.
    settings.trigger_precision_seconds = settings
        .trigger_precision_seconds
        .max(disturbances.spread_seconds);
    let data_dir = data_dir::DataDir::open(flags.data_dir)?;
    let listen = flags.listen.as_ref().unwrap_or(&settings.listen);
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}"))?;
    let address = reachable(listener.local_addr()?);
    let metrics = Metrics::keep(&settings.metrics_listen).await?;
    let metrics_address = metrics.as_ref().map(Metrics::address).transpose()?;
    let shutdown = shutdown_signal()?;
    let clock = Clock::system();

    let database = database::Database::start(settings.database_url.clone(), &data_dir).await?;
    let store = open_at(&database.url, &settings)?;
    store.migrate().await.context("the database is not ready")?;
    store.ensure_partitions(clock.now()).await?;

    let sim_listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("no free port for the simulator")?;
    let sim_url = format!("http://{}", sim_listener.local_addr()?);
    let started_at = clock.now();
    let simulator = Simulator::new(
        demo::scenario(recording, started_at),
        SimulatorSettings {
            seed: 1,
            speed: flags.speed,
            clock: clock.clone(),
        },
    );

    let issuer = Arc::new(DevIssuer::load_or_create(data_dir.path(), ISSUER)?);
    let jwks_url = format!("http://{address}/dev/jwks.json");
    let verifier = Verifier::try_new(
        VerifierSettings::try_new(ISSUER, &jwks_url, [DEV_CLIENT_ID], None)?,
        clock.clone(),
    )?;
    settings.provider_credentials_dir = Some(data_dir.credentials());
    let fired_here = InProcessSchedules::default();
    let instance = Instance::try_new(
        &settings,
        store,
        clock.clone(),
        verifier,
        Some(Arc::clone(&issuer)),
        metrics,
        Some(Arc::new(fired_here.clone())),
    )?;
    demo::register(
        &instance.core,
        &simulator,
        &data_dir,
        &sim_url,
        started_at,
        flags.replay.is_some(),
    )
    .await?;

    let endpoint = format!("http://{address}/api/telematics-mvp/poll-cycles").parse()?;
    // The schedules of an earlier start went with its process.
    reconcile_schedules(&instance.core, &fired_here).await;
    let tokens = triggers::DevTokens {
        issuer: Arc::clone(&issuer),
        clock: clock.clone(),
    };
    let scheduler =
        InProcessScheduler::try_new(clock.clone(), endpoint, fired_here, tokens, disturbances)?;

    let background = TaskTracker::new();
    let sim_shutdown = shutdown.clone();
    background.spawn(async move { simulator.serve(sim_listener, sim_shutdown).await });
    background.spawn(scheduler.run(shutdown.clone()));
    background.close();

    banner::print(&banner::Facts {
        address,
        metrics: metrics_address.map(reachable),
        sim_url: &sim_url,
        database_url: &database.shown(),
        data_dir: data_dir.path(),
        credentials: &data_dir.credentials(),
        issuer: &issuer,
        now: clock.now(),
        replay: flags.replay.is_some(),
        stops_database: database.is_private(),
        trigger_precision_seconds: settings.trigger_precision_seconds,
    });
    instance.run(listener, shutdown.clone()).await;
    shutdown.cancel();
    background.wait().await;
    println!("stopping …");
    let stopped = database.stop().await;
    if let Err(error) = stopped {
        bail!("the database did not stop: {error:#}");
    }
    Ok(())
}

/// Where this machine reaches a listener: one on every address is reached on loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
