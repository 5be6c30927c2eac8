//! The printed figures, in Markdown.

use std::time::Duration;

use crate::BenchFlags;
use crate::cpu::CpuTime;
use crate::database::BenchDatabase;
use crate::fleet::BATCH;
use crate::health::{HealthReads, ReadWorkspace, Reads};
use crate::indicators::IndicatorReads;
use crate::ingest::IngestRounds;
use crate::load::percentile;
use crate::pages::PageReads;
use crate::place::DataDirectory;
use crate::rounds::{Round, Side};
use crate::worklist::{SpreadsheetRead, WorklistReads};

/// Prints what is measured, and on which machine.
pub(crate) fn setting(flags: &BenchFlags, place: &DataDirectory, database: &BenchDatabase) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{cores} cores shared by load generator, service and PostgreSQL {}, {}. {} workspaces of {BATCH} devices, {} clients, {} rounds of {} s a side.\n",
        database.version, place.kind, flags.workspaces, flags.clients, flags.rounds, flags.seconds
    );
}

/// Prints the updates, round by round and at the median.
pub(crate) fn ingest(ingest: &IngestRounds) {
    print_comparison(
        &format!("Accepted updates, in batches of {BATCH}"),
        ["HTTP", "bare statement"],
        &ingest.batches,
    );
    print_comparison(
        &format!("Repeated updates against new ones, both through HTTP, in batches of {BATCH}"),
        ["repeated", "new"],
        &ingest.repeated,
    );
    print_comparison(
        "Accepted updates, one a request against one a transaction, each client for workspaces of its own",
        ["HTTP", "bare transaction"],
        &ingest.singles,
    );
    print_comparison(
        "Accepted updates, one a request against one a transaction, all clients for one workspace",
        ["HTTP", "bare transaction"],
        &ingest.shared_singles,
    );
}

/// Prints the rounds of two sides, their medians, and the median of their ratios.
fn print_comparison(what: &str, [ours, theirs]: [&str; 2], rounds: &[Round]) {
    if rounds.is_empty() {
        return;
    }
    println!("{what}:\n");
    println!(
        "| round | {ours} upd/s | {theirs} upd/s | ratio | {ours} p50 / p99 ms | {theirs} p50 / p99 ms | others' CPU % |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (number, round) in rounds.iter().enumerate() {
        println!(
            "| {} | {:.0} | {:.0} | {:.2} | {} | {} | {:.0} |",
            number + 1,
            round.ours.rate(),
            round.theirs.rate(),
            round.ratio(),
            latencies(&round.ours.sent.latencies),
            latencies(&round.theirs.sent.latencies),
            others_percent(round.ours.cpu.plus(round.theirs.cpu)),
        );
    }
    println!("\nMedians of the rounds:\n");
    println!("| | {ours} | {theirs} |");
    println!("|---|---|---|");
    for (name, figure) in FIGURES {
        println!(
            "| {name} | {:.1} | {:.1} |",
            median(rounds.iter().map(|round| figure(&round.ours))),
            median(rounds.iter().map(|round| figure(&round.theirs)))
        );
    }
    println!(
        "\n**Median of the rounds' ratios: {:.2}**; by CPU time, which neighbours disturb less: {:.2}\n",
        median(rounds.iter().map(Round::ratio)),
        median(rounds.iter().map(Round::cpu_ratio))
    );
}

/// A function that computes a figure of a side.
type Figure = fn(&Side) -> f64;

/// The figures that are printed for a side.
const FIGURES: [(&str, Figure); 5] = [
    ("updates/s", Side::rate),
    ("service CPU us/update", Side::service_us),
    ("PostgreSQL CPU us/update", Side::postgres_us),
    ("load generator CPU us/update", Side::client_us),
    ("WAL B/update", Side::wal),
];

/// Prints the figures of each number of snapshots, the smaller first.
pub(crate) fn growth(sides: &[(usize, Side)], place: &DataDirectory, database: &BenchDatabase) {
    println!(
        "Accepted updates through HTTP in batches of {BATCH}, each workspace in its turn; PostgreSQL {}, {}:\n",
        database.version, place.kind
    );
    let heads: Vec<String> = sides
        .iter()
        .map(|(size, _)| format!("{size} snapshots |"))
        .collect();
    println!("| | {}", heads.join(" "));
    println!("|---{}|", "|---".repeat(sides.len()));
    for (name, figure) in FIGURES {
        let cells: Vec<String> = sides
            .iter()
            .map(|(_, side)| format!("{:.1} |", figure(side)))
            .collect();
        println!("| {name} | {}", cells.join(" "));
    }
    if let [(_, small), .., (_, large)] = sides {
        let cost = |side: &Side| side.service_us() + side.postgres_us();
        println!(
            "\n**CPU time of service and PostgreSQL an update: {:.2} times**\n",
            cost(large) / cost(small)
        );
    }
}

/// Prints the health reads.
pub(crate) fn health(subject: &ReadWorkspace, page: usize, reads: &HealthReads) {
    println!(
        "Health of {} devices, {page} of them in the answer ({} kB of JSON), one connection:\n",
        subject.devices,
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

/// Prints the pages of a long list.
pub(crate) fn pages(subject: &ReadWorkspace, reads: &PageReads) {
    println!(
        "A page of 100 snapshots of {} devices, one connection: p50 / p99 {} ms for the first, {} ms for those after it.\n",
        subject.devices,
        latencies(&reads.first),
        latencies(&reads.following)
    );
}

/// Prints the reads of issues.
pub(crate) fn issues(reads: &Reads, answer_bytes: usize) {
    let p95 = percentile(&reads.latencies, 95).as_secs_f64() * 1000.0;
    println!(
        "Issues of 1,000 devices, half of them silent ({} kB of JSON), one connection: p50 / p99 {} ms, **p95 {p95:.1} ms**; service {:.0} us of CPU, PostgreSQL {:.0} us.\n",
        answer_bytes / 1000,
        latencies(&reads.latencies),
        reads.per_read(reads.cpu.service),
        reads.per_read(reads.cpu.postgres),
    );
}

/// Prints the pages of the worklist over all workspaces.
pub(crate) fn worklist(
    devices: usize,
    reads: &WorklistReads,
    place: &DataDirectory,
    database: &BenchDatabase,
) {
    println!(
        "The first page of the worklist over {devices} devices, one connection, by turns; PostgreSQL {}, {}:\n",
        database.version, place.kind
    );
    println!("| | p50 / p99 ms |");
    println!("|---|---|");
    for (name, side) in [
        ("HTTP", &reads.http),
        ("its own statements", &reads.statements),
        ("a plain query", &reads.plain),
        ("a plain query of stale devices alone", &reads.stale_alone),
    ] {
        let mut sorted = side.clone();
        sorted.sort_unstable();
        println!("| {name} | {} |", latencies(&sorted));
    }
    let ratio = |theirs: &[Duration]| {
        let of_rounds = reads.http.iter().zip(theirs);
        median(of_rounds.map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()))
    };
    println!(
        "\n**Median of the rounds' ratios: {:.2}** to its own statements, {:.2} to the plain query, {:.2} to that of stale devices alone\n",
        ratio(&reads.statements),
        ratio(&reads.plain),
        ratio(&reads.stale_alone)
    );
}

/// Prints the spreadsheets of the worklist.
pub(crate) fn spreadsheets(sheets: &[SpreadsheetRead]) {
    println!("The same list as a spreadsheet:\n");
    println!("| rows | MB | s | service's memory at most, MiB |");
    println!("|---|---|---|---|");
    for sheet in sheets {
        println!(
            "| {} | {} | {:.1} | {} |",
            sheet.rows,
            sheet.bytes / 1_000_000,
            sheet.took.as_secs_f64(),
            sheet.peak_kib / 1024
        );
    }
    println!();
}

/// Prints the reads over past cycles.
pub(crate) fn indicators(reads: &IndicatorReads, place: &DataDirectory, database: &BenchDatabase) {
    println!(
        "{} workspaces with a day of cycles and one with a week, one connection; PostgreSQL {}, {}:\n",
        reads.workspaces, database.version, place.kind
    );
    println!("| | p50 / p95 ms | service CPU ms | PostgreSQL CPU ms |");
    println!("|---|---|---|---|");
    for (name, kind) in [
        ("indicators of the one", &reads.of_one),
        (
            "cycle figures of all over 24 h, the statement",
            &reads.slots,
        ),
        ("overview of all", &reads.overview),
    ] {
        let ms = |percent| percentile(&kind.latencies, percent).as_secs_f64() * 1000.0;
        println!(
            "| {name} | {:.1} / {:.1} | {:.1} | {:.1} |",
            ms(50),
            ms(95),
            kind.per_read(kind.cpu.service) / 1000.0,
            kind.per_read(kind.cpu.postgres) / 1000.0,
        );
    }
    println!();
}

/// Prints the machine's load before and after a run, which shows how quiet the machine was.
pub(crate) fn noise(before: &str, after: &str) {
    println!("Load average before {before}, after {after}.");
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

/// Returns the median: the middle figure, or the mean of the two in the middle.
pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
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
