-- Idempotency keys: answers to requests that may be sent again.

CREATE TABLE idempotency_keys (
    workspace_id text        NOT NULL,
    key_digest   bytea       NOT NULL,
    body_digest  bytea       NOT NULL,
    claim        uuid        NOT NULL,
    claimed_at   timestamptz NOT NULL,
    status       smallint,
    headers      jsonb,
    body         bytea,
    PRIMARY KEY (workspace_id, key_digest),
    CHECK (num_nulls(status, headers, body) IN (0, 3))
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (workspace_id, claimed_at);

COMMENT ON TABLE idempotency_keys IS
    'A request with an Idempotency-Key and its answer. Written by the API around the request; deleted by the upkeep '
    'of any instance after 24 hours.';
COMMENT ON COLUMN idempotency_keys.workspace_id IS
    'The workspace in the path; empty, which no workspace is called, if the path has none.';
COMMENT ON COLUMN idempotency_keys.key_digest IS
    'SHA-256 of client, route and key: of one length, whatever a client sends.';
COMMENT ON COLUMN idempotency_keys.body_digest IS 'SHA-256 of the body of the request, decompressed.';
COMMENT ON COLUMN idempotency_keys.claim IS
    'Token of the request that holds the key. A later claim of the key has another, and only the latest stores its '
    'answer.';
COMMENT ON COLUMN idempotency_keys.status IS
    'HTTP status of the answer; NULL while the request is in progress, as are headers and body.';
COMMENT ON INDEX idempotency_keys_by_age IS 'Finds expired keys.';
