//! What the service holds of the machine while it is under load.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval};

const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Memory may be this much higher in the end than at first: pages of an allocator come and go, and the
/// buffers of one of the largest bodies with them.
const RSS_PERCENT: u64 = 10;
const MORE_RSS_KIB: u64 = 8 << 10;
/// Slow callers hold a connection each, and there are not always equally many.
const MORE_DESCRIPTORS: u64 = 32;

/// One look at the process.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Footprint {
    /// Resident memory.
    pub(crate) rss_kib: u64,
    /// Files and sockets.
    pub(crate) descriptors: u64,
}

/// Looks again and again for that long.
///
/// # Errors
/// When the process has ended.
pub(crate) async fn watch(process: u32, span: Duration) -> anyhow::Result<Vec<Footprint>> {
    let (end, mut samples) = (Instant::now() + span, Vec::new());
    let mut ticks = interval(BETWEEN_LOOKS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while Instant::now() < end {
        ticks.tick().await;
        samples.push(Footprint::of(process)?);
    }
    Ok(samples)
}

/// Medians of so many equal parts of the time.
pub(crate) fn course(samples: &[Footprint], parts: usize) -> Vec<Footprint> {
    samples
        .chunks_exact((samples.len() / parts).max(1))
        .map(median)
        .collect()
}

/// In what the service has grown from the first quarter to the last.
pub(crate) fn growth(samples: &[Footprint]) -> Vec<String> {
    let quarters = course(samples, 4);
    let (Some(first), Some(last)) = (quarters.first(), quarters.last()) else {
        return vec!["nobody looked at the service".to_owned()];
    };
    let mut grown = Vec::new();
    if last.rss_kib > first.rss_kib * (100 + RSS_PERCENT) / 100 + MORE_RSS_KIB {
        grown.push(format!(
            "memory grew from {} to {} KiB",
            first.rss_kib, last.rss_kib
        ));
    }
    if last.descriptors > first.descriptors + MORE_DESCRIPTORS {
        grown.push(format!(
            "open files grew from {} to {}",
            first.descriptors, last.descriptors
        ));
    }
    grown
}

impl Footprint {
    fn of(process: u32) -> anyhow::Result<Self> {
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
        assert!(growth(&up_and_down).is_empty());
        let once_high = samples(|at| {
            if at == 39 {
                (900_000, 900)
            } else {
                (100_000, 50)
            }
        });
        assert!(growth(&once_high).is_empty());
    }

    #[test]
    fn what_only_goes_up_has_grown() {
        assert_eq!(growth(&samples(|at| (100_000 + 1_000 * at, 50))).len(), 1);
        assert_eq!(growth(&samples(|at| (100_000, 50 + 2 * at))).len(), 1);
    }
}
