-- What tells which slots a workspace had, and which of them nothing triggered. Defaults are for rows that
-- an instance of the version before still writes.

ALTER TABLE workspaces
    -- Since when `active` and `poll_owner` together say that core polls the workspace, or that it does not.
    ADD COLUMN polling_changed_at timestamptz NOT NULL DEFAULT now(),
    -- From which minute on `poll_interval_minutes` counts, and the cadence before that with its own first
    -- minute. Older ones are forgotten.
    ADD COLUMN poll_interval_since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN previous_poll_interval_minutes integer,
    ADD COLUMN previous_poll_interval_since timestamptz;

-- Of the time before this migration no slot is held to have been missed: when a workspace was inactive is
-- not on record. The latest change of a policy is, and bounds how long its cadence has counted.
UPDATE workspaces SET poll_interval_since = policy_changed_at;

ALTER TABLE poll_cycles
    -- When the slot was found to have had no trigger; also of the recovery cycle that it then became.
    ADD COLUMN missed_at timestamptz;

ALTER TABLE provider_connections
    -- Failures from before the latest change do not count against what is configured now.
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();

-- The latest polls in which a connection was asked, past any number in which it was not.
CREATE INDEX poll_cycle_connections_asked ON poll_cycle_connections (workspace_id, provider_id, ended_at)
    WHERE outcome <> 'skipped';
