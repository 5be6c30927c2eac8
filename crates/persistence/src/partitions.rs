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

    /// Drops the days before `first_kept` with all their events; answers which days went. Readers and
    /// writers of other days go on. Takes up what an interrupted drop has left.
    ///
    /// # Errors
    /// When the store fails; days that went before that stay gone.
    pub async fn drop_event_partitions(
        &self,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        // Of those that are partitions no more, `detaching` is nothing.
        let tables = sqlx::query!(
            r#"/* event_store: partitions, those half gone too */
            SELECT table_of.relname::text AS "name!", inhdetachpending AS "detaching?" FROM pg_class table_of
            LEFT JOIN pg_inherits ON inhrelid = table_of.oid AND inhparent = 'event_store'::regclass
            WHERE table_of.relkind = 'r' AND table_of.relname ~ '^event_store_[0-9]{8}$'
              AND table_of.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'event_store'::regclass)
            ORDER BY table_of.relname"#
        )
        .fetch_all(&self.pool)
        .await?;
        let mut dropped = Vec::new();
        for table in tables {
            let Some(day) = day_of(&table.name).filter(|day| *day < first_kept) else {
                continue;
            };
            // As above, the name is made of a date only. Concurrently, because a plain detachment
            // would wait for every reader of the store, and all others behind it.
            let name = name_of(day);
            let detach = match table.detaching {
                Some(false) => Some("CONCURRENTLY"),
                Some(true) => Some("FINALIZE"),
                None => None,
            };
            if let Some(how) = detach {
                let statement = format!("ALTER TABLE event_store DETACH PARTITION {name} {how}");
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

fn day_of(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.strip_prefix("event_store_")?, "%Y%m%d").ok()
}
