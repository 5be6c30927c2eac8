-- The canonical snapshot of each device, and the history that it is the fold of.

CREATE TABLE snapshots (
    workspace_id            text        NOT NULL,
    device_id               text        NOT NULL,
    -- A snapshot belongs to one activation; a new activation starts empty.
    activation_id           uuid        NOT NULL,
    -- Accepted updates since the activation, and what it was before the latest batch: the guard that
    -- makes concurrent batches end as if serial (an upsert can only compare stored columns).
    version                 bigint      NOT NULL,
    replaces_version        bigint      NOT NULL,
    last_update_received_at timestamptz NOT NULL,
    newest_observed_at      timestamptz NOT NULL,
    -- {"<observed_at>": {"<signal>": value}}
    signals                 json        NOT NULL,
    -- {"<signal>": "<why it was dropped>"}, for signals that are not held.
    dropped                 json        NOT NULL,
    PRIMARY KEY (workspace_id, device_id)
)
-- Room for the next version on the same page, and no index beside the key: updates stay heap-only.
WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE event_store (
    workspace_id text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    event_id     uuid        NOT NULL,
    type         text        NOT NULL,
    device_id    text,
    cycle_id     uuid,
    trace_id     text,
    payload      json        NOT NULL,
    PRIMARY KEY (workspace_id, recorded_at, event_id)
) PARTITION BY RANGE (recorded_at);
