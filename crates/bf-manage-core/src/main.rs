//! bf-manage-core: composes the crates into programs.

mod config;
mod dev;
mod instance;
mod metrics;
mod production;
mod rebuild_snapshots;
mod serve;
mod sweep;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use telemetry::traces::SpanExport;

use crate::config::{Profile, Settings};

/// A batch of a hundred updates needs large buffers. The system's allocator would return each buffer to the kernel
/// and request it again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Telematics freshness: polls providers, keeps one canonical snapshot per device, and shows which devices are
/// silent and why.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API and runs due poll cycles.
    Serve {
        /// The address that serves the API.
        #[arg(long)]
        listen: Option<String>,
        /// The data directory of a running `dev`, whose tokens are then accepted; with PROFILE=dev only.
        #[arg(long, value_name = "DIR")]
        dev_data: Option<PathBuf>,
    },
    /// Runs the whole product on this machine: database, demo fleet, simulator, scheduler, tokens.
    Dev(dev::Flags),
    /// Brings the database's schema up to date.
    Migrate,
    /// Runs one reconciliation sweep and prints what it found.
    Sweep,
    /// Compares every snapshot with its history, and repairs the snapshots that differ.
    RebuildSnapshots(rebuild_snapshots::Flags),
    /// Prints every setting with its meaning and default.
    Settings,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Flags::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bf-manage-core: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    let profile = if matches!(command, Command::Dev(_)) {
        Profile::Dev
    } else {
        Profile::Production
    };
    let mut settings = Settings::load(profile)?;
    let endpoint = settings
        .otlp_endpoint
        .as_deref()
        .filter(|url| !url.is_empty());
    let export = endpoint
        .map(|url| SpanExport::try_new(url, env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION")))
        .transpose()?;
    telemetry::logs::start(&settings.log, export.as_ref())?;
    let ended = match command {
        Command::Serve { listen, dev_data } => {
            settings.listen = listen.unwrap_or(settings.listen);
            serve::serve(settings, dev_data.as_deref()).await
        }
        Command::Dev(flags) => dev::dev(settings, flags).await,
        Command::Migrate => serve::migrate(settings).await,
        Command::Sweep => sweep::sweep(settings).await,
        Command::RebuildSnapshots(flags) => {
            rebuild_snapshots::rebuild_snapshots(settings, flags).await
        }
        Command::Settings => {
            print!("{}", config::default_toml());
            Ok(())
        }
    };
    if let Some(export) = export {
        export.finish().await;
    }
    ended
}
