-- Reconciliation sweeps: comparisons with the systems outside, and deletion by age.

CREATE TABLE reconciliation_sweeps (
    sweep_id      uuid        PRIMARY KEY,
    status        text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    requested_by  text        NOT NULL,
    started_at    timestamptz,
    ended_at      timestamptz,
    report        jsonb,
    error         text,
    claim         uuid,
    claimed_until timestamptz,
    claims_lost   integer     NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX reconciliation_sweeps_one_open ON reconciliation_sweeps ((true))
    WHERE status IN ('queued', 'running');

COMMENT ON TABLE reconciliation_sweeps IS
    'A reconciliation sweep over all workspaces, and so not keyed by workspace. Written by whoever requests it and by '
    'the instance that runs it; deleted after CYCLE_RETENTION_DAYS.';
COMMENT ON COLUMN reconciliation_sweeps.status IS 'queued, running, completed, partial or failed.';
COMMENT ON COLUMN reconciliation_sweeps.report IS
    'What the sweep found and did; NULL until it has ended, or if it ended without a report.';
COMMENT ON COLUMN reconciliation_sweeps.error IS 'Why the sweep ended without a report; NULL otherwise.';
COMMENT ON COLUMN reconciliation_sweeps.claim IS 'Token of the instance that runs the sweep; NULL if none does.';
COMMENT ON COLUMN reconciliation_sweeps.claimed_until IS
    'Until when no other instance takes the sweep over, by the clock of the database.';
COMMENT ON COLUMN reconciliation_sweeps.claims_lost IS 'How many claims ran out. The third ends the sweep as failed.';
COMMENT ON INDEX reconciliation_sweeps_one_open IS 'At most one sweep is queued or running.';
