//! The figures, as Markdown.

use std::time::Duration;

use crate::Flags;
use crate::cpu::CpuTime;
use crate::database::Database;
use crate::fleet::BATCH;
use crate::health::{HealthReads, Reads};
use crate::ingest::{Round, Side};
use crate::load::percentile;
use crate::place::Place;

/// What is measured, on what.
pub(crate) fn setting(flags: &Flags, place: &Place, database: &Database) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{cores} cores shared by load generator, service and PostgreSQL {}, {}. {} workspaces of {BATCH} devices, {} clients, {} rounds of {} s a side.\n",
        database.version, place.kind, flags.workspaces, flags.clients, flags.rounds, flags.seconds
    );
}

/// Accepted updates, round by round and at the median.
pub(crate) fn ingest(rounds: &[Round]) {
    println!("Accepted updates, in batches of {BATCH}:\n");
    println!(
        "| round | HTTP upd/s | bare upd/s | ratio | HTTP p50 / p99 ms | bare p50 / p99 ms | others' CPU % |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (number, round) in rounds.iter().enumerate() {
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {} | {} | {:.0} |",
            number + 1,
            round.http.rate(),
            round.bare.rate(),
            round.ratio(),
            latencies(&round.http.sent.latencies),
            latencies(&round.bare.sent.latencies),
            others_percent(round.http.cpu.plus(round.bare.cpu)),
        );
    }
    let http = |figure: fn(&Side) -> f64| median(rounds.iter().map(|round| figure(&round.http)));
    let bare = |figure: fn(&Side) -> f64| median(rounds.iter().map(|round| figure(&round.bare)));
    println!("\nMedians of the rounds:\n");
    println!("| | HTTP | bare statement |");
    println!("|---|---|---|");
    for (name, figure) in [
        ("accepted updates/s", Side::rate as fn(&Side) -> f64),
        ("service CPU us/update", Side::service_us),
        ("PostgreSQL CPU us/update", Side::postgres_us),
        ("load generator CPU us/update", Side::client_us),
        ("WAL B/update", Side::wal),
    ] {
        let digits = usize::from(name.contains("CPU"));
        println!(
            "| {name} | {:.digits$} | {:.digits$} |",
            http(figure),
            bare(figure)
        );
    }
    println!(
        "\n**Median of the rounds' ratios: {:.2}**; by CPU time, which neighbours disturb less: {:.2}\n",
        median(rounds.iter().map(Round::ratio)),
        median(rounds.iter().map(Round::cpu_ratio))
    );
}

/// Health reads.
pub(crate) fn health(reads: &HealthReads) {
    println!(
        "Health of 1,000 devices ({} kB of JSON), one connection:\n",
        reads.answer_bytes / 1000
    );
    println!("| | p50 / p99 ms | service CPU us | PostgreSQL CPU us | load generator CPU us |");
    println!("|---|---|---|---|---|");
    for (name, side) in [
        ("HTTP", &reads.http),
        ("the same statements", &reads.statements),
        ("the devices' statement alone", &reads.bare),
    ] {
        println!(
            "| {name} | {} | {:.0} | {:.0} | {:.0} |",
            latencies(&side.latencies),
            side.per_read(side.cpu.service),
            side.per_read(side.cpu.postgres),
            side.per_read(side.cpu.client),
        );
    }
    let p50 = |side: &Reads| percentile(&side.latencies, 50).as_secs_f64();
    println!(
        "\n**Ratio of the medians: {:.2}** to the same statements, {:.2} to the devices' statement alone\n",
        p50(&reads.http) / p50(&reads.statements),
        p50(&reads.http) / p50(&reads.bare)
    );
}

/// Reads of issues.
pub(crate) fn issues(reads: &Reads, answer_bytes: usize) {
    let ms = |percent| percentile(&reads.latencies, percent).as_secs_f64() * 1000.0;
    println!(
        "Issues of 1,000 devices, half of them silent ({} kB of JSON), one connection: p50 {:.1} ms, **p95 {:.1} ms**, p99 {:.1} ms; service {:.0} us of CPU, PostgreSQL {:.0} us.\n",
        answer_bytes / 1000,
        ms(50),
        ms(95),
        ms(99),
        reads.per_read(reads.cpu.service),
        reads.per_read(reads.cpu.postgres),
    );
}

/// How quiet the machine was.
pub(crate) fn noise(before: &str, after: &str) {
    println!("Load average before {before}, after {after}.");
}

impl Round {
    fn ratio(&self) -> f64 {
        self.http.rate() / self.bare.rate()
    }

    /// What the ratio of the rates is where both sides keep all cores busy.
    fn cpu_ratio(&self) -> f64 {
        self.bare.all_cpu() / self.http.all_cpu()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures to three digits, of counts far below 2^52"
)]
impl Side {
    fn updates(&self) -> f64 {
        (self.sent.latencies.len() * BATCH) as f64
    }

    fn rate(&self) -> f64 {
        self.updates() / self.sent.elapsed.as_secs_f64()
    }

    fn service_us(&self) -> f64 {
        self.cpu.service as f64 / self.updates()
    }

    fn postgres_us(&self) -> f64 {
        self.cpu.postgres as f64 / self.updates()
    }

    fn client_us(&self) -> f64 {
        self.cpu.client as f64 / self.updates()
    }

    fn all_cpu(&self) -> f64 {
        self.service_us() + self.postgres_us() + self.client_us()
    }

    fn wal(&self) -> f64 {
        self.wal_bytes as f64 / self.updates()
    }
}

impl Reads {
    #[expect(clippy::cast_precision_loss, reason = "figures to three digits")]
    fn per_read(&self, cpu_us: u64) -> f64 {
        cpu_us as f64 / self.latencies.len() as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn others_percent(cpu: CpuTime) -> f64 {
    100.0 * cpu.others as f64 / cpu.machine as f64
}

fn latencies(sorted: &[Duration]) -> String {
    let ms = |percent| percentile(sorted, percent).as_secs_f64() * 1000.0;
    format!("{:.1} / {:.1}", ms(50), ms(99))
}

/// The middle one; of an even number, the mean of the two in the middle.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_unstable_by(f64::total_cmp);
    let half = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[half],
        _ => f64::midpoint(figures[half - 1], figures[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < f64::EPSILON);
    }
}
