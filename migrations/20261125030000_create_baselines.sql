-- Which days of a workspace begin with a baseline: what was held of each of its devices, as events of type
-- `DeviceBaselineRecorded`, all of them recorded at one instant. This says that a day has its own, and
-- where it stands, without reading the events of that day. Touches no row that is there.

CREATE TABLE baselines (
    workspace_id  text        NOT NULL REFERENCES workspaces,
    -- The start of the day of `recorded_at`, in UTC.
    day_begins_at timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, day_begins_at)
);
