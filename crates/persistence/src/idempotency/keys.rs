//! Claims and stored answers of idempotency keys. Each statement commits on its own, outside the transaction of the
//! request that holds the key: the request's changes are committed before the answer is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::idempotency::{BodyDigest, HeldKey, KeptAnswer, KeyName};
use domain::ids::{ClaimToken, WorkspaceId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, decode};

/// The record of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The facts that [`domain::idempotency::judge`] decides by.
    pub held: HeldKey,
    /// The claim that holds the key.
    pub claim: ClaimToken,
    /// The stored answer; `None` until the request has finished.
    pub answer: Option<KeptAnswer>,
}

impl Store {
    /// Loads the record of a key; `None` if the key is free.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn held_key(&self, name: &KeyName) -> Result<Option<KeyRecord>, StorageError> {
        sqlx::query_as!(
            IdempotencyKeyRow,
            r#"/* idempotency_keys: one */
            SELECT body_digest, claim, claimed_at, status, headers AS "headers: Json<BTreeMap<String, String>>", body
            FROM idempotency_keys WHERE workspace_id = $1 AND key_digest = $2"#,
            workspace_column(name),
            name.digest.as_slice(),
        )
        .fetch_optional(&self.pool)
        .await?
        .map(KeyRecord::try_from)
        .transpose()
    }

    /// Claims a key that is free, or that is held by the claim `replaces`. Returns `false` if another request was
    /// faster.
    ///
    /// The commit does not wait for the disk. PostgreSQL writes its log in order, so the claim is on disk before
    /// anything that the request commits later.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn claim_key(
        &self,
        name: &KeyName,
        body: BodyDigest,
        claim: ClaimToken,
        replaces: Option<ClaimToken>,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let claimed = sqlx::query!(
            r#"/* idempotency_keys: claim */
            WITH unawaited AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
            INSERT INTO idempotency_keys AS held (workspace_id, key_digest, body_digest, claim, claimed_at)
            SELECT $1, $2, $3, $4, $5 FROM unawaited
            ON CONFLICT (workspace_id, key_digest) DO UPDATE
            SET body_digest = excluded.body_digest, claim = excluded.claim, claimed_at = excluded.claimed_at,
                status = NULL, headers = NULL, body = NULL
            WHERE held.claim = $6"#,
            workspace_column(name),
            name.digest.as_slice(),
            body.0.as_slice(),
            claim.0,
            now,
            replaces.map(|claim| claim.0),
        )
        .execute(&self.pool)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Stores the answer of a claim. Returns `false` if another request has claimed the key since.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_answer(
        &self,
        name: &KeyName,
        claim: ClaimToken,
        answer: &KeptAnswer,
    ) -> Result<bool, StorageError> {
        let kept = sqlx::query!(
            r#"/* idempotency_keys: keep an answer */
            UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
            WHERE workspace_id = $1 AND key_digest = $2 AND claim = $3"#,
            workspace_column(name),
            name.digest.as_slice(),
            claim.0,
            // The conversion cannot fail, because an HTTP status has three digits.
            i16::try_from(answer.status).unwrap_or(i16::MAX),
            Json(&answer.headers) as _,
            answer.body,
        )
        .execute(&self.pool)
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Releases a claimed key whose request has changed nothing, so that the request can be retried.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn release_key(&self, name: &KeyName, claim: ClaimToken) -> Result<(), StorageError> {
        sqlx::query!(
            r#"/* idempotency_keys: release */
            DELETE FROM idempotency_keys
            WHERE workspace_id = $1 AND key_digest = $2 AND claim = $3 AND status IS NULL"#,
            workspace_column(name),
            name.digest.as_slice(),
            claim.0,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes keys that were claimed at `until` or earlier, and returns their number. Each workspace has a statement
    /// of its own, which removes at most `limit` keys. Several instances may do this at the same time.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_expired_keys(
        &self,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<u64, StorageError> {
        let mut removed = 0;
        for workspace_id in self.workspaces_with_expired_keys(until).await? {
            removed += sqlx::query!(
                r#"/* idempotency_keys: remove expired ones */
                WITH expired AS (
                    SELECT key_digest FROM idempotency_keys
                    WHERE workspace_id = $1 AND claimed_at <= $2
                    ORDER BY claimed_at
                    LIMIT $3
                    FOR UPDATE SKIP LOCKED
                )
                DELETE FROM idempotency_keys USING expired
                WHERE workspace_id = $1 AND idempotency_keys.key_digest = expired.key_digest"#,
                workspace_id,
                until,
                limit,
            )
            .execute(&self.pool)
            .await?
            .rows_affected();
        }
        Ok(removed)
    }

    /// Loads the workspaces that have expired keys. This is one of the few reads across workspaces. The statement steps
    /// from workspace to workspace in the index on claim times, and reads the oldest key of each.
    async fn workspaces_with_expired_keys(
        &self,
        until: DateTime<Utc>,
    ) -> Result<Vec<String>, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"/* idempotency_keys: workspaces with expired ones */
            WITH RECURSIVE step (workspace_id) AS (
                SELECT min(workspace_id) FROM idempotency_keys
                UNION ALL
                SELECT (SELECT min(workspace_id) FROM idempotency_keys later WHERE later.workspace_id > step.workspace_id)
                FROM step WHERE step.workspace_id IS NOT NULL
            )
            SELECT workspace_id AS "workspace_id!" FROM step
            WHERE EXISTS (
                SELECT 1 FROM idempotency_keys old
                WHERE old.workspace_id = step.workspace_id AND old.claimed_at <= $1
            )"#,
            until,
        )
        .fetch_all(&self.pool)
        .await?)
    }
}

/// Returns the workspace column of a key: the workspace's id, or the empty text for a route without a workspace. No
/// workspace id is empty.
fn workspace_column(name: &KeyName) -> &str {
    name.workspace_id.as_ref().map_or("", WorkspaceId::as_str)
}

/// The columns of an idempotency key.
struct IdempotencyKeyRow {
    body_digest: Vec<u8>,
    claim: Uuid,
    claimed_at: DateTime<Utc>,
    status: Option<i16>,
    headers: Option<Json<BTreeMap<String, String>>>,
    body: Option<Vec<u8>>,
}

impl TryFrom<IdempotencyKeyRow> for KeyRecord {
    type Error = StorageError;

    fn try_from(row: IdempotencyKeyRow) -> Result<Self, StorageError> {
        let answer = match (row.status, row.headers, row.body) {
            (Some(status), Some(Json(headers)), Some(body)) => Some(KeptAnswer {
                status: u16::try_from(status)
                    .map_err(|_| StorageError::corrupt("status", status))?,
                headers,
                body,
            }),
            _ => None,
        };
        Ok(Self {
            held: HeldKey {
                body: BodyDigest(decode::digest("body_digest", &row.body_digest)?),
                claimed_at: row.claimed_at,
                answered: answer.is_some(),
            },
            claim: ClaimToken(row.claim),
            answer,
        })
    }
}
