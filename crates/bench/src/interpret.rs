//! The measurement of how many of ViriCiti's frames one core interprets: from the raw message of an envelope
//! to the update that acceptance takes, without a database and without HTTP.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bf_depot_sim::viriciti::frames;
use bf_depot_sim::{Scenario, Simulator, SimulatorSettings, Speed};
use clap::Args;
use clap::builder::RangedU64ValueParser;
use clock::Clock;
use domain::fleet::ProviderType;
use domain::ids::ProviderId;
use providers::{Interpretation, ProviderRegistry};
use serde_json::value::{RawValue, to_raw_value};

use crate::cpu;
use crate::report::median;

/// The number of vehicles whose last reports are sent as frames, six frames for each.
const VEHICLES: usize = 300;

/// Measures how fast one core interprets the frames of simulated vehicles.
#[derive(Debug, Args)]
pub(crate) struct InterpretFlags {
    /// Number of rounds for each form of the frames.
    #[arg(long, default_value = "5", value_parser = RangedU64ValueParser::<u32>::new().range(1..=20))]
    rounds: u32,
    /// Length of each round in seconds.
    #[arg(long, default_value = "1", value_parser = RangedU64ValueParser::<u32>::new().range(1..=10))]
    seconds: u32,
}

/// The frames in one form of their JSON.
struct FrameForm {
    name: &'static str,
    messages: Arc<Vec<Box<RawValue>>>,
}

/// One round: the number of frames, and the time that they took.
struct FrameRound {
    frames: u32,
    cpu: Duration,
    wall: Duration,
}

/// Measures all forms by turns and prints the figures.
///
/// # Errors
/// If a frame gives no reading, because the figures would then mean something else.
pub(crate) async fn run(flags: &InterpretFlags) -> anyhow::Result<()> {
    let forms = make_forms()?;
    let load_before = cpu::load_average();
    let mut rounds: Vec<Vec<FrameRound>> = forms.iter().map(|_| Vec::new()).collect();
    let span = Duration::from_secs(flags.seconds.into());
    for _ in 0..flags.rounds {
        for (form, rounds) in forms.iter().zip(&mut rounds) {
            let messages = Arc::clone(&form.messages);
            // The round blocks its thread, and the runtime's threads must stay free for the stop signals.
            let round = tokio::task::spawn_blocking(move || interpret_for(span, &messages));
            rounds.push(round.await??);
        }
    }
    println!(
        "ViriCiti frames of {VEHICLES} vehicles, one label each, one core, medians of {} rounds of {} s:\n",
        flags.rounds, flags.seconds
    );
    println!("| frames as | frames/s of CPU time | us/frame | frames/s of wall time |");
    println!("|---|---|---|---|");
    for (form, rounds) in forms.iter().zip(&rounds) {
        let per_cpu = median(rounds.iter().map(|round| round.rate(round.cpu)));
        let per_wall = median(rounds.iter().map(|round| round.rate(round.wall)));
        println!(
            "| {} | {per_cpu:.0} | {:.2} | {per_wall:.0} |",
            form.name,
            1e6 / per_cpu
        );
    }
    println!(
        "\nLoad average before {load_before}, after {}.",
        cpu::load_average()
    );
    Ok(())
}

impl FrameRound {
    fn rate(&self, of: Duration) -> f64 {
        f64::from(self.frames) / of.as_secs_f64()
    }
}

fn interpret_for(span: Duration, messages: &[Box<RawValue>]) -> anyhow::Result<FrameRound> {
    let connection =
        ProviderId::try_new("viriciti-main").context("the connection's id is not valid")?;
    let registry = ProviderRegistry::default();
    let mut frames = 0;
    let begun = Instant::now();
    let cpu_before = cpu::read_own_time()?;
    while begun.elapsed() < span {
        for message in messages {
            match registry.interpret(ProviderType::Viriciti, message) {
                Interpretation::Readings(readings) => {
                    for reading in readings {
                        black_box(reading.into_update(&connection));
                    }
                }
                other => bail!("the frame {message} gave no reading: {other:?}"),
            }
            frames += 1;
        }
    }
    Ok(FrameRound {
        frames,
        cpu: cpu::read_own_time()?.saturating_sub(cpu_before),
        wall: begun.elapsed(),
    })
}

/// Makes the same frames in three forms: as the live socket sends them, as a JSON string that holds JSON, and
/// as the first version of the protocol sent them.
fn make_forms() -> anyhow::Result<[FrameForm; 3]> {
    let clock = Clock::system();
    let settings = SimulatorSettings {
        seed: 1,
        speed: Speed::try_new(1.0)?,
        clock: clock.clone(),
    };
    let simulator = Simulator::new(Scenario::fleet("depot", VEHICLES), settings);
    let vehicles = simulator.readings_at("depot", clock.now())?;
    let mut current = Vec::new();
    let mut as_text = Vec::new();
    let mut bare = Vec::new();
    for frame in vehicles.iter().flat_map(frames) {
        let json = to_raw_value(&frame)?;
        as_text.push(to_raw_value(json.get())?);
        current.push(json);
        bare.push(to_raw_value(&frame.payload)?);
    }
    let form = |name, messages| FrameForm {
        name,
        messages: Arc::new(messages),
    };
    Ok([
        form("JSON", current),
        form("a string of JSON", as_text),
        form("bare JSON, as of version 1", bare),
    ])
}
