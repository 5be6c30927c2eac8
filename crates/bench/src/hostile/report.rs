//! The result of the test: the wrong outcomes, and the printed tables in Markdown.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attempt::Outcome;
use super::footprint::{Footprint, medians_of_parts};
use super::kinds::KINDS;
use super::traffic::SentAttempt;
use crate::database::BenchDatabase;
use crate::load::percentile;
use crate::place::DataDirectory;

/// Describes the outcomes that their kind of traffic may not have. Statuses from 500 on are always wrong.
pub(crate) fn wrong_outcomes(sent: &[SentAttempt]) -> Vec<String> {
    let mut wrong: BTreeMap<(&str, Outcome), usize> = BTreeMap::new();
    for one in sent {
        let is_failure = matches!(one.outcome, Outcome::Status(500..));
        if is_failure || !one.kind.expected.contains(&one.outcome) {
            *wrong.entry((one.kind.name, one.outcome)).or_default() += 1;
        }
    }
    let describe = |((kind, outcome), count)| format!("{kind}: {outcome}, {count} times");
    wrong.into_iter().map(describe).collect()
}

/// Prints the outcomes by kind, the latencies of honest traffic, and the service's memory and open files.
pub(crate) fn print(
    sent: &[SentAttempt],
    samples: &[Footprint],
    database: &BenchDatabase,
    place: &DataDirectory,
) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{} requests; {cores} cores shared by load generator, service and PostgreSQL {}, {}.\n",
        sent.len(),
        database.version,
        place.kind
    );
    println!("| kind | expected | was |");
    println!("|---|---|---|");
    for kind in KINDS {
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for one in sent.iter().filter(|one| one.kind.name == kind.name) {
            *outcomes.entry(one.outcome).or_default() += 1;
        }
        let expected: Vec<String> = kind.expected.iter().map(ToString::to_string).collect();
        let was: Vec<String> = outcomes
            .iter()
            .map(|(outcome, count)| format!("{outcome}: {count}"))
            .collect();
        println!(
            "| {} | {} | {} |",
            kind.name,
            expected.join(" or "),
            was.join(", ")
        );
    }
    println!("\n| honest traffic | requests | p50 ms | p99 ms | slowest ms |");
    println!("|---|---|---|---|---|");
    for kind in KINDS.iter().filter(|kind| kind.is_honest) {
        let of_kind = sent.iter().filter(|one| one.kind.name == kind.name);
        print_latencies(kind.name, of_kind.map(|one| one.took).collect());
    }
    let honest = sent.iter().filter(|one| one.kind.is_honest);
    print_latencies("all", honest.map(|one| one.took).collect());

    println!("\n| the service, by sixths of the time | resident MiB | open files and sockets |");
    println!("|---|---|---|");
    for (at, part) in medians_of_parts(samples, 6).iter().enumerate() {
        println!("| {} | {:.1} | {} |", at + 1, mib(*part), part.descriptors);
    }
    println!();
}

fn print_latencies(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let ms = |percent| percentile(&took, percent).as_secs_f64() * 1000.0;
    println!(
        "| {name} | {} | {:.1} | {:.1} | {:.1} |",
        took.len(),
        ms(50),
        ms(99),
        ms(100)
    );
}

#[expect(clippy::cast_precision_loss, reason = "a figure to a tenth")]
fn mib(footprint: Footprint) -> f64 {
    footprint.rss_kib as f64 / 1024.0
}
