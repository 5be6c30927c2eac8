//! Rounds by turns: two sides that alternate, so that whatever else the machine does hits both.

use std::time::Duration;

use sqlx::PgConnection;

use crate::BenchFlags;
use crate::cpu::{CpuTime, Processes};
use crate::fleet::BenchFleet;
use crate::load::{Client, SentLoad, drive};

/// Before the rounds, each side sends for this long and for every workspace twice.
const WARM_UP: Duration = Duration::from_secs(1);

/// What one side did in one round.
pub(crate) struct Side {
    pub(crate) sent: SentLoad,
    pub(crate) cpu: CpuTime,
    pub(crate) wal_bytes: u64,
}

/// A round of both.
pub(crate) struct Round {
    /// What is measured.
    pub(crate) ours: Side,
    /// What it is measured by.
    pub(crate) theirs: Side,
}

/// Rounds, and how many updates each side sent, warm-up included.
#[derive(Default)]
pub(crate) struct Rounds {
    pub(crate) rounds: Vec<Round>,
    pub(crate) updates: [usize; 2],
}

/// Reads the processes' time and the log's growth around each side of a round.
pub(crate) struct Meter<'a> {
    pub(crate) processes: &'a Processes,
    pub(crate) connection: PgConnection,
}

impl Meter<'_> {
    /// Lets both sides take turns, the order changing from round to round.
    ///
    /// # Errors
    /// When a request is not answered as it must be.
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

    /// One side for so long.
    ///
    /// # Errors
    /// When a request is not answered as it must be.
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
    /// Of the rates.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.rate() / self.theirs.rate()
    }

    /// What the ratio of the rates is where both sides keep all cores busy.
    pub(crate) fn cpu_ratio(&self) -> f64 {
        self.theirs.all_cpu() / self.ours.all_cpu()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures to three digits, of counts far below 2^52"
)]
impl Side {
    /// Updates a second.
    pub(crate) fn rate(&self) -> f64 {
        self.sent.updates as f64 / self.sent.elapsed.as_secs_f64()
    }

    /// CPU time of an update in the service, in microseconds; the others likewise.
    pub(crate) fn service_us(&self) -> f64 {
        self.cpu.service as f64 / self.sent.updates as f64
    }

    pub(crate) fn postgres_us(&self) -> f64 {
        self.cpu.postgres as f64 / self.sent.updates as f64
    }

    pub(crate) fn client_us(&self) -> f64 {
        self.cpu.client as f64 / self.sent.updates as f64
    }

    pub(crate) fn all_cpu(&self) -> f64 {
        self.service_us() + self.postgres_us() + self.client_us()
    }

    /// Bytes of write-ahead log an update.
    pub(crate) fn wal(&self) -> f64 {
        self.wal_bytes as f64 / self.sent.updates as f64
    }
}
