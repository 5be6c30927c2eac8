//! What came of it, as Markdown, and what must not have.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attempt::Outcome;
use super::footprint::{Footprint, course};
use super::kinds::KINDS;
use super::traffic::SentAttempt;
use crate::database::BenchDatabase;
use crate::load::percentile;
use crate::place::DataDirectory;

/// Outcomes that no kind may have, or that this one may not.
pub(crate) fn wrong(sent: &[SentAttempt]) -> Vec<String> {
    let mut wrong: BTreeMap<(&str, Outcome), usize> = BTreeMap::new();
    for one in sent {
        let is_failure = matches!(one.outcome, Outcome::Status(500..));
        if is_failure || !one.kind.may.contains(&one.outcome) {
            *wrong.entry((one.kind.name, one.outcome)).or_default() += 1;
        }
    }
    let told = |((kind, outcome), count)| format!("{kind}: {outcome}, {count} times");
    wrong.into_iter().map(told).collect()
}

/// The tables.
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
    println!("| kind | must be | was |");
    println!("|---|---|---|");
    for kind in KINDS {
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for one in sent.iter().filter(|one| one.kind.name == kind.name) {
            *outcomes.entry(one.outcome).or_default() += 1;
        }
        let must: Vec<String> = kind.may.iter().map(ToString::to_string).collect();
        let was: Vec<String> = outcomes
            .iter()
            .map(|(outcome, count)| format!("{outcome}: {count}"))
            .collect();
        println!(
            "| {} | {} | {} |",
            kind.name,
            must.join(" or "),
            was.join(", ")
        );
    }
    println!("\n| honest traffic | requests | p50 ms | p99 ms | slowest ms |");
    println!("|---|---|---|---|---|");
    for kind in KINDS.iter().filter(|kind| kind.is_honest) {
        let of_kind = sent.iter().filter(|one| one.kind.name == kind.name);
        line(kind.name, of_kind.map(|one| one.took).collect());
    }
    let honest = sent.iter().filter(|one| one.kind.is_honest);
    line("all", honest.map(|one| one.took).collect());

    println!("\n| the service, by sixths of the time | resident MiB | open files and sockets |");
    println!("|---|---|---|");
    for (at, part) in course(samples, 6).iter().enumerate() {
        println!("| {} | {:.1} | {} |", at + 1, mib(*part), part.descriptors);
    }
    println!();
}

fn line(name: &str, mut took: Vec<Duration>) {
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
