-- Devices: what reports about a vehicle, through a provider connection.

CREATE TABLE devices (
    workspace_id  text        NOT NULL REFERENCES workspaces,
    device_id     text        NOT NULL,
    vehicle_id    text        NOT NULL,
    -- Without a foreign key to provider_connections: a deactivated device outlives its connection.
    provider_id   text        NOT NULL,
    external_id   text        NOT NULL,
    active        boolean     NOT NULL,
    configured_at timestamptz NOT NULL,
    activated_at  timestamptz NOT NULL,
    activation_id uuid        NOT NULL,
    version       bigint      NOT NULL,
    reported_in   uuid,
    unreported    boolean     NOT NULL
        GENERATED ALWAYS AS (active AND reported_in IS DISTINCT FROM activation_id) STORED,
    PRIMARY KEY (workspace_id, device_id)
);
CREATE UNIQUE INDEX devices_active_external_id ON devices (workspace_id, provider_id, external_id) WHERE active;
CREATE INDEX devices_by_vehicle ON devices (workspace_id, vehicle_id);
CREATE INDEX devices_unreported ON devices (workspace_id, device_id) WHERE unreported;

-- Statements are planned once for all workspaces. Of a few large workspaces the planner would expect each to be a good
-- part of the table, and would read the whole table for a small one. How many devices a workspace has does not depend
-- on how many workspaces there are: about a hundred. The estimate is used from the next ANALYZE on.
ALTER TABLE devices ALTER COLUMN workspace_id SET (n_distinct = -0.01);

COMMENT ON TABLE devices IS
    'A configured device in its latest activation. Written by administrators through the API; kept for ever, inactive '
    'once it is deactivated.';
COMMENT ON COLUMN devices.external_id IS 'The provider''s name of the device.';
COMMENT ON COLUMN devices.configured_at IS 'When the device was first configured.';
COMMENT ON COLUMN devices.activated_at IS 'When the present activation began.';
COMMENT ON COLUMN devices.activation_id IS
    'A new one for each activation. Snapshots and updates of another activation do not count.';
COMMENT ON COLUMN devices.reported_in IS
    'The activation that is known to have reported; NULL if none is. Set by the upkeep of any instance, a little '
    'after the first report, so that no update has to touch this table.';
COMMENT ON COLUMN devices.unreported IS
    'Whether the device is active and not known to have reported. A column, so that the planner knows how few such '
    'devices are.';
COMMENT ON INDEX devices_active_external_id IS
    'An external id of a connection is at most one active device; finds the device of an update.';
COMMENT ON INDEX devices_unreported IS
    'Finds devices that may never have reported without reading all devices and snapshots.';
