//! Serves a simulated telematics provider: see the library's documentation.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bf_depot_sim::{Account, Recording, Scenario, Simulator, SimulatorSettings, Speed};
use clap::{Parser, ValueEnum};
use clock::Clock;
use tokio::net::TcpListener;
use tokio::signal;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// A simulated telematics provider: electric vehicles that drive and charge, with faults on demand.
#[derive(Debug, Parser)]
#[command(version)]
struct Flags {
    /// Where to serve.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Same seed, same vehicles.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// In each account.
    #[arg(long, default_value_t = 12)]
    vehicles: usize,
    /// `fleet`: one healthy account. `faults`: an account for each thing that can go wrong.
    #[arg(long, value_enum, default_value_t = ScenarioName::Fleet)]
    scenario: ScenarioName,
    /// Adds the account `replay` with the vehicle `replay-1`, which replays this CSV file.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Virtual seconds a second.
    #[arg(long, default_value = "1")]
    speed: Speed,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScenarioName {
    Fleet,
    Faults,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bf-depot-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> anyhow::Result<()> {
    let clock = Clock::system();
    let mut scenario = match flags.scenario {
        ScenarioName::Fleet => Scenario::fleet("fleet", flags.vehicles),
        ScenarioName::Faults => Scenario::faults(flags.vehicles, clock.now()),
    };
    if let Some(file) = &flags.replay {
        let recording = Recording::load(file).with_context(|| format!("{}", file.display()))?;
        scenario = scenario.with(Account::replay("replay", recording));
    }
    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("cannot listen on {}", flags.listen))?;
    introduce(&scenario, listener.local_addr()?);

    let simulator = Simulator::new(
        scenario,
        SimulatorSettings {
            seed: flags.seed,
            speed: flags.speed,
            clock,
        },
    );
    let shutdown = CancellationToken::new();
    let stop = async {
        interrupt().await?;
        shutdown.cancel();
        Ok(())
    };
    tokio::try_join!(simulator.serve(listener, shutdown.clone()), stop)?;
    Ok(())
}

/// Returns on Ctrl-C, and on the signal with which containers are stopped.
async fn interrupt() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    signal::ctrl_c().await
}

/// Says what there is to see, with lines to paste.
fn introduce(scenario: &Scenario, address: SocketAddr) {
    println!(
        "Serving on http://{address} until Ctrl-C. The accounts ({}):",
        scenario.accounts.len()
    );
    for Account { name, key, .. } in &scenario.accounts {
        println!(
            "  curl -H 'Authorization: Bearer {key}' http://{address}/accounts/{name}/vehicles"
        );
    }
    if let Some(Account { name, key, .. }) = scenario.accounts.first() {
        println!("The same as ViriCiti has it:");
        println!(
            "  curl -H 'x-api-key: {key}' -d '{{\"vehicle-001\":[\"soc\",\"gps\"]}}' http://{address}/accounts/{name}/api/v2/state"
        );
        println!("Break and repair one, and see how it is polled:");
        println!(
            "  curl -X PUT -d '{{\"kind\":\"unavailable\"}}' http://{address}/control/accounts/{name}/fault"
        );
        println!("  curl -X DELETE http://{address}/control/accounts/{name}/fault");
        println!("  curl http://{address}/control/accounts");
    }
}
