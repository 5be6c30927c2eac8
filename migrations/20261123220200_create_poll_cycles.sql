-- Poll cycles: every trigger's record, the lease of the one that runs, and what each connection gave.

CREATE TABLE poll_cycles (
    workspace_id     text        NOT NULL REFERENCES workspaces,
    cycle_id         uuid        NOT NULL,
    trigger          text        NOT NULL,
    status           text        NOT NULL,
    -- The slot's minute; none for a manual cycle, which takes no slot's place.
    scheduled_time   timestamptz,
    due_at           timestamptz NOT NULL,
    triggered_at     timestamptz NOT NULL,
    started_at       timestamptz,
    ended_at         timestamptz,
    reason           text,
    trace_id         text,
    schedule_arn     text,
    execution_id     text,
    attempt          text,
    -- The holder's token and until when, in the database's time.
    lease_token      uuid,
    lease_expires_at timestamptz,
    leases_lost      integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (workspace_id, cycle_id),
    UNIQUE (workspace_id, scheduled_time)
);
CREATE UNIQUE INDEX poll_cycles_one_running ON poll_cycles (workspace_id) WHERE status = 'running';
CREATE UNIQUE INDEX poll_cycles_one_manual_waiting
    ON poll_cycles (workspace_id) WHERE status = 'queued' AND trigger = 'manual';
-- What is to be claimed or taken over: a few rows, however long the history.
CREATE INDEX poll_cycles_open ON poll_cycles (workspace_id, due_at) WHERE status IN ('queued', 'running');
CREATE INDEX poll_cycles_ran ON poll_cycles (workspace_id, ended_at)
    WHERE status IN ('completed', 'partial', 'failed');

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
    -- {"<reason>": count} and, capped, {"<device>": "<reason>"}
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

-- Devices that their provider's latest answer lacked. Written only when that changes, so that a
-- device which has been silent for a week costs its cycles nothing.
CREATE TABLE device_absences (
    workspace_id     text        NOT NULL,
    device_id        text        NOT NULL,
    activation_id    uuid        NOT NULL,
    missing_since    timestamptz NOT NULL,
    -- The last answer that named it, in this activation.
    last_returned_at timestamptz,
    PRIMARY KEY (workspace_id, device_id)
);
