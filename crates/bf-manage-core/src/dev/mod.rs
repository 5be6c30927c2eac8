//! `bf-manage-core dev`: the whole product on one machine, with nothing to install or configure first.

mod banner;
mod data_dir;
mod database;
mod demo;
mod disturbances;
mod place;
mod triggers;

use std::path::PathBuf;

use anyhow::Context;
use application::sweeps::reconcile_schedules;
use bf_depot_sim::{Recording, Simulator, SimulatorSettings, Speed};
use scheduling::InProcessSchedules;
use tokio_util::task::TaskTracker;

use self::place::Place;
use crate::config::Settings;
use crate::instance::shutdown_signal;

/// The issuer that development tokens name.
const ISSUER: &str = "http://bf-dev-issuer.localhost";

/// The flags of `dev`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The address that serves the API; 127.0.0.1:8080 unless the setting `listen` says otherwise.
    #[arg(long)]
    listen: Option<String>,
    /// The directory of the database and the token issuer's key.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The virtual seconds per second, for the simulated vehicles and for --replay.
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// Adds workspace demo-replay, whose device replay-1 replays this CSV file: a column `time`
    /// (milliseconds since the epoch) and any of energy, gps ("lat|lon"), odo, speed, soc.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    #[command(flatten)]
    disturbances: disturbances::DisturbanceFlags,
}

/// Runs the product until Ctrl-C or SIGTERM. Then everything stops, the private database included.
///
/// # Errors
/// One clear line: a busy port, a data directory in use, a recording that cannot be read, a missing or broken
/// database.
pub async fn dev(settings: Settings, flags: Flags) -> anyhow::Result<()> {
    let recording = load_recording(&flags)?;
    let (place, listeners) = Place::open(settings, &flags).await?;
    let shutdown = shutdown_signal()?;
    let simulator = make_simulator(&place, &flags, recording);
    let schedules = InProcessSchedules::default();
    let instance = place.make_instance(&schedules, listeners.metrics).await?;
    demo::register(&instance.core, &simulator, &place, flags.replay.is_some()).await?;
    // The schedules of an earlier start ended with its process.
    reconcile_schedules(&instance.core, &schedules).await;

    let background = TaskTracker::new();
    let sim_shutdown = shutdown.clone();
    background.spawn(async move { simulator.serve(listeners.simulator, sim_shutdown).await });
    background.spawn(place.make_scheduler(schedules)?.run(shutdown.clone()));
    background.close();
    banner::print(&place, flags.replay.is_some());
    instance.run(listeners.api, shutdown.clone()).await;

    shutdown.cancel();
    background.wait().await;
    println!("stopping …");
    let stopped = place.database.stop().await;
    stopped.context("the database did not stop")
}

fn load_recording(flags: &Flags) -> anyhow::Result<Option<Recording>> {
    let load = |file: &PathBuf| Recording::load(file).with_context(|| file.display().to_string());
    flags.replay.as_ref().map(load).transpose()
}

fn make_simulator(place: &Place, flags: &Flags, recording: Option<Recording>) -> Simulator {
    let scenario = demo::scenario(recording, place.started_at);
    let settings = SimulatorSettings {
        seed: 1,
        speed: flags.speed,
        clock: place.clock.clone(),
    };
    Simulator::new(scenario, settings)
}
