//! The parts that are about PostgreSQL itself: the pool, units of work and their fence, errors, partitions, and the
//! decoding of columns. Of the tables that belong to nouns, this folder uses only the workspaces, whose rows the fences
//! lock.

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
