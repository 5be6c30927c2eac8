//! Canonical snapshots for readers, returned as the domain's [`StoredSnapshot`](domain::history::StoredSnapshot).

mod list;
