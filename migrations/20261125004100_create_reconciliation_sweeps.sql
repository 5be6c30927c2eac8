-- Reconciliation sweeps: what is compared with the world outside, over all workspaces; so the one table
-- beside the counter that is not keyed by workspace.

CREATE TABLE reconciliation_sweeps (
    sweep_id      uuid        PRIMARY KEY,
    status        text        NOT NULL,
    requested_at  timestamptz NOT NULL,
    requested_by  text        NOT NULL,
    started_at    timestamptz,
    ended_at      timestamptz,
    -- What it found and did, once it has ended.
    report        jsonb,
    error         text,
    -- The holder's claim and until when, by the database's clock.
    claim         uuid,
    claimed_until timestamptz,
    claims_lost   integer     NOT NULL DEFAULT 0
);
-- One at a time.
CREATE UNIQUE INDEX reconciliation_sweeps_one_open ON reconciliation_sweeps ((true))
    WHERE status IN ('queued', 'running');
