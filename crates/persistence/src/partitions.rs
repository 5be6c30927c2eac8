//! Day partitions of the event store.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::AssertSqlSafe;

use crate::{StorageError, Store};

/// Days before today that get a partition too: the clocks of instances differ, and a demo has a past.
const DAYS_BEHIND: u64 = 2;
/// Days ahead: a week without any instance running must not end with writes that have no place.
const DAYS_AHEAD: u64 = 7;

impl Store {
    /// Makes sure that the days around `now` have their partitions. Safe from several instances.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure_partitions(&self, now: DateTime<Utc>) -> Result<(), StorageError> {
        let first = now.date_naive() - Days::new(DAYS_BEHIND);
        let wanted = first
            .iter_days()
            .take(usize::try_from(DAYS_BEHIND + DAYS_AHEAD + 1).unwrap_or(0));
        let existing = self.event_partitions().await?;
        for day in wanted.filter(|day| !existing.contains(&name_of(*day))) {
            self.create_partition(day).await?;
        }
        Ok(())
    }

    async fn event_partitions(&self) -> Result<Vec<String>, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"/* event_store: partitions */
            SELECT child.relname::text AS "name!" FROM pg_inherits
            JOIN pg_class child ON child.oid = inhrelid
            WHERE inhparent = 'event_store'::regclass"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    async fn create_partition(&self, day: NaiveDate) -> Result<(), StorageError> {
        // Table names and bounds cannot be parameters; both are made of a date only. Two instances
        // that create the same day at once: the lock, which the block's transaction holds to its end,
        // lets the second find it there. Attached, and not created as a partition, because that would
        // lock the whole store against its readers: it would wait for an export of events, and every
        // event to come would wait behind it.
        let statement = format!(
            "DO $$ BEGIN
                PERFORM pg_advisory_xact_lock(7160420260415);
                IF to_regclass('{name}') IS NULL THEN
                    CREATE TABLE {name} (LIKE event_store INCLUDING ALL);
                    ALTER TABLE event_store ATTACH PARTITION {name}
                        FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00');
                END IF;
            END $$",
            name = name_of(day),
            next = day + Days::new(1),
        );
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

fn name_of(day: NaiveDate) -> String {
    format!("event_store_{}", day.format("%Y%m%d"))
}
