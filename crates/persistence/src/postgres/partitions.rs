//! Day partitions of the event store and of raw messages.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::AssertSqlSafe;

use super::error::StorageError;
use super::store::Store;

/// The number of days before today that get a partition: clocks of instances differ, and a demo writes past events.
const DAYS_BEHIND: u64 = 2;
/// The number of days after today that get a partition, so that writes still succeed after a week in which no instance
/// created one.
const DAYS_AHEAD: u64 = 7;

/// A table that is partitioned by the day of `recorded_at`.
#[derive(Clone, Copy)]
struct DayPartitionedTable {
    table: &'static str,
    /// The key of the advisory lock under which the table's partitions are created.
    lock: i64,
}

/// The partitioned table of events.
const EVENT_STORE: DayPartitionedTable = DayPartitionedTable {
    table: "event_store",
    lock: 7_160_420_260_415,
};
/// The partitioned table of raw messages.
const RAW_MESSAGES: DayPartitionedTable = DayPartitionedTable {
    table: "raw_messages",
    lock: 7_160_420_260_416,
};

impl Store {
    /// Creates the missing partitions of the days around `now`. Several instances may do this at the same time.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn ensure_partitions(&self, now: DateTime<Utc>) -> Result<(), StorageError> {
        let first = now.date_naive() - Days::new(DAYS_BEHIND);
        let days = usize::try_from(DAYS_BEHIND + DAYS_AHEAD + 1).unwrap_or(0);
        for table in [EVENT_STORE, RAW_MESSAGES] {
            let existing = self.list_partitions(table).await?;
            let wanted = first.iter_days().take(days);
            for day in wanted.filter(|day| !existing.contains(&table.partition_name(*day))) {
                self.create_partition(table, day).await?;
            }
        }
        Ok(())
    }

    /// Drops the event partitions of days before `first_kept`, and returns the dropped days. Readers and writers of
    /// other days are not blocked. The call also finishes a drop that was interrupted.
    ///
    /// # Errors
    /// Returns an error if the store fails; days that were dropped before the failure stay dropped.
    pub async fn drop_event_partitions(
        &self,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        self.drop_partitions(EVENT_STORE, first_kept).await
    }

    /// Drops the raw-message partitions of days before `first_kept`, and returns the dropped days. The caller deletes
    /// the envelopes of these days first ([`Self::delete_envelopes_before`]), because they are found by their messages.
    ///
    /// # Errors
    /// Returns an error if the store fails; days that were dropped before the failure stay dropped.
    pub async fn drop_raw_message_partitions(
        &self,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        self.drop_partitions(RAW_MESSAGES, first_kept).await
    }

    /// Drops a table's partitions of days before `first_kept`, and returns the dropped days.
    async fn drop_partitions(
        &self,
        DayPartitionedTable { table, .. }: DayPartitionedTable,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        // `detaching` is NULL for a table that is no longer a partition.
        let partitions = sqlx::query!(
            r#"/* partitions of a table, those half gone too */
            SELECT table_of.relname::text AS "name!", inhdetachpending AS "detaching?" FROM pg_class table_of
            LEFT JOIN pg_inherits ON inhrelid = table_of.oid AND inhparent = $1::text::regclass
            WHERE table_of.relkind = 'r' AND table_of.relname ~ ('^' || $1 || '_[0-9]{8}$')
              AND table_of.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = $1::text::regclass)
            ORDER BY table_of.relname"#,
            table,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut dropped = Vec::new();
        for partition in partitions {
            let Some(day) = parse_partition_day(&partition.name).filter(|day| *day < first_kept)
            else {
                continue;
            };
            // The name is safe to insert into SQL: the statement above matched it against a table's name and a date.
            // The detachment is concurrent, because a plain one would wait for every reader of the table, and all
            // later statements would wait behind the detachment.
            let name = partition.name;
            let detach = match partition.detaching {
                Some(false) => Some("CONCURRENTLY"),
                Some(true) => Some("FINALIZE"),
                None => None,
            };
            if let Some(how) = detach {
                let statement = format!("ALTER TABLE {table} DETACH PARTITION {name} {how}");
                sqlx::raw_sql(AssertSqlSafe(statement))
                    .execute(&self.pool)
                    .await?;
            }
            sqlx::raw_sql(AssertSqlSafe(format!("DROP TABLE {name}")))
                .execute(&self.pool)
                .await?;
            dropped.push(day);
        }
        Ok(dropped)
    }

    /// Lists the names of a table's partitions.
    async fn list_partitions(
        &self,
        DayPartitionedTable { table, .. }: DayPartitionedTable,
    ) -> Result<Vec<String>, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"/* partitions of a table */
            SELECT child.relname::text AS "name!" FROM pg_inherits
            JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent = $1::text::regclass"#,
            table,
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Creates the partition of a day, unless another instance has created the partition.
    async fn create_partition(
        &self,
        table: DayPartitionedTable,
        day: NaiveDate,
    ) -> Result<(), StorageError> {
        // Table names and bounds cannot be parameters; here they are constants and a date, which are safe. The lock is
        // held until the block's transaction ends, so of two instances that create the same day the second finds the
        // table. The table is created first and then attached, because creating it as a partition would lock the
        // parent against readers: that lock would wait for a running export, and all new events would wait behind it.
        let statement = format!(
            "DO $$ BEGIN
                PERFORM pg_advisory_xact_lock({lock});
                IF to_regclass('{name}') IS NULL THEN
                    CREATE TABLE {name} (LIKE {parent} INCLUDING ALL);
                    ALTER TABLE {parent} ATTACH PARTITION {name}
                        FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00');
                END IF;
            END $$",
            lock = table.lock,
            parent = table.table,
            name = table.partition_name(day),
            next = day + Days::new(1),
        );
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl DayPartitionedTable {
    /// Returns the name of the partition of a day.
    fn partition_name(self, day: NaiveDate) -> String {
        format!("{}_{}", self.table, day.format("%Y%m%d"))
    }
}

/// Returns the day of a partition from its name.
fn parse_partition_day(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.rsplit_once('_')?.1, "%Y%m%d").ok()
}
