//! The past poll cycles that are written straight into the tables, with their polls and hourly counts.

use sqlx::PgConnection;

/// The cycles: five minutes apart, one slot in a hundred missed, two partial. The rows are written slot by
/// slot over all workspaces, as in production, so that no workspace's rows lie together.
const CYCLES: &str = "
    INSERT INTO poll_cycles (workspace_id, cycle_id, trigger, status, scheduled_time, due_at, triggered_at, started_at,
        ended_at, missed_at, measured_since, eligible_us, fresh_us)
    SELECT $1 || lpad(number::text, 5, '0'),
           (lpad(to_hex((extract(epoch FROM slot) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
            || '8' || substr(md5(random()::text), 1, 15))::uuid,
           'scheduled', status, slot, slot + interval '61 s', slot, started_at, slot + interval '65 s',
           CASE status WHEN 'missed' THEN slot + interval '76 s' END,
           slot - interval '235 s', 30000000000, 29500000000
    FROM generate_series(1, $4::int) AS back
    CROSS JOIN LATERAL (SELECT date_trunc('minute', now()) - back * interval '5 min' AS slot) AS slots
    CROSS JOIN generate_series($2::int, $3::int - 1) AS number
    CROSS JOIN LATERAL (
        SELECT CASE (number + back * 7) % 100 WHEN 0 THEN 'missed' WHEN 1 THEN 'partial' WHEN 2 THEN 'partial' ELSE 'completed' END AS status
    ) AS ended
    CROSS JOIN LATERAL (
        SELECT CASE status WHEN 'missed' THEN NULL ELSE slot + interval '61 s' + random() * interval '2 s' END AS started_at
    ) AS started";

const POLLS: &str = "
    INSERT INTO poll_cycle_connections (workspace_id, cycle_id, provider_id, outcome, error_class, error_detail,
        devices_expected, returned, missing, unchanged, accepted, duplicate, stale, rejected, rejected_devices,
        attempts, duration_ms, started_at, ended_at)
    SELECT workspace_id, cycle_id, 'bench', 'ok', NULL, NULL, 100, 99, '{}', 0, 99, 0, 0, '{}', '{}', 1, 800,
           started_at, ended_at
    FROM poll_cycles
    WHERE workspace_id >= $1 || lpad($2::int::text, 5, '0') AND workspace_id < $1 || lpad($3::int::text, 5, '0')
      AND started_at IS NOT NULL
    ORDER BY ended_at";

const HOURS: &str = "
    INSERT INTO poll_cycle_hours (workspace_id, hour, outcome, slots)
    SELECT workspace_id, date_trunc('hour', scheduled_time, 'UTC'), status, count(*)
    FROM poll_cycles
    WHERE workspace_id >= $1 || lpad($2::int::text, 5, '0') AND workspace_id < $1 || lpad($3::int::text, 5, '0')
    GROUP BY 1, 2, 3 ORDER BY 2, 1";

/// The past cycles of a range of workspaces, named by a prefix and their number.
pub(crate) struct PastCycles<'p> {
    pub(crate) prefix: &'p str,
    /// The first workspace's number.
    pub(crate) from: i32,
    /// The number after the last workspace's.
    pub(crate) to: i32,
    /// The number of slots of each workspace.
    pub(crate) slots: i32,
}

impl PastCycles<'_> {
    /// Writes the cycles. Foreign keys are not checked, which would take most of the time; the workspaces
    /// exist.
    ///
    /// # Errors
    /// If PostgreSQL refuses a statement.
    pub(crate) async fn write(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        sqlx::raw_sql("SET session_replication_role = replica")
            .execute(&mut *connection)
            .await?;
        sqlx::query(CYCLES)
            .bind(self.prefix)
            .bind(self.from)
            .bind(self.to)
            .bind(self.slots)
            .execute(&mut *connection)
            .await?;
        for statement in [POLLS, HOURS] {
            sqlx::query(statement)
                .bind(self.prefix)
                .bind(self.from)
                .bind(self.to)
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }
}
