//! What works around the driver, sqlx 0.9.0; each file says what would make it unnecessary.

mod id_column;
mod kept_connections;
mod time_column;
pub(crate) mod transaction;
mod unobserved;

pub(crate) use id_column::Id;
pub(crate) use kept_connections::KeptConnections;
pub(crate) use time_column::Moment;
pub(crate) use unobserved::in_bulk;
