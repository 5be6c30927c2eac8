//! Counts of the envelopes that streams delivered between poll cycles.

use domain::fleet::ProviderType;
use domain::ids::CycleId;

use crate::postgres::{StorageError, UnitOfWork};

impl UnitOfWork {
    /// Moves the counts of arrivals since the last cycle to the record of this cycle, which ends in the same unit of
    /// work; so each envelope is counted in one cycle. Connections of the `streamed` types are recorded even if nothing
    /// arrived.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn record_streams(
        &mut self,
        cycle_id: CycleId,
        streamed: &[ProviderType],
    ) -> Result<(), StorageError> {
        let streamed: Vec<&str> = streamed.iter().map(|streamed| streamed.as_str()).collect();
        sqlx::query!(
            r#"/* poll_cycles: what streams brought */
            WITH arrived AS (
                SELECT provider_id, envelopes, accepted, quarantined, last_received_at
                FROM stream_arrivals WHERE workspace_id = $1 ORDER BY provider_id FOR UPDATE
            ), taken AS (
                UPDATE stream_arrivals AS counted SET envelopes = 0, accepted = 0, quarantined = 0
                FROM arrived
                WHERE counted.workspace_id = $1 AND counted.provider_id = arrived.provider_id AND arrived.envelopes > 0
            )
            UPDATE poll_cycles SET streams = (
                SELECT coalesce(json_agg(json_build_object(
                    'provider_id', c.provider_id,
                    'envelopes', coalesce(arrived.envelopes, 0),
                    'accepted', coalesce(arrived.accepted, 0),
                    'quarantined', coalesce(arrived.quarantined, 0),
                    'last_received_at', arrived.last_received_at
                ) ORDER BY c.provider_id), '[]')
                FROM provider_connections c LEFT JOIN arrived ON arrived.provider_id = c.provider_id
                WHERE c.workspace_id = $1 AND (arrived.provider_id IS NOT NULL OR c.provider_type = ANY ($3))
            )
            WHERE workspace_id = $1 AND cycle_id = $2"#,
            self.workspace_id.as_str(),
            cycle_id.0,
            &streamed as &[&str],
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
