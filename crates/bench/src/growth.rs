//! The measurement of what an update costs as the number of snapshots grows.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::cpu::{self, Processes};
use crate::database::BenchDatabase;
use crate::fill::Fill;
use crate::fleet::{BATCH, BenchFleet, BenchWorkspace};
use crate::grounds::{Grounds, Started};
use crate::ingest::HttpClient;
use crate::load::drive;
use crate::rounds::{Meter, Side};
use crate::service::Service;
use crate::{Running, report};

/// The disk space of the write-ahead log, a million snapshots with their devices, and the rounds' events.
const ROOM: u64 = 9_000 << 20;

const PREFIX: &str = "growth-";

/// Measures what an accepted update costs with few and with many snapshots in the database.
#[derive(Debug, Args)]
pub(crate) struct GrowthFlags {
    /// Number of snapshots in the first measurement.
    #[arg(long, default_value = "100000", value_parser = RangedU64ValueParser::<usize>::new().range(1_000..=1_000_000))]
    from: usize,
    /// Number of snapshots in the second measurement.
    #[arg(long, default_value = "1000000", value_parser = RangedU64ValueParser::<usize>::new().range(1_000..=2_000_000))]
    to: usize,
    /// Length of each measurement in seconds.
    #[arg(long, default_value = "10", value_parser = RangedU64ValueParser::<u32>::new().range(1..=60))]
    seconds: u32,
    /// Number of connections that send at the same time.
    #[arg(long, default_value = "4", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    clients: usize,
    #[command(flatten)]
    grounds: Grounds,
}

/// Measures both sizes and prints the figures.
///
/// # Errors
/// If an update of a batch is not accepted.
pub(crate) async fn run(flags: &GrowthFlags, running: &mut Running) -> anyhow::Result<()> {
    ensure!(flags.from < flags.to, "--from must be below --to");
    let Started {
        place,
        database,
        service,
        processes,
    } = flags.grounds.start(ROOM, running).await?;
    let before = cpu::load_average();
    let mut sides = Vec::new();
    let mut filled = 0;
    for snapshots in [flags.from, flags.to] {
        let workspaces = snapshots / BATCH;
        fill(database, filled, workspaces).await?;
        filled = workspaces;
        sides.push((
            snapshots,
            measure(flags, service, database, &processes, workspaces).await?,
        ));
    }
    report::growth(&sides, place, database);
    report::noise(&before, &cpu::load_average());
    Ok(())
}

async fn fill(database: &BenchDatabase, from: usize, to: usize) -> anyhow::Result<()> {
    eprintln!("bench: filling up to {} snapshots", to * BATCH);
    let template = BenchWorkspace::new("template", 0, 1);
    let fill = Fill {
        prefix: PREFIX,
        from: from.try_into()?,
        to: to.try_into()?,
        devices: BATCH.try_into()?,
        signals: &template.signals[0],
    };
    fill.write(&mut database.connect().await?).await?;
    database.settle().await
}

/// Measures batches of all workspaces by turns. The order is not that of the warm-up, so that the service's
/// cache does not hold just the workspaces that come next.
async fn measure(
    flags: &GrowthFlags,
    service: &Service,
    database: &BenchDatabase,
    processes: &Processes,
    workspaces: usize,
) -> anyhow::Result<Side> {
    let workspace = |at| BenchWorkspace::new(&format!("{PREFIX}{at:05}"), at, BATCH);
    let mut order: Vec<BenchWorkspace> = (0..workspaces).map(workspace).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    let warm_up = BenchFleet::of_workspaces((0..workspaces).map(workspace).collect());
    let mut clients = Vec::new();
    for _ in 0..flags.clients {
        clients.push(HttpClient(service.as_machine().await?));
    }
    eprintln!("bench: warming up");
    drive(&mut clients, &warm_up, Duration::ZERO, 1).await?;
    drop(warm_up);
    let fleet = BenchFleet::of_workspaces(order);
    eprintln!("bench: measuring");
    let mut meter = Meter {
        processes,
        connection: database.connect().await?,
    };
    let span = Duration::from_secs(flags.seconds.into());
    meter.side(&mut clients, &fleet, span).await
}
