-- Poll cycles by the hour: how many slots ended how.

CREATE TABLE poll_cycle_hours (
    workspace_id text        NOT NULL REFERENCES workspaces,
    hour         timestamptz NOT NULL,
    outcome      text        NOT NULL,
    slots        integer     NOT NULL,
    PRIMARY KEY (workspace_id, hour, outcome)
);

COMMENT ON TABLE poll_cycle_hours IS
    'How many slots of a workspace in an hour had an outcome, so that figures over all workspaces need not read all '
    'cycles. Counted up by every statement that ends a slot; deleted with the cycles.';
COMMENT ON COLUMN poll_cycle_hours.hour IS 'Beginning of the hour that the slot lies in, UTC.';
COMMENT ON COLUMN poll_cycle_hours.outcome IS
    'completed, partial, failed, missed, skipped, expired or abandoned. A slot that nothing triggered is counted '
    'once, as missed, also where a recovery cycle took its place.';
