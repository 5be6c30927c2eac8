//! CPU time, from `/proc`: the steadiest figure on a machine that others use too.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// A tick of `/proc`, on every Linux of today.
const TICK_US: u64 = 10_000;

/// Whose CPU time is of interest, beside our own.
pub(crate) struct Processes {
    pub(crate) service: u32,
    pub(crate) postmaster: u32,
}

/// CPU time so far, or within a span, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) service: u64,
    /// All processes of the server, those included that have ended.
    pub(crate) postgres: u64,
    /// The load generator's.
    pub(crate) client: u64,
    /// Whoever uses the machine beside them.
    pub(crate) others: u64,
    /// What there is to be had, idle time included.
    pub(crate) machine: u64,
}

impl Processes {
    /// CPU time so far.
    ///
    /// # Errors
    /// When one of the processes has ended.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<CpuTime> {
        let service = Stat::of(&self.service.to_string())?.own;
        let postgres = family(self.postmaster)?;
        let client = Stat::of("self")?.own;
        let (busy, machine) = machine()?;
        Ok(CpuTime {
            service,
            postgres,
            client,
            others: busy.saturating_sub(service + postgres + client),
            machine,
        })
    }
}

impl CpuTime {
    /// What was used since.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            service: self.service.saturating_sub(earlier.service),
            postgres: self.postgres.saturating_sub(earlier.postgres),
            client: self.client.saturating_sub(earlier.client),
            others: self.others.saturating_sub(earlier.others),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            service: self.service + other.service,
            postgres: self.postgres + other.postgres,
            client: self.client + other.client,
            others: self.others + other.others,
            machine: self.machine + other.machine,
        }
    }
}

/// This process's CPU time so far, to a tick of `/proc`.
pub(crate) fn own() -> anyhow::Result<Duration> {
    Ok(Duration::from_micros(Stat::of("self")?.own))
}

/// The machine's load, as `/proc/loadavg` has it.
pub(crate) fn load_average() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

struct Stat {
    parent: u64,
    own: u64,
    /// Of children that have ended and been waited for.
    ended_children: u64,
}

impl Stat {
    fn of(process: &str) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))
            .with_context(|| format!("process {process} has ended"))?;
        // The name before it, in parentheses, may hold anything.
        let fields: Vec<u64> = stat
            .rsplit_once(')')
            .map_or("", |(_, fields)| fields)
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let ticks = |at: usize| fields.get(at).copied().unwrap_or(0) * TICK_US;
        Ok(Self {
            parent: fields.get(1).copied().unwrap_or(0),
            own: ticks(11) + ticks(12),
            ended_children: ticks(13) + ticks(14),
        })
    }
}

fn family(parent: u32) -> anyhow::Result<u64> {
    let head = Stat::of(&parent.to_string())?;
    let children = fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|process| Stat::of(&process).ok())
        .filter(|stat| stat.parent == u64::from(parent))
        .map(|stat| stat.own)
        .sum::<u64>();
    Ok(head.own + head.ended_children + children)
}

/// Busy (what the host took away included) and in all.
fn machine() -> anyhow::Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        // Guests are within user and nice.
        .take(8)
        .map(|field| field.parse().unwrap_or(0) * TICK_US)
        .collect();
    let all = ticks.iter().sum::<u64>();
    let idle = ticks.iter().skip(3).take(2).sum::<u64>();
    Ok((all - idle, all))
}
