//! A load of honest and hostile traffic, mixed: whether the service keeps answering each as it must,
//! without growing. `docs/performance.md` says how to read it.

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

/// A small database, and the write-ahead log of two minutes.
const ROOM: u64 = 1_500 << 20;

/// Sends honest and hostile requests, mixed by chance, at a steady rate; fails where one is answered
/// as it must not be, or the service grows.
#[derive(Debug, Args)]
pub(crate) struct HostileFlags {
    /// Requests a second, sent whether or not earlier ones are answered.
    #[arg(long, default_value = "500", value_parser = RangedU64ValueParser::<u32>::new().range(1..=2000))]
    rate: u32,
    /// Seconds that count.
    #[arg(long, default_value = "60", value_parser = RangedU64ValueParser::<u32>::new().range(10..=600))]
    seconds: u32,
    /// Seconds of the same traffic before them, until memory is what it will be.
    #[arg(long, default_value = "60", value_parser = RangedU64ValueParser::<u32>::new().range(0..=600))]
    warm_up: u32,
    /// Of the mix: the same seed, the same requests in the same order.
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    grounds: Grounds,
}

/// Sets the stage, sends, and judges what came of it.
///
/// # Errors
/// When something cannot be started, and when a check fails.
pub(crate) async fn run(flags: &HostileFlags, running: &mut Running) -> anyhow::Result<()> {
    let Started {
        place,
        database,
        service,
        processes,
    } = flags.grounds.start(ROOM, running).await?;
    let process = processes.service;
    eprintln!("bench: setting the stage");
    let stage = Arc::new(Stage::set(service, place.path()).await?);
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
    // One stream without a break: a pause between the two would give memory back that is in use again
    // a moment later.
    let watching = tokio::spawn(async move {
        sleep(warm_up).await;
        footprint::watch(process, span).await
    });
    let mut sent = traffic::send(&stage, &sender, whole).await?;
    let samples = watching.await??;
    let mut wrong = report::wrong(&sent);

    sent.retain(|one| one.after >= warm_up);
    report::print(&sent, &samples, database, place);
    println!(
        "Load average before {load_before}, after {}.",
        cpu::load_average()
    );
    wrong.extend(footprint::growth(&samples));
    if !wrong.is_empty() {
        bail!("{} checks failed:\n{}", wrong.len(), wrong.join("\n"));
    }
    println!("\n**Every check held.**");
    Ok(())
}
