//! Two instances on one database that share the cycles of a fleet: every slot triggered twice, at both, and
//! one of the two killed in the middle. Whether each slot is run once, and when it starts.
//! `docs/performance.md` says how to read it.

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
use fleet::Fleet;
use simulator::Simulator;
use triggers::Trigger;

/// A small database, and the write-ahead log of some minutes.
const ROOM: u64 = 1_500 << 20;
/// How long a lease lasts without renewal.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// Triggers every slot of a fleet twice, at two instances, and kills one of them; fails where a slot is
/// not run exactly once, or late.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Workspaces, each polled every minute.
    #[arg(long, default_value = "500", value_parser = RangedU64ValueParser::<usize>::new().range(50..=2000))]
    workspaces: usize,
    /// Devices of each.
    #[arg(long, default_value = "5", value_parser = RangedU64ValueParser::<usize>::new().range(1..=50))]
    devices: usize,
    /// Minutes, and so slots of each.
    #[arg(long, default_value = "3", value_parser = RangedU64ValueParser::<u32>::new().range(2..=30))]
    minutes: u32,
    /// Of the order of the triggers: the same seed, the same order.
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    grounds: Grounds,
    /// The simulated provider; by default the `dist` build of these sources.
    #[arg(long, value_name = "FILE")]
    simulator: Option<PathBuf>,
}

/// Sets the stage, triggers, kills, and judges what came of it.
///
/// # Errors
/// When something cannot be started, and when a check fails.
pub(crate) async fn run(flags: &Flags, running: &mut Running) -> anyhow::Result<()> {
    let program = flags.grounds.program().await?;
    let simulator = match &flags.simulator {
        Some(program) => program.canonicalize()?,
        None => service::build_of("bf-depot-sim").await?,
    };
    let (place, database) = flags.grounds.start_database(ROOM, running)?;
    let simulator = Simulator::start(&simulator, place.path()).await?;
    let settings = [
        ("TRIGGER_PRECISION_SECONDS", "0"),
        // As in production, not as in `dev`.
        ("LEASE_SECONDS", "30"),
        ("PROVIDER_CREDENTIALS_DIR", simulator.credentials()?),
        ("METRICS_LISTEN", ""),
    ];
    let start = || Service::start_with(&program, place.path(), database, &settings);
    let instances = [start().await?, start().await?];

    eprintln!("bench: registering {} workspaces", flags.workspaces);
    let fleet = Fleet::new(flags.workspaces, flags.devices);
    fleet.register(&instances[0], &simulator).await?;
    database.settle().await?;
    let clock = Clock::system();
    let first = fleet.activate(&instances[0], &clock).await?;
    let load_before = cpu::load_average();
    let triggers = Trigger::all(&fleet, first, flags.minutes, flags.seed);
    eprintln!(
        "bench: {} triggers over {} minutes, from {first}",
        triggers.len(),
        flags.minutes
    );
    let addresses = [instances[0].address(), instances[1].address()];
    let token = triggers::token(&instances[0], &clock);
    let [killed, other] = instances;
    let kill_at = first + TimeDelta::minutes(i64::from(flags.minutes) / 2) + TimeDelta::seconds(20);
    let (sent, killed_at) = tokio::join!(
        triggers::send(triggers, addresses, &token, &clock),
        kill::one(killed, &fleet, &simulator, &clock, kill_at),
    );
    let (answers, killed_at) = (sent?, killed_at?);

    let until = first + TimeDelta::minutes(flags.minutes.into());
    report::wait_for_the_end(database, &clock, until, Duration::from_mins(2)).await?;
    let outcome = report::Outcome::read(database, first, until).await?;
    other.stop().await?;
    println!(
        "{} workspaces of {} devices, polled every minute for {} minutes by two instances, one of them killed after {} s;\n\
         {} cores shared by both, the simulated provider, the load generator and PostgreSQL {}, {}.\n",
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
