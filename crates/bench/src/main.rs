//! The benchmark: it compares updates through HTTP with the bare SQL statement on the same server, and reads
//! through HTTP with the bare queries. `docs/performance.md` says how to read the figures.
//!
//! Further measurements: `bench growth` (the cost of an update as the number of snapshots grows), `bench
//! indicators` (reads over past cycles), `bench worklist` (the list of silent devices over all workspaces),
//! `bench interpret` (the interpretation of raw frames). Two commands are tests: `bench hostile` (the service
//! under honest and hostile traffic) and `bench cycles` (two instances, one of which is killed).
//!
//! A run alternates both sides, so that other programs on the machine disturb both alike. Only the ratios of
//! whole rounds mean something.

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark measures real time, and its tasks end with the process"
)]

mod bare;
mod cpu;
mod cycles;
mod database;
mod fill;
mod fleet;
mod grounds;
mod growth;
mod health;
mod hostile;
mod http;
mod indicators;
mod ingest;
mod interpret;
mod issues;
mod load;
mod pages;
mod past;
mod place;
mod report;
mod rounds;
mod service;
mod statements;
mod worklist;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{bail, ensure};
use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clock::Clock;
use tokio::signal::unix::{SignalKind, signal};

use crate::database::BenchDatabase;
use crate::fleet::BenchFleet;
use crate::grounds::{Grounds, Started};
use crate::health::{LONGEST_PAGE, PAGE, ReadWorkspace};
use crate::place::DataDirectory;
use crate::service::Service;

/// Measures the service against bare SQL on a PostgreSQL server of its own.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<BenchCommand>,
    #[command(flatten)]
    flags: BenchFlags,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    Cycles(cycles::CyclesFlags),
    Growth(growth::GrowthFlags),
    Indicators(indicators::IndicatorsFlags),
    Hostile(hostile::HostileFlags),
    Interpret(interpret::InterpretFlags),
    Worklist(worklist::WorklistFlags),
}

/// The flags of the benchmark itself, without a subcommand.
#[derive(Debug, Args)]
pub(crate) struct BenchFlags {
    /// Number of rounds of each side.
    #[arg(long, default_value = "5", value_parser = RangedU64ValueParser::<u32>::new().range(1..=20))]
    rounds: u32,
    /// Length of each side's round in seconds.
    #[arg(long, default_value = "3", value_parser = RangedU64ValueParser::<u32>::new().range(1..=10))]
    seconds: u32,
    /// Number of connections that send batches at the same time.
    #[arg(long, default_value = "4", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    clients: usize,
    /// Number of connections that send single updates at the same time.
    #[arg(long, default_value = "16", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    single_clients: usize,
    /// Parts to measure; by default all of them.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Number of workspaces, of a hundred devices each.
    #[arg(long, default_value = "100", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    workspaces: usize,
    #[command(flatten)]
    grounds: Grounds,
}

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// New updates in batches, compared with the bare statement.
    Batches,
    /// Repeated updates, compared with new updates.
    Repeated,
    /// One update per request, compared with one update per bare transaction.
    Singles,
    /// The health of a thousand and of ten thousand devices.
    Health,
    /// Pages of the snapshots of fifty thousand devices.
    Pages,
    /// The issues of a thousand devices.
    Issues,
}

/// The workspaces whose health and snapshots are read.
const SUBJECTS: [ReadWorkspace; 3] = [
    ReadWorkspace {
        workspace: "bench-read-00001",
        devices: 1_000,
    },
    ReadWorkspace {
        workspace: "bench-read-00010",
        devices: 10_000,
    },
    ReadWorkspace {
        workspace: "bench-read-00050",
        devices: 50_000,
    },
];

impl BenchFlags {
    /// Returns the length of a side's round.
    fn round(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// The started programs and the data directory, which are stopped and removed however the run ends.
#[derive(Default)]
struct Running {
    service: Option<Service>,
    database: Option<BenchDatabase>,
    place: Option<DataDirectory>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match supervise(&CommandLine::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn supervise(line: &CommandLine) -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        eprintln!(
            "bench: this is an unoptimized build, whose load generator takes CPU time from the service; run it with --profile dist"
        );
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::default();
    let ran = tokio::select! {
        ran = line.run(&mut running) => ran,
        _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow::anyhow!("stopped by SIGTERM")),
    };
    let stopped = running.stop().await;
    ran.and(stopped)
}

impl CommandLine {
    async fn run(&self, running: &mut Running) -> anyhow::Result<()> {
        match &self.command {
            Some(BenchCommand::Growth(flags)) => growth::run(flags, running).await,
            Some(BenchCommand::Indicators(flags)) => indicators::run(flags, running).await,
            Some(BenchCommand::Cycles(flags)) => cycles::run(flags, running).await,
            Some(BenchCommand::Hostile(flags)) => hostile::run(flags, running).await,
            Some(BenchCommand::Interpret(flags)) => interpret::run(flags).await,
            Some(BenchCommand::Worklist(flags)) => worklist::run(flags, running).await,
            None => run(&self.flags, running).await,
        }
    }
}

async fn run(flags: &BenchFlags, running: &mut Running) -> anyhow::Result<()> {
    ensure!(
        flags.workspaces >= flags.clients.max(flags.single_clients),
        "every client needs a workspace of its own: fewer clients or more --workspaces"
    );
    let Started {
        place,
        database,
        service,
        processes,
    } = flags.grounds.start(place::room_for(flags), running).await?;

    let fleet = BenchFleet::new(flags.workspaces);
    eprintln!("bench: registering {} devices", fleet.device_count());
    fleet::register(service, &fleet, flags.clients).await?;
    bare::create_tables(database, Clock::system().now()).await?;
    for subject in &SUBJECTS {
        subject
            .fill(database, &fleet.workspaces[0].signals[0])
            .await?;
    }
    database.prepare_log().await?;

    report::setting(flags, place, database);
    let before = cpu::load_average();
    let measured = ingest::measure(flags, &fleet, service, database, &processes).await?;
    report::ingest(&measured);
    // Without this, autovacuum would clean up after the rounds while the reads are measured.
    database.settle().await?;
    let [small, large, huge] = &SUBJECTS;
    if flags.measures(Part::Health) {
        for (subject, page) in [(small, PAGE), (small, LONGEST_PAGE), (large, LONGEST_PAGE)] {
            let asked = (subject, page);
            let read = health::measure(flags, asked, service, database, &processes).await?;
            report::health(subject, page, &read);
        }
    }
    if flags.measures(Part::Pages) {
        report::pages(huge, &pages::measure(flags, huge, service).await?);
    }
    if flags.measures(Part::Issues) {
        let signals = &fleet.workspaces[0].signals[0];
        let (read, bytes) = issues::measure(flags, signals, service, database, &processes).await?;
        report::issues(&read, bytes);
    }
    report::noise(&before, &cpu::load_average());
    Ok(())
}

impl Running {
    /// Stops the programs, the last started first, and removes the data directory.
    async fn stop(self) -> anyhow::Result<()> {
        if let Some(service) = self.service {
            service.stop().await?;
        }
        if let Some(database) = self.database {
            database.stop().await?;
        }
        match self.place.map(DataDirectory::remove) {
            Some(Err(error)) => bail!("cannot remove the data directory: {error}"),
            Some(Ok(())) | None => Ok(()),
        }
    }
}
