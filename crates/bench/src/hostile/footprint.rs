//! The memory and the open files of the service while it is under load.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval};

/// The time between two samples.
const BETWEEN_SAMPLES: Duration = Duration::from_millis(250);

/// How much more memory the service may hold in the end, in percent of the memory at first: an allocator's
/// pages come and go, and so do the buffers of the largest bodies.
const RSS_PERCENT: u64 = 10;
/// How much more memory the service may hold in the end, beside the percentage.
const MORE_RSS_KIB: u64 = 8 << 10;
/// How many more files and sockets may be open in the end: each slow caller holds a connection, and their
/// number varies.
const MORE_DESCRIPTORS: u64 = 32;

/// One sample of the process's memory and open files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Footprint {
    /// The resident memory in KiB.
    pub(crate) rss_kib: u64,
    /// The number of open files and sockets.
    pub(crate) descriptors: u64,
}

/// Takes samples of a process for a span of time.
///
/// # Errors
/// If the process has ended.
pub(crate) async fn sample(process: u32, span: Duration) -> anyhow::Result<Vec<Footprint>> {
    let (end, mut samples) = (Instant::now() + span, Vec::new());
    let mut ticks = interval(BETWEEN_SAMPLES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while Instant::now() < end {
        ticks.tick().await;
        samples.push(Footprint::read(process)?);
    }
    Ok(samples)
}

/// Returns the medians of so many equal parts of the time.
pub(crate) fn medians_of_parts(samples: &[Footprint], parts: usize) -> Vec<Footprint> {
    samples
        .chunks_exact((samples.len() / parts).max(1))
        .map(median)
        .collect()
}

/// Describes what has grown from the first quarter of the time to the last.
pub(crate) fn describe_growth(samples: &[Footprint]) -> Vec<String> {
    let quarters = medians_of_parts(samples, 4);
    let (Some(first), Some(last)) = (quarters.first(), quarters.last()) else {
        return vec!["no sample of the service was taken".to_owned()];
    };
    let mut grown = Vec::new();
    if last.rss_kib > first.rss_kib * (100 + RSS_PERCENT) / 100 + MORE_RSS_KIB {
        grown.push(format!(
            "the service's memory grew from {} to {} KiB",
            first.rss_kib, last.rss_kib
        ));
    }
    if last.descriptors > first.descriptors + MORE_DESCRIPTORS {
        grown.push(format!(
            "the service's open files and sockets grew from {} to {}",
            first.descriptors, last.descriptors
        ));
    }
    grown
}

impl Footprint {
    fn read(process: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))
            .context("the service has ended")?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let rss = rss.and_then(|rss| rss.split_whitespace().next());
        Ok(Self {
            rss_kib: rss.context("no VmRSS: the service has ended")?.parse()?,
            descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64,
        })
    }
}

fn median(samples: &[Footprint]) -> Footprint {
    let middle = |figure: fn(&Footprint) -> u64| {
        let mut figures: Vec<u64> = samples.iter().map(figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    };
    Footprint {
        rss_kib: middle(|sample| sample.rss_kib),
        descriptors: middle(|sample| sample.descriptors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(figures: impl Fn(u64) -> (u64, u64)) -> Vec<Footprint> {
        let footprint = |(rss_kib, descriptors)| Footprint {
            rss_kib,
            descriptors,
        };
        (0..40).map(|at| footprint(figures(at))).collect()
    }

    #[test]
    fn what_goes_up_and_down_has_not_grown() {
        let up_and_down = samples(|at| (100_000 + 30_000 * (at % 2), 50 + 40 * (at % 2)));
        assert!(describe_growth(&up_and_down).is_empty());
        let once_high = samples(|at| {
            if at == 39 {
                (900_000, 900)
            } else {
                (100_000, 50)
            }
        });
        assert!(describe_growth(&once_high).is_empty());
    }

    #[test]
    fn what_only_goes_up_has_grown() {
        let more_memory = samples(|at| (100_000 + 1_000 * at, 50));
        assert_eq!(describe_growth(&more_memory).len(), 1);
        let more_files = samples(|at| (100_000, 50 + 2 * at));
        assert_eq!(describe_growth(&more_files).len(), 1);
    }
}
