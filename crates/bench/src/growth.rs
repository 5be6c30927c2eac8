//! What an update costs as the number of snapshots grows.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use crate::cpu::{self, Processes};
use crate::database::Database;
use crate::fill::Fill;
use crate::fleet::{BATCH, BenchWorkspace, Fleet};
use crate::grounds::{Grounds, Started};
use crate::ingest::HttpClient;
use crate::load::drive;
use crate::rounds::{Meter, Side};
use crate::service::Service;
use crate::{Running, report};

/// The log, a million snapshots with their devices, and the events of the rounds.
const ROOM: u64 = 9_000 << 20;

const PREFIX: &str = "growth-";

/// Measures what an accepted update costs among so many snapshots and among so many more.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// Snapshots at first.
    #[arg(long, default_value = "100000", value_parser = RangedU64ValueParser::<usize>::new().range(1_000..=1_000_000))]
    from: usize,
    /// Snapshots in the end.
    #[arg(long, default_value = "1000000", value_parser = RangedU64ValueParser::<usize>::new().range(1_000..=2_000_000))]
    to: usize,
    /// Seconds of each measurement.
    #[arg(long, default_value = "10", value_parser = RangedU64ValueParser::<u32>::new().range(1..=60))]
    seconds: u32,
    /// Connections that send at once.
    #[arg(long, default_value = "4", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    clients: usize,
    #[command(flatten)]
    grounds: Grounds,
}

/// Measures both sizes.
///
/// # Errors
/// When a batch is not accepted whole.
pub(crate) async fn run(flags: &Flags, running: &mut Running) -> anyhow::Result<()> {
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

async fn fill(database: &Database, from: usize, to: usize) -> anyhow::Result<()> {
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

/// Whole workspaces, each in its turn. The order is not that of the warm-up, in which the service came
/// to remember some and not others.
async fn measure(
    flags: &Flags,
    service: &Service,
    database: &Database,
    processes: &Processes,
    workspaces: usize,
) -> anyhow::Result<Side> {
    let workspace = |at| BenchWorkspace::new(&format!("{PREFIX}{at:05}"), at, BATCH);
    let mut order: Vec<BenchWorkspace> = (0..workspaces).map(workspace).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(1));
    let warm_up = Fleet::of((0..workspaces).map(workspace).collect());
    let mut clients = Vec::new();
    for _ in 0..flags.clients {
        clients.push(HttpClient(service.as_machine().await?));
    }
    eprintln!("bench: warming up");
    drive(&mut clients, &warm_up, Duration::ZERO, 1).await?;
    drop(warm_up);
    let fleet = Fleet::of(order);
    eprintln!("bench: measuring");
    let mut meter = Meter {
        processes,
        connection: database.connect().await?,
    };
    let span = Duration::from_secs(flags.seconds.into());
    meter.side(&mut clients, &fleet, span).await
}
