//! The test of two instances that share the poll cycles of a fleet on one database. Every slot is triggered
//! twice, once at each instance, and one instance is killed in the middle. The test checks that each slot
//! runs exactly once, and when it starts. `docs/performance.md` says how to read the result.

mod fleet;
mod kill;
mod report;
mod simulator;
mod triggers;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use chrono::TimeDelta;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use clock::Clock;

use crate::grounds::Grounds;
use crate::service::{self, Service};
use crate::{Running, cpu};
use fleet::PolledFleet;
use simulator::SimulatorProcess;
use triggers::Trigger;

/// The disk space of a small database and the write-ahead log of some minutes, in bytes.
const ROOM: u64 = 1_500 << 20;
/// How long a lease lasts without renewal.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// Triggers every slot of a fleet at two instances and kills one of them; fails if a slot does not run
/// exactly once, or runs late.
#[derive(Debug, Args)]
pub(crate) struct CyclesFlags {
    /// Number of workspaces; each is polled every minute.
    #[arg(long, default_value = "500", value_parser = RangedU64ValueParser::<usize>::new().range(50..=2000))]
    workspaces: usize,
    /// Number of devices in each workspace.
    #[arg(long, default_value = "5", value_parser = RangedU64ValueParser::<usize>::new().range(1..=50))]
    devices: usize,
    /// Length of the test in minutes, which is also the number of slots of each workspace.
    #[arg(long, default_value = "3", value_parser = RangedU64ValueParser::<u32>::new().range(2..=30))]
    minutes: u32,
    /// Seed of the order of the triggers: the same seed gives the same order.
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    grounds: Grounds,
    /// Program of the simulated provider; by default the `dist` build of these sources.
    #[arg(long, value_name = "FILE")]
    simulator: Option<PathBuf>,
}

/// Starts everything, sends the triggers, kills one instance, and checks the result.
///
/// # Errors
/// If a program does not start, or a check fails.
pub(crate) async fn run(flags: &CyclesFlags, running: &mut Running) -> anyhow::Result<()> {
    let program = flags.grounds.program().await?;
    let simulator = match &flags.simulator {
        Some(program) => program.canonicalize()?,
        None => service::build_of("bf-depot-sim").await?,
    };
    let (place, database) = flags.grounds.start_database(ROOM, running)?;
    let simulator = SimulatorProcess::start(&simulator, place.path()).await?;
    let settings = [
        ("TRIGGER_PRECISION_SECONDS", "0"),
        // The production value; `dev` has another.
        ("LEASE_SECONDS", "30"),
        ("PROVIDER_CREDENTIALS_DIR", simulator.credentials()?),
        ("METRICS_LISTEN", ""),
    ];
    let start = || Service::start_with(&program, place.path(), database, &settings);
    let instances = [start().await?, start().await?];

    eprintln!("bench: registering {} workspaces", flags.workspaces);
    let fleet = PolledFleet::new(flags.workspaces, flags.devices);
    fleet.register(&instances[0], &simulator).await?;
    database.settle().await?;
    let clock = Clock::system();
    let first = fleet.activate(&instances[0], &clock).await?;
    let load_before = cpu::load_average();
    let triggers = Trigger::draw_all(&fleet, first, flags.minutes, flags.seed);
    eprintln!(
        "bench: {} triggers over {} minutes, from {first}",
        triggers.len(),
        flags.minutes
    );
    let addresses = [instances[0].address(), instances[1].address()];
    let token = triggers::mint_token(&instances[0], &clock);
    let [killed, other] = instances;
    let kill_at = first + TimeDelta::minutes(i64::from(flags.minutes) / 2) + TimeDelta::seconds(20);
    let (sent, killed_at) = tokio::join!(
        triggers::send(triggers, addresses, &token, &clock),
        kill::kill_instance(killed, &fleet, &simulator, &clock, kill_at),
    );
    let (answers, killed_at) = (sent?, killed_at?);

    let until = first + TimeDelta::minutes(flags.minutes.into());
    report::wait_until_closed(database, &clock, until, Duration::from_mins(2)).await?;
    let outcome = report::CycleResults::load(database, first, until).await?;
    other.stop().await?;
    println!(
        "{} workspaces of {} devices, polled every minute for {} minutes by two instances; one instance was killed after {} s.\n\
         {} cores, shared by both instances, the simulated provider, the load generator and PostgreSQL {}, {}.\n",
        flags.workspaces,
        flags.devices,
        flags.minutes,
        (killed_at - first).num_seconds(),
        std::thread::available_parallelism().map_or(0, usize::from),
        database.version,
        place.kind,
    );
    let wrong = report::print(&answers, &outcome, killed_at);
    println!(
        "Load average before {load_before}, after {}.",
        cpu::load_average()
    );
    ensure!(
        wrong.is_empty(),
        "{} checks failed:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("\n**Every check held.**");
    Ok(())
}
