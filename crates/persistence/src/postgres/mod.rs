//! What is about PostgreSQL itself: the pool, units of work and their fence, errors, partitions, and how values of
//! the domain are read from columns. It knows no table of a noun but the workspace's row, on which fences are taken.

pub(crate) mod decode;
pub(crate) mod driver;
mod error;
mod interval;
mod partitions;
mod store;
mod unit_of_work;

pub use error::StorageError;
pub use store::{PoolUse, Store};
pub use unit_of_work::{Fence, UnitOfWork};

pub(crate) use error::violated_constraint;
pub(crate) use interval::interval;
