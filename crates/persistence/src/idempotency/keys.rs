//! Idempotency keys: claims and answers. Each statement stands alone, beside the transaction of the
//! request that holds the key: what that did is committed before its answer is kept.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::idempotency::{BodyDigest, HeldKey, KeptAnswer, KeyName};
use domain::ids::{ClaimToken, WorkspaceId};
use sqlx::types::Json;
use uuid::Uuid;

use crate::postgres::{StorageError, Store, decode};

/// What is held under a key, for the rule, with whose it is and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// What [`domain::idempotency::judge`] looks at.
    pub held: HeldKey,
    /// Whose claim it is.
    pub claim: ClaimToken,
    /// The answer, once there is one.
    pub answer: Option<KeptAnswer>,
}

impl Store {
    /// What is held under a key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn held_key(&self, name: &KeyName) -> Result<Option<KeyRecord>, StorageError> {
        sqlx::query_as!(
            Row,
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

    /// Claims a key that was free, or was held by the claim `replaces` when it was judged. `false`
    /// when somebody else has been faster.
    ///
    /// Not waited for until it is on disk: it is there before anything that the request commits, since
    /// the log is written in order.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Keeps the answer of a claim; `false` when somebody else has claimed the key since.
    ///
    /// # Errors
    /// When the store fails.
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
            // Statuses have three digits.
            i16::try_from(answer.status).unwrap_or(i16::MAX),
            Json(&answer.headers) as _,
            answer.body,
        )
        .execute(&self.pool)
        .await?;
        Ok(kept.rows_affected() == 1)
    }

    /// Gives a claimed key back: its request has changed nothing.
    ///
    /// # Errors
    /// When the store fails.
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

    /// Removes keys claimed at `until` or earlier, at most `limit` a workspace, each workspace's in a
    /// statement of its own. Answers how many. Safe from several instances.
    ///
    /// # Errors
    /// When the store fails.
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

    /// One of the few reads across workspaces. It steps from workspace to workspace in the index of
    /// ages, and looks at the oldest key of each.
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

/// Returns the empty text for a route without a workspace: no workspace can be called so.
fn workspace_column(name: &KeyName) -> &str {
    name.workspace_id.as_ref().map_or("", WorkspaceId::as_str)
}

struct Row {
    body_digest: Vec<u8>,
    claim: Uuid,
    claimed_at: DateTime<Utc>,
    status: Option<i16>,
    headers: Option<Json<BTreeMap<String, String>>>,
    body: Option<Vec<u8>>,
}

impl TryFrom<Row> for KeyRecord {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
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
