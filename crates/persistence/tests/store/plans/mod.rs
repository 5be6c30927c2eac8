//! Plans of statements: which rows and indexes PostgreSQL reads for them.
//!
//! The rows are inserted in bulk, past the store: a plan depends on how many there are, and not on what they say.

mod envelopes;
mod events;
mod pages;
mod polls;
mod worklist;
mod workspaces;

/// Whether a table is read from end to end. Partitions of days to come do not count, because they are empty.
fn reads_a_whole_table(plan: &str) -> bool {
    plan.lines().any(|line| {
        let table = line.split("Seq Scan on ").nth(1);
        table.is_some_and(|table| !("event_store_20261124".."event_store_3").contains(&table))
    })
}
