-- Schedules: what EventBridge is known to have of each workspace's schedule.

CREATE TABLE schedules (
    workspace_id             text        PRIMARY KEY REFERENCES workspaces,
    applied_interval_minutes integer,
    applied_expression       text,
    applied_at               timestamptz,
    claim                    uuid,
    claimed_until            timestamptz,
    failures                 integer     NOT NULL DEFAULT 0,
    error                    text
);

COMMENT ON TABLE schedules IS
    'What EventBridge confirmed last about the schedule of a workspace. What it should have follows from workspaces: '
    'a schedule of the present cadence while active, else none. Written by the instance that applies schedules. A '
    'workspace without a row was never applied.';
COMMENT ON COLUMN schedules.applied_interval_minutes IS
    'Cadence of the confirmed schedule; NULL if EventBridge confirmed that there is none.';
COMMENT ON COLUMN schedules.applied_expression IS 'Cron expression of the confirmed schedule; NULL if there is none.';
COMMENT ON COLUMN schedules.claim IS
    'Token of the instance that is applying the schedule; NULL if none is. It stays until EventBridge has confirmed, '
    'so that a call without an answer is repeated.';
COMMENT ON COLUMN schedules.claimed_until IS
    'Until when no other instance applies the schedule, by the clock of the database.';
COMMENT ON COLUMN schedules.failures IS 'Failed attempts since the last confirmation.';
COMMENT ON COLUMN schedules.error IS 'Why the latest attempt failed; NULL after a confirmation.';
