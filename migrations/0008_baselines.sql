-- Baselines: instants from which on a workspace's history is complete without what came before.

CREATE TABLE baselines (
    workspace_id  text        NOT NULL REFERENCES workspaces,
    day_begins_at timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, day_begins_at)
);

COMMENT ON TABLE baselines IS
    'A day of a workspace that has a baseline: a DeviceBaselineRecorded event of each active device with its '
    'snapshot, all recorded at one instant. Written by the upkeep of any instance once a day, and by repairs; deleted '
    'with the events of the day.';
COMMENT ON COLUMN baselines.day_begins_at IS 'Midnight, UTC.';
COMMENT ON COLUMN baselines.recorded_at IS 'The recorded_at of the baseline''s events in event_store.';
