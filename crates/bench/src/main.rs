//! The benchmark: updates a second through HTTP against the bare SQL statement on the same server,
//! and reads against the bare queries. `docs/performance.md` says how to read it.
//!
//! `bench growth` measures what an update costs as the number of snapshots grows, `bench indicators` the
//! looks back over cycles, `bench worklist` what the list of silent devices over all workspaces costs, `bench
//! interpret` how fast raw frames are read. Something else are `bench hostile`, honest and hostile traffic,
//! and whether the service stands it, and `bench cycles`, two instances that share the cycles of a fleet, of
//! which one is killed.
//!
//! One run of the benchmark alternates both sides, so that whatever else the machine does hits both;
//! only the ratios mean something, and those of whole rounds.

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

#[derive(Debug, Args)]
pub(crate) struct BenchFlags {
    /// Rounds of each side.
    #[arg(long, default_value = "5", value_parser = RangedU64ValueParser::<u32>::new().range(1..=20))]
    rounds: u32,
    /// Seconds of each side's round.
    #[arg(long, default_value = "3", value_parser = RangedU64ValueParser::<u32>::new().range(1..=10))]
    seconds: u32,
    /// Connections that send at once.
    #[arg(long, default_value = "4", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    clients: usize,
    /// Connections that send one update at a time.
    #[arg(long, default_value = "16", value_parser = RangedU64ValueParser::<usize>::new().range(1..=64))]
    single_clients: usize,
    /// Measure this only; by default everything.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Workspaces of a hundred devices.
    #[arg(long, default_value = "100", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1000))]
    workspaces: usize,
    #[command(flatten)]
    grounds: Grounds,
}

/// What a run measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// New updates in batches, against the bare statement.
    Batches,
    /// Repeated updates against new ones.
    Repeated,
    /// One update a request against one a transaction.
    Singles,
    /// The health of a thousand and of ten thousand devices.
    Health,
    /// Pages of the snapshots of fifty thousand.
    Pages,
    /// The issues of a thousand devices.
    Issues,
}

/// The workspaces that are read.
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
    /// A round's length.
    fn round(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// What was started, to be stopped whichever way the run ends.
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
            "bench: this is an unoptimized build, whose load generator takes processor time from the service; run it with --profile dist"
        );
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut running = Running::default();
    let ran = tokio::select! {
        ran = line.run(&mut running) => ran,
        _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
        _ = terminate.recv() => Err(anyhow::anyhow!("asked to stop")),
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
    // Lest what autovacuum makes of the rounds falls into the reads.
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
    /// Stops what runs, the last started first; then the directory goes.
    async fn stop(self) -> anyhow::Result<()> {
        if let Some(service) = self.service {
            service.stop().await?;
        }
        if let Some(database) = self.database {
            database.stop().await?;
        }
        match self.place.map(DataDirectory::remove) {
            Some(Err(error)) => bail!("the data directory is still there: {error}"),
            Some(Ok(())) | None => Ok(()),
        }
    }
}
