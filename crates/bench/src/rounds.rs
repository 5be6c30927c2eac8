//! The rounds of a comparison: two sides alternate, so that other programs disturb both alike.

use std::time::Duration;

use sqlx::PgConnection;

use crate::BenchFlags;
use crate::cpu::{CpuTime, Processes};
use crate::fleet::BenchFleet;
use crate::load::{Client, SentLoad, drive};

/// The length of the warm-up, in which each side also sends at least twice for every workspace.
const WARM_UP: Duration = Duration::from_secs(1);

/// The result of one side in one round.
pub(crate) struct Side {
    pub(crate) sent: SentLoad,
    pub(crate) cpu: CpuTime,
    pub(crate) wal_bytes: u64,
}

/// A round of both sides.
pub(crate) struct Round {
    /// The side that is measured.
    pub(crate) ours: Side,
    /// The side that it is compared with.
    pub(crate) theirs: Side,
}

/// The rounds, and the number of updates that each side sent, warm-up included.
#[derive(Default)]
pub(crate) struct Rounds {
    pub(crate) rounds: Vec<Round>,
    pub(crate) updates: [usize; 2],
}

/// The meter of CPU time and write-ahead log, which is read before and after each side of a round.
pub(crate) struct Meter<'a> {
    pub(crate) processes: &'a Processes,
    pub(crate) connection: PgConnection,
}

impl Meter<'_> {
    /// Lets both sides take turns; the order changes from round to round.
    ///
    /// # Errors
    /// If a request gets a wrong answer.
    pub(crate) async fn alternate<A: Client, B: Client>(
        &mut self,
        flags: &BenchFlags,
        fleet: &BenchFleet,
        (ours, theirs): (&mut Vec<A>, &mut Vec<B>),
    ) -> anyhow::Result<Rounds> {
        let mut updates = [
            drive(ours, fleet, WARM_UP, 2).await?.updates,
            drive(theirs, fleet, WARM_UP, 2).await?.updates,
        ];
        let mut rounds = Vec::new();
        for number in 0..flags.rounds {
            eprintln!("bench: round {} of {}", number + 1, flags.rounds);
            let round = if number % 2 == 0 {
                let ours = self.side(ours, fleet, flags.round()).await?;
                let theirs = self.side(theirs, fleet, flags.round()).await?;
                Round { ours, theirs }
            } else {
                let theirs = self.side(theirs, fleet, flags.round()).await?;
                let ours = self.side(ours, fleet, flags.round()).await?;
                Round { ours, theirs }
            };
            updates[0] += round.ours.sent.updates;
            updates[1] += round.theirs.sent.updates;
            rounds.push(round);
        }
        Ok(Rounds { rounds, updates })
    }

    /// Measures one side for a span of time.
    ///
    /// # Errors
    /// If a request gets a wrong answer.
    pub(crate) async fn side<C: Client>(
        &mut self,
        clients: &mut Vec<C>,
        fleet: &BenchFleet,
        span: Duration,
    ) -> anyhow::Result<Side> {
        let (wal, cpu) = (self.wal_bytes().await?, self.processes.cpu_time()?);
        let sent = drive(clients, fleet, span, 0).await?;
        let cpu = self.processes.cpu_time()?.since(cpu);
        let wal_bytes = self.wal_bytes().await? - wal;
        Ok(Side {
            sent,
            cpu,
            wal_bytes,
        })
    }

    async fn wal_bytes(&mut self) -> anyhow::Result<u64> {
        let bytes: i64 =
            sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
                .fetch_one(&mut self.connection)
                .await?;
        Ok(bytes.try_into()?)
    }
}

impl Round {
    /// Returns the ratio of the sides' rates.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.rate() / self.theirs.rate()
    }

    /// Returns the ratio of the CPU time per update, which equals the ratio of the rates if both sides keep
    /// all cores busy.
    pub(crate) fn cpu_ratio(&self) -> f64 {
        self.theirs.all_cpu() / self.ours.all_cpu()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures to three digits, of counts far below 2^52"
)]
impl Side {
    /// Returns the updates per second.
    pub(crate) fn rate(&self) -> f64 {
        self.sent.updates as f64 / self.sent.elapsed.as_secs_f64()
    }

    /// Returns the CPU time of an update in the service, in microseconds.
    pub(crate) fn service_us(&self) -> f64 {
        self.cpu.service as f64 / self.sent.updates as f64
    }

    /// Returns the CPU time of an update in PostgreSQL, in microseconds.
    pub(crate) fn postgres_us(&self) -> f64 {
        self.cpu.postgres as f64 / self.sent.updates as f64
    }

    /// Returns the CPU time of an update in the load generator, in microseconds.
    pub(crate) fn client_us(&self) -> f64 {
        self.cpu.client as f64 / self.sent.updates as f64
    }

    /// Returns the CPU time of an update in all three, in microseconds.
    pub(crate) fn all_cpu(&self) -> f64 {
        self.service_us() + self.postgres_us() + self.client_us()
    }

    /// Returns the bytes of write-ahead log per update.
    pub(crate) fn wal(&self) -> f64 {
        self.wal_bytes as f64 / self.sent.updates as f64
    }
}
