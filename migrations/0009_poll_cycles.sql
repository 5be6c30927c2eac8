-- Poll cycles: triggers, the leases under which they run, and what each connection answered.

CREATE TABLE poll_cycles (
    workspace_id     text          NOT NULL REFERENCES workspaces,
    cycle_id         uuid          NOT NULL,
    trigger          text          NOT NULL,
    status           text          NOT NULL,
    polled           boolean       NOT NULL GENERATED ALWAYS AS (status IN ('completed', 'partial', 'failed')) STORED,
    reason           text,
    scheduled_time   timestamptz,
    due_at           timestamptz   NOT NULL,
    triggered_at     timestamptz   NOT NULL,
    missed_at        timestamptz,
    claimed_at       timestamptz[] NOT NULL DEFAULT '{}',
    started_at       timestamptz,
    ended_at         timestamptz,
    trace_id         text,
    schedule_arn     text,
    execution_id     text,
    attempt          text,

    lease_token      uuid,
    lease_expires_at timestamptz,
    leases_lost      integer       NOT NULL DEFAULT 0,

    streams          json          NOT NULL DEFAULT '[]',
    measured_since   timestamptz,
    eligible_us      bigint,
    fresh_us         bigint,
    PRIMARY KEY (workspace_id, cycle_id),
    UNIQUE (workspace_id, scheduled_time)
);
CREATE UNIQUE INDEX poll_cycles_one_running ON poll_cycles (workspace_id) WHERE status = 'running';
CREATE UNIQUE INDEX poll_cycles_one_manual_waiting
    ON poll_cycles (workspace_id) WHERE status = 'queued' AND trigger = 'manual';
CREATE INDEX poll_cycles_open ON poll_cycles (workspace_id, due_at) WHERE status IN ('queued', 'running');
CREATE INDEX poll_cycles_polled ON poll_cycles (workspace_id, ended_at) WHERE polled;

COMMENT ON TABLE poll_cycles IS
    'A trigger and what became of it, or a slot that nothing triggered. Written by triggers, workers and the slot '
    'watch; deleted by the reconciliation sweep after CYCLE_RETENTION_DAYS.';
COMMENT ON COLUMN poll_cycles.trigger IS 'scheduled, manual or recovery.';
COMMENT ON COLUMN poll_cycles.status IS
    'queued or running; at the end completed, partial, failed, skipped, expired, abandoned or missed.';
COMMENT ON COLUMN poll_cycles.polled IS
    'Whether the cycle was polled to its end. A column, because the condition of an index cannot be a parameter.';
COMMENT ON COLUMN poll_cycles.reason IS 'Why the cycle ended without having been polled to its end; NULL otherwise.';
COMMENT ON COLUMN poll_cycles.scheduled_time IS 'The minute of the slot; NULL for a manual cycle, which takes no slot.';
COMMENT ON COLUMN poll_cycles.due_at IS 'When the cycle is to run: the slot plus the offset of the workspace.';
COMMENT ON COLUMN poll_cycles.missed_at IS
    'When the slot was found to have had no trigger, also of the recovery cycle that took its place; NULL if it was '
    'triggered.';
COMMENT ON COLUMN poll_cycles.claimed_at IS
    'Each time an instance took the cycle: once, and again after each lease that was lost or given back.';
COMMENT ON COLUMN poll_cycles.started_at IS 'When an instance first took the cycle; NULL if none has.';
COMMENT ON COLUMN poll_cycles.schedule_arn IS
    'EventBridge''s schedule that sent the trigger; NULL for other triggers, as are execution_id and attempt.';
COMMENT ON COLUMN poll_cycles.lease_token IS 'Token of the instance that runs the cycle; NULL if none does.';
COMMENT ON COLUMN poll_cycles.lease_expires_at IS 'Until when the lease is valid, by the clock of the database.';
COMMENT ON COLUMN poll_cycles.leases_lost IS 'How many leases ran out. The third ends the cycle as abandoned.';
COMMENT ON COLUMN poll_cycles.streams IS
    'What streams brought since the cycle before, taken from stream_arrivals as the cycle ends: an array of objects, '
    'one for each connection.';
COMMENT ON COLUMN poll_cycles.measured_since IS
    'From when eligible_us and fresh_us are measured, up to ended_at; all three NULL if the cycle was not polled to '
    'its end.';
COMMENT ON COLUMN poll_cycles.eligible_us IS
    'Microseconds that count for the service level, summed over the devices of the workspace.';
COMMENT ON COLUMN poll_cycles.fresh_us IS 'Microseconds of eligible_us in which the device was fresh.';
COMMENT ON INDEX poll_cycles_one_running IS 'At most one cycle of a workspace runs.';
COMMENT ON INDEX poll_cycles_one_manual_waiting IS 'At most one manual cycle of a workspace waits.';
COMMENT ON INDEX poll_cycles_open IS 'Cycles to claim or to take over: a few rows, however long the history.';
COMMENT ON INDEX poll_cycles_polled IS 'Cycles that were polled to their end, newest last.';

CREATE TABLE poll_cycle_connections (
    workspace_id     text        NOT NULL,
    cycle_id         uuid        NOT NULL,
    provider_id      text        NOT NULL,
    outcome          text        NOT NULL,
    error_class      text,
    error_detail     text,
    devices_expected integer     NOT NULL,
    returned         integer     NOT NULL,
    missing          text[]      NOT NULL,
    unchanged        integer     NOT NULL,
    accepted         integer     NOT NULL,
    duplicate        integer     NOT NULL,
    stale            integer     NOT NULL,
    rejected         jsonb       NOT NULL,
    rejected_devices jsonb       NOT NULL,
    attempts         integer     NOT NULL,
    duration_ms      integer     NOT NULL,
    started_at       timestamptz NOT NULL,
    ended_at         timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, cycle_id, provider_id),
    FOREIGN KEY (workspace_id, cycle_id) REFERENCES poll_cycles
);
CREATE INDEX poll_cycle_connections_latest ON poll_cycle_connections (workspace_id, provider_id, ended_at);
CREATE INDEX poll_cycle_connections_asked ON poll_cycle_connections (workspace_id, provider_id, ended_at)
    WHERE outcome <> 'skipped';
CREATE INDEX poll_cycle_connections_answered ON poll_cycle_connections (workspace_id, provider_id, ended_at)
    WHERE outcome = 'ok';

COMMENT ON TABLE poll_cycle_connections IS
    'What one connection answered in one poll cycle. Written once by the worker; deleted with the cycle.';
COMMENT ON COLUMN poll_cycle_connections.outcome IS
    'ok, partial (a part of the answer came before the failure), failed or skipped.';
COMMENT ON COLUMN poll_cycle_connections.error_class IS
    'Kind of the failure, or why the connection was skipped; NULL if ok.';
COMMENT ON COLUMN poll_cycle_connections.error_detail IS 'The failure for people, without secrets; NULL if ok.';
COMMENT ON COLUMN poll_cycle_connections.devices_expected IS 'Active devices of the connection when it was polled.';
COMMENT ON COLUMN poll_cycle_connections.returned IS 'Expected devices that the answer named.';
COMMENT ON COLUMN poll_cycle_connections.missing IS
    'Expected devices that the answer did not name, at most 1,000; devices_expected less returned is their number.';
COMMENT ON COLUMN poll_cycle_connections.unchanged IS 'Returned devices that brought nothing new.';
COMMENT ON COLUMN poll_cycle_connections.rejected IS 'Rejected updates by reason: {"<reason>": count}.';
COMMENT ON COLUMN poll_cycle_connections.rejected_devices IS
    'Devices with a rejected update and no accepted one, capped: {"<device_id>": "<reason>"}.';
COMMENT ON COLUMN poll_cycle_connections.attempts IS 'Requests that were sent for the page that was retried most.';
COMMENT ON COLUMN poll_cycle_connections.duration_ms IS 'From the first request until the results were committed.';
COMMENT ON INDEX poll_cycle_connections_asked IS
    'The latest polls in which a connection was asked, past any number of polls that skipped it.';
COMMENT ON INDEX poll_cycle_connections_answered IS
    'The latest answer of a connection, past any number of polls that failed or skipped it.';
