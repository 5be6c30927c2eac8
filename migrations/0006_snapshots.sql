-- Snapshots: the signals that are held of each device.

CREATE TABLE snapshots (
    workspace_id            text        NOT NULL,
    device_id               text        NOT NULL,
    activation_id           uuid        NOT NULL,
    version                 bigint      NOT NULL,
    replaces_version        bigint      NOT NULL,
    last_update_received_at timestamptz NOT NULL,
    newest_observed_at      timestamptz NOT NULL,
    signals                 json        NOT NULL,
    dropped                 json        NOT NULL,
    PRIMARY KEY (workspace_id, device_id)
)
-- Room for the next version on the same page, and no index beside the key: updates stay heap-only.
WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- For the reason that is given at devices.
ALTER TABLE snapshots ALTER COLUMN workspace_id SET (n_distinct = -0.01);

COMMENT ON TABLE snapshots IS
    'What is held of a device in its activation: the result of all its accepted updates. Written by the function '
    'record_updates and by repairs; deleted when a new activation begins. A device that has not reported has no row.';
COMMENT ON COLUMN snapshots.version IS
    'Number of accepted updates since the activation. Guards every write: a batch that was decided on another version '
    'does not change the row.';
COMMENT ON COLUMN snapshots.replaces_version IS
    'The version that the latest batch was decided on. A column because ON CONFLICT DO UPDATE can compare only '
    'columns.';
COMMENT ON COLUMN snapshots.newest_observed_at IS 'The newest time that the provider gave for a held signal.';
COMMENT ON COLUMN snapshots.signals IS
    'Held values, grouped by the time they were observed at: {"<observed_at>": {"<signal>": value}}.';
COMMENT ON COLUMN snapshots.dropped IS
    'Signals that came, could not be used and are not held: {"<signal>": "<reason>"}.';
