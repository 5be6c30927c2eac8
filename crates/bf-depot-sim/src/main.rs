//! The program that serves a simulated telematics provider. The library's documentation describes its
//! protocol.

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
struct SimulatorFlags {
    /// Address on which the simulator listens.
    #[arg(long, default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// Seed of all random choices: the same seed gives the same vehicles.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of vehicles in each account.
    #[arg(long, default_value_t = 12)]
    vehicles: usize,
    /// Accounts to serve. `fleet`: one healthy account. `faults`: one account for each kind of fault.
    #[arg(long, value_enum, default_value_t = ScenarioName::Fleet)]
    scenario: ScenarioName,
    /// Adds the account `replay` with the vehicle `replay-1`, which replays this CSV file.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Virtual seconds that pass in one second of real time.
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
    match run(SimulatorFlags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bf-depot-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: SimulatorFlags) -> anyhow::Result<()> {
    let clock = Clock::system();
    let mut scenario = match flags.scenario {
        ScenarioName::Fleet => Scenario::fleet("fleet", flags.vehicles),
        ScenarioName::Faults => Scenario::faults(flags.vehicles, clock.now()),
    };
    if let Some(file) = &flags.replay {
        let recording =
            Recording::load(file).with_context(|| format!("cannot replay {}", file.display()))?;
        scenario = scenario.with(Account::replay("replay", recording));
    }
    let listener = TcpListener::bind(flags.listen)
        .await
        .with_context(|| format!("cannot listen on {}", flags.listen))?;
    print_introduction(&scenario, listener.local_addr()?);

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
        wait_for_stop_signal().await?;
        shutdown.cancel();
        Ok(())
    };
    tokio::try_join!(simulator.serve(listener, shutdown.clone()), stop)?;
    Ok(())
}

/// Waits for Ctrl-C, or for the signal with which containers are stopped (SIGTERM).
async fn wait_for_stop_signal() -> std::io::Result<()> {
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

/// Prints the accounts, with commands that can be pasted into a shell.
fn print_introduction(scenario: &Scenario, address: SocketAddr) {
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
        println!("The same vehicles by ViriCiti's protocol:");
        println!(
            "  curl -H 'x-api-key: {key}' -d '{{\"vehicle-001\":[\"soc\",\"gps\"]}}' http://{address}/accounts/{name}/api/v2/state"
        );
        println!("Set a fault, clear it, and show how each account is polled:");
        println!(
            "  curl -X PUT -d '{{\"kind\":\"unavailable\"}}' http://{address}/control/accounts/{name}/fault"
        );
        println!("  curl -X DELETE http://{address}/control/accounts/{name}/fault");
        println!("  curl http://{address}/control/accounts");
    }
}
