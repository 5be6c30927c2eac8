//! Day partitions: of the event store, and of raw messages.

use chrono::{DateTime, Days, NaiveDate, Utc};
use sqlx::AssertSqlSafe;

use super::error::StorageError;
use super::store::Store;

/// Days before today that get a partition too: the clocks of instances differ, and a demo has a past.
const DAYS_BEHIND: u64 = 2;
/// Days ahead: a week without any instance running must not end with writes that have no place.
const DAYS_AHEAD: u64 = 7;

/// A table that is partitioned by the day of `recorded_at`.
#[derive(Clone, Copy)]
struct ByDay {
    table: &'static str,
    /// The key of the advisory lock under which its partitions are made.
    lock: i64,
}

const EVENT_STORE: ByDay = ByDay {
    table: "event_store",
    lock: 7_160_420_260_415,
};
const RAW_MESSAGES: ByDay = ByDay {
    table: "raw_messages",
    lock: 7_160_420_260_416,
};

impl Store {
    /// Makes sure that the days around `now` have their partitions. Safe from several instances.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ensure_partitions(&self, now: DateTime<Utc>) -> Result<(), StorageError> {
        let first = now.date_naive() - Days::new(DAYS_BEHIND);
        let days = usize::try_from(DAYS_BEHIND + DAYS_AHEAD + 1).unwrap_or(0);
        for table in [EVENT_STORE, RAW_MESSAGES] {
            let existing = self.partitions(table).await?;
            let wanted = first.iter_days().take(days);
            for day in wanted.filter(|day| !existing.contains(&table.partition(*day))) {
                self.create_partition(table, day).await?;
            }
        }
        Ok(())
    }

    /// Drops the days of events before `first_kept`; answers which days went. Readers and writers of
    /// other days go on. Takes up what an interrupted drop has left.
    ///
    /// # Errors
    /// When the store fails; days that went before that stay gone.
    pub async fn drop_event_partitions(
        &self,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        self.drop_partitions(EVENT_STORE, first_kept).await
    }

    /// The same for days of raw messages. Their envelopes are to be forgotten before
    /// ([`Self::delete_envelopes_before`]): they are found by these rows.
    ///
    /// # Errors
    /// When the store fails; days that went before that stay gone.
    pub async fn drop_raw_message_partitions(
        &self,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        self.drop_partitions(RAW_MESSAGES, first_kept).await
    }

    async fn drop_partitions(
        &self,
        ByDay { table, .. }: ByDay,
        first_kept: NaiveDate,
    ) -> Result<Vec<NaiveDate>, StorageError> {
        // Of those that are partitions no more, `detaching` is nothing.
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
            let Some(day) = day_of(&partition.name).filter(|day| *day < first_kept) else {
                continue;
            };
            // The name ends with a date and begins with a table of ours, as below. Concurrently, because
            // a plain detachment would wait for every reader of the table, and all others behind it.
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

    async fn partitions(&self, ByDay { table, .. }: ByDay) -> Result<Vec<String>, StorageError> {
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

    async fn create_partition(&self, table: ByDay, day: NaiveDate) -> Result<(), StorageError> {
        // Table names and bounds cannot be parameters; they are made of names of ours and a date. Two
        // instances that create the same day at once: the lock, which the block's transaction holds to
        // its end, lets the second find it there. Attached, and not created as a partition, because that
        // would lock the whole table against its readers: it would wait for an export of events, and
        // every event to come would wait behind it.
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
            name = table.partition(day),
            next = day + Days::new(1),
        );
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl ByDay {
    fn partition(self, day: NaiveDate) -> String {
        format!("{}_{}", self.table, day.format("%Y%m%d"))
    }
}

fn day_of(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.rsplit_once('_')?.1, "%Y%m%d").ok()
}
