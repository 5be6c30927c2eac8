-- What is configured: workspaces with cutover flags and policy, provider connections, devices.
-- Ids are opaque text of other services; words are text that the domain decodes; every key starts
-- with workspace_id, so that the schema can be distributed by it.

-- The one row that hands out registration numbers: the poll offsets' golden-ratio sequence needs
-- them gapless. The one table beside the migrations' own that is not keyed by workspace.
CREATE TABLE registration_counter (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    last_number bigint  NOT NULL
);
INSERT INTO registration_counter (last_number) VALUES (0);

CREATE TABLE workspaces (
    workspace_id            text        PRIMARY KEY,
    name                    text        NOT NULL,
    active                  boolean     NOT NULL,
    created_at              timestamptz NOT NULL,
    registration_number     bigint      NOT NULL,
    version                 bigint      NOT NULL,
    -- Bumped by every change of a connection or device: empties what instances remember of them.
    registry_version        bigint      NOT NULL DEFAULT 1,

    device_registry_source  text        NOT NULL,
    poll_owner              text        NOT NULL,
    read_owner              text        NOT NULL,
    provider_mode           text        NOT NULL,
    cutover_version         bigint      NOT NULL,
    cutover_changed_at      timestamptz NOT NULL,
    cutover_changed_by      text        NOT NULL,

    poll_interval_minutes   integer     NOT NULL,
    stale_threshold_minutes integer     NOT NULL,
    no_data_grace_minutes   integer     NOT NULL,
    policy_version          bigint      NOT NULL,
    policy_changed_at       timestamptz NOT NULL
);

CREATE TABLE cutover_changes (
    workspace_id text        NOT NULL REFERENCES workspaces,
    version      bigint      NOT NULL,
    changed_at   timestamptz NOT NULL,
    changed_by   text        NOT NULL,
    reason       text,
    -- The four flags before (nothing for the first version) and after.
    from_flags   jsonb,
    to_flags     jsonb       NOT NULL,
    PRIMARY KEY (workspace_id, version)
);

CREATE TABLE provider_connections (
    workspace_id  text        NOT NULL REFERENCES workspaces,
    provider_id   text        NOT NULL,
    provider_type text        NOT NULL,
    base_url      text        NOT NULL,
    -- Where the credential is found; never the credential.
    credential_ref text,
    enabled       boolean     NOT NULL,
    expected_reporting_interval_minutes integer,
    settings      jsonb       NOT NULL,
    version       bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, provider_id)
);

CREATE TABLE devices (
    workspace_id  text        NOT NULL REFERENCES workspaces,
    device_id     text        NOT NULL,
    vehicle_id    text        NOT NULL,
    provider_id   text        NOT NULL,
    external_id   text        NOT NULL,
    active        boolean     NOT NULL,
    configured_at timestamptz NOT NULL,
    activated_at  timestamptz NOT NULL,
    activation_id uuid        NOT NULL,
    version       bigint      NOT NULL,
    -- No key to provider_connections: a deactivated device outlives its connection.
    PRIMARY KEY (workspace_id, device_id)
);
-- A name at a connection means one active device; it also finds the device of a provider's message.
CREATE UNIQUE INDEX devices_active_external_id
    ON devices (workspace_id, provider_id, external_id) WHERE active;
CREATE INDEX devices_by_vehicle ON devices (workspace_id, vehicle_id);
