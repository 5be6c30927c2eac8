-- The event store: what happened, by day.

-- What is aligned to eight bytes comes first, so that rows have little padding. Nearly all rows are accepted updates, and
-- their size is most of what they cost; a column that is NULL takes no room.
CREATE TABLE event_store (
    workspace_id        text        NOT NULL,
    recorded_at         timestamptz NOT NULL,
    event_id            uuid        NOT NULL,
    version             bigint,
    payload_prepared_at timestamptz,
    activation_id       uuid,
    cycle_id            uuid,
    envelope_id         uuid,
    type                text        NOT NULL,
    device_id           text,
    normalized_values   json,
    vehicle_id          text,
    provider_id         text,
    trace_id            text,
    changed_by          text,
    payload             json        NOT NULL,
    PRIMARY KEY (workspace_id, recorded_at, event_id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX event_store_changes ON event_store (workspace_id, recorded_at, event_id) WHERE changed_by IS NOT NULL;

COMMENT ON TABLE event_store IS
    'One event: an accepted update, a change of configuration, or a step of a poll cycle. Append-only. Partitioned by '
    'day (UTC) of recorded_at; upkeep of any instance makes partitions ahead, and the reconciliation sweep drops '
    'those older than EVENT_RETENTION_DAYS.';
COMMENT ON COLUMN event_store.type IS 'Name of the event in the specification, such as TelematicsUpdateAccepted.';
COMMENT ON COLUMN event_store.version IS 'Only of an accepted update: the version of the snapshot that it made.';
COMMENT ON COLUMN event_store.payload_prepared_at IS
    'Only of an accepted update: when it was prepared from what the provider sent.';
COMMENT ON COLUMN event_store.activation_id IS 'Only of an accepted update: the activation of the device.';
COMMENT ON COLUMN event_store.cycle_id IS 'The poll cycle that the event is about or came with; NULL if none.';
COMMENT ON COLUMN event_store.envelope_id IS
    'The provider envelope that an accepted update was read from; NULL if none.';
COMMENT ON COLUMN event_store.normalized_values IS
    'Only of an accepted update: the values that it brought, in the form of snapshots.signals.';
COMMENT ON COLUMN event_store.vehicle_id IS 'Only of an accepted update: the vehicle of the device at that time.';
COMMENT ON COLUMN event_store.provider_id IS 'Only of an accepted update: the connection of the device at that time.';
COMMENT ON COLUMN event_store.trace_id IS 'W3C trace id of the request or cycle; NULL if none.';
COMMENT ON COLUMN event_store.changed_by IS
    'Who made a change; NULL if the event is no change that a person or machine is named for.';
COMMENT ON COLUMN event_store.payload IS
    'What the columns do not say. Of an accepted update: newest_observed_at where something newer was held, '
    'dropped_signals where there were any, else {}. Of all other types: everything.';
COMMENT ON INDEX event_store_changes IS
    'Finds changes for the audit without reading accepted updates, which have no entry.';
