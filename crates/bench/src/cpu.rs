//! CPU time, read from `/proc`: the steadiest figure on a machine that other programs use too.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// The length of a clock tick in `/proc`: 10 ms on every Linux of today.
const TICK_US: u64 = 10_000;

/// The processes whose CPU time is measured, beside the benchmark's own.
pub(crate) struct Processes {
    pub(crate) service: u32,
    pub(crate) postmaster: u32,
}

/// The CPU time used so far, or within a span, in microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    pub(crate) service: u64,
    /// The time of all processes of PostgreSQL, including those that have ended.
    pub(crate) postgres: u64,
    /// The time of the load generator, which is this process.
    pub(crate) client: u64,
    /// The time of all other programs on the machine.
    pub(crate) others: u64,
    /// The time of all cores, idle time included.
    pub(crate) machine: u64,
}

impl Processes {
    /// Reads the CPU time used so far.
    ///
    /// # Errors
    /// If one of the processes has ended.
    pub(crate) fn cpu_time(&self) -> anyhow::Result<CpuTime> {
        let service = ProcessStat::read(&self.service.to_string())?.own;
        let postgres = read_family_time(self.postmaster)?;
        let client = ProcessStat::read("self")?.own;
        let (busy, machine) = read_machine_time()?;
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
    /// Returns the time used since an earlier reading.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            service: self.service.saturating_sub(earlier.service),
            postgres: self.postgres.saturating_sub(earlier.postgres),
            client: self.client.saturating_sub(earlier.client),
            others: self.others.saturating_sub(earlier.others),
            machine: self.machine.saturating_sub(earlier.machine),
        }
    }

    /// Adds the times of two spans.
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

/// Reads the CPU time of this process so far, to a tick of `/proc`.
pub(crate) fn read_own_time() -> anyhow::Result<Duration> {
    Ok(Duration::from_micros(ProcessStat::read("self")?.own))
}

/// Returns the machine's load averages, as `/proc/loadavg` shows them.
pub(crate) fn load_average() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// The figures of one process in `/proc`; times are in microseconds.
struct ProcessStat {
    parent: u64,
    own: u64,
    /// The time of children that have ended and been waited for.
    ended_children: u64,
}

impl ProcessStat {
    fn read(process: &str) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))
            .with_context(|| format!("process {process} has ended"))?;
        // The process name comes first, in parentheses, and may itself hold spaces and parentheses.
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

/// Reads the CPU time of a process and its children.
fn read_family_time(parent: u32) -> anyhow::Result<u64> {
    let head = ProcessStat::read(&parent.to_string())?;
    let children = fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter_map(|process| ProcessStat::read(&process).ok())
        .filter(|stat| stat.parent == u64::from(parent))
        .map(|stat| stat.own)
        .sum::<u64>();
    Ok(head.own + head.ended_children + children)
}

/// Reads the machine's busy time (including what its host took away) and its whole time.
fn read_machine_time() -> anyhow::Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        // The two guest columns after these are already counted in `user` and `nice`.
        .take(8)
        .map(|field| field.parse().unwrap_or(0) * TICK_US)
        .collect();
    let all = ticks.iter().sum::<u64>();
    let idle = ticks.iter().skip(3).take(2).sum::<u64>();
    Ok((all - idle, all))
}
