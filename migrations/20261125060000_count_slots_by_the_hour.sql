-- How many slots ended how, by the hour that they lie in: written by whatever ends a slot, so that a look
-- over all workspaces need not read all their cycles. A slot that nothing triggered counts as missed, also
-- when a recovery makes up for it, and as nothing else.

CREATE TABLE poll_cycle_hours (
    workspace_id text        NOT NULL REFERENCES workspaces,
    -- Its beginning, in UTC.
    hour         timestamptz NOT NULL,
    -- completed, partial, failed, missed, skipped, expired or abandoned
    outcome      text        NOT NULL,
    slots        integer     NOT NULL,
    PRIMARY KEY (workspace_id, hour, outcome)
);

-- Slots that ended before. Those that an instance of the version before ends after this are not counted.
INSERT INTO poll_cycle_hours (workspace_id, hour, outcome, slots)
SELECT workspace_id, date_trunc('hour', scheduled_time, 'UTC'),
       CASE WHEN missed_at IS NULL THEN status ELSE 'missed' END, count(*)
FROM poll_cycles
WHERE scheduled_time IS NOT NULL AND (missed_at IS NOT NULL OR status NOT IN ('queued', 'running'))
GROUP BY 1, 2, 3;
