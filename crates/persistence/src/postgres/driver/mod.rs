//! Workarounds for the driver, sqlx 0.9.0. Each file says which property of the driver makes it necessary.

mod id_column;
mod json_column;
mod kept_connections;
mod row_spans;
mod time_column;
pub(crate) mod transaction;

pub(crate) use id_column::IdColumn;
pub(crate) use json_column::JsonColumn;
pub(crate) use kept_connections::KeptConnections;
pub(crate) use row_spans::without_row_spans;
pub(crate) use time_column::TimeColumn;
