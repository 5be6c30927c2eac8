//! The query that loads one reconciliation sweep.

use domain::ids::SweepId;
use domain::sweeps::SweepRecord;

use super::QueryError;
use crate::Core;

/// Loads a reconciliation sweep.
///
/// # Errors
/// [`QueryError::NotFound`]; [`QueryError::Storage`].
pub async fn get_sweep(core: &Core, id: SweepId) -> Result<SweepRecord, QueryError> {
    core.store
        .sweep(id)
        .await?
        .ok_or(QueryError::NotFound("reconciliation sweep"))
}
