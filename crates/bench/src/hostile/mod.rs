//! The test of the service under a mix of honest and hostile traffic. It checks that each request gets the
//! right answer and that the service does not grow. `docs/performance.md` says how to read the result.

mod attempt;
mod footprint;
mod kinds;
mod report;
mod sender;
mod stage;
mod traffic;

use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use tokio::time::sleep;

use crate::grounds::{Grounds, Started};
use crate::{Running, cpu};
use sender::Sender;
use stage::Stage;
use traffic::Pace;

/// The disk space of a small database and the write-ahead log of two minutes, in bytes.
const ROOM: u64 = 1_500 << 20;

/// Sends a random mix of honest and hostile requests at a steady rate; fails if a request gets a wrong answer
/// or the service grows.
#[derive(Debug, Args)]
pub(crate) struct HostileFlags {
    /// Requests per second, sent whether or not earlier requests are answered.
    #[arg(long, default_value = "500", value_parser = RangedU64ValueParser::<u32>::new().range(1..=2000))]
    rate: u32,
    /// Length of the measurement in seconds.
    #[arg(long, default_value = "60", value_parser = RangedU64ValueParser::<u32>::new().range(10..=600))]
    seconds: u32,
    /// Seconds of the same traffic before the measurement, until the service's memory has settled.
    #[arg(long, default_value = "60", value_parser = RangedU64ValueParser::<u32>::new().range(0..=600))]
    warm_up: u32,
    /// Seed of the mix: the same seed gives the same requests in the same order.
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    grounds: Grounds,
}

/// Starts everything, sends the traffic, and checks the outcomes.
///
/// # Errors
/// If a program does not start, or a check fails.
pub(crate) async fn run(flags: &HostileFlags, running: &mut Running) -> anyhow::Result<()> {
    let Started {
        place,
        database,
        service,
        processes,
    } = flags.grounds.start(ROOM, running).await?;
    let process = processes.service;
    eprintln!("bench: registering workspaces and minting tokens");
    let stage = Arc::new(Stage::prepare(service, place.path()).await?);
    let sender = Arc::new(Sender::new(service.address()));

    let warm_up = Duration::from_secs(flags.warm_up.into());
    let span = Duration::from_secs(flags.seconds.into());
    let whole = Pace {
        rate: flags.rate,
        span: warm_up + span,
        seed: flags.seed,
    };
    eprintln!("bench: sending for {} s", whole.span.as_secs());
    let load_before = cpu::load_average();
    // Warm-up and measurement are one stream: in a pause the service would return memory that it needs again
    // a moment later, and seem to grow.
    let watching = tokio::spawn(async move {
        sleep(warm_up).await;
        footprint::sample(process, span).await
    });
    let mut sent = traffic::send(&stage, &sender, whole).await?;
    let samples = watching.await??;
    let mut wrong = report::wrong_outcomes(&sent);

    sent.retain(|one| one.after >= warm_up);
    report::print(&sent, &samples, database, place);
    println!(
        "Load average before {load_before}, after {}.",
        cpu::load_average()
    );
    wrong.extend(footprint::describe_growth(&samples));
    if !wrong.is_empty() {
        bail!("{} checks failed:\n{}", wrong.len(), wrong.join("\n"));
    }
    println!("\n**Every check held.**");
    Ok(())
}
