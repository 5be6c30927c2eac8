-- Idempotency keys: what a request that names itself was answered, for a day.

CREATE TABLE idempotency_keys (
    -- The workspace of the path; empty, which no workspace can be called, where a path names none.
    workspace_id text        NOT NULL,
    -- SHA-256 of client, route and key: as long as an index takes, whatever a client sends.
    key_digest   bytea       NOT NULL,
    -- SHA-256 of the request's body, decompressed.
    body_digest  bytea       NOT NULL,
    -- Whoever claims the key later has another: only the latest claim keeps an answer.
    claim        uuid        NOT NULL,
    claimed_at   timestamptz NOT NULL,
    -- The answer; nothing while the request is in flight.
    status       smallint,
    headers      jsonb,
    body         bytea,
    PRIMARY KEY (workspace_id, key_digest),
    CHECK (num_nulls(status, headers, body) IN (0, 3))
);
-- Finds the expired ones.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (workspace_id, claimed_at);
