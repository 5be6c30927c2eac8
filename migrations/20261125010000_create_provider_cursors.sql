-- Where to go on at a provider that tells what has changed: the cursor that it handed out last, committed
-- with what it covers. A connection without a row is read from the beginning, as all were before.

CREATE TABLE provider_cursors (
    workspace_id       text        NOT NULL,
    provider_id        text        NOT NULL,
    cursor             text        NOT NULL,
    -- The connection's when it was asked; of another version the cursor counts for nothing.
    connection_version bigint      NOT NULL,
    -- When the reading of everything began that the changes since are built on.
    read_anew_at       timestamptz NOT NULL,
    -- With which cycle it came, and when.
    cycle_id           uuid        NOT NULL,
    committed_at       timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, provider_id),
    FOREIGN KEY (workspace_id, provider_id) REFERENCES provider_connections ON DELETE CASCADE
);
