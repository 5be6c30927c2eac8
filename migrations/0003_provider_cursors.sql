-- Provider cursors: where the next poll of a provider's feeds of changes goes on.

CREATE TABLE provider_cursors (
    workspace_id       text        NOT NULL,
    provider_id        text        NOT NULL,
    feed               text        NOT NULL,
    cursor             text        NOT NULL,
    connection_version bigint      NOT NULL,
    read_anew_at       timestamptz NOT NULL,
    cycle_id           uuid        NOT NULL,
    committed_at       timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, provider_id, feed),
    FOREIGN KEY (workspace_id, provider_id) REFERENCES provider_connections ON DELETE CASCADE
);

COMMENT ON TABLE provider_cursors IS
    'The cursor that a provider returned last in one feed of a connection. Written by the poll that used the answer, in '
    'the transaction that records the answer. A feed without a row is read from its beginning.';
COMMENT ON COLUMN provider_cursors.feed IS 'Name of the feed; a connection may be read by several.';
COMMENT ON COLUMN provider_cursors.connection_version IS
    'Version of the connection that was polled. The cursor is not used for another version: another account may stand '
    'behind it.';
COMMENT ON COLUMN provider_cursors.read_anew_at IS 'When the latest reading from the beginning of the feed began.';
COMMENT ON COLUMN provider_cursors.cycle_id IS 'The poll cycle that brought the cursor.';
