-- What people do about silent devices: each version of each device's follow-up, the highest of them the
-- latest. Each is about one silence, named by its beginning, and counts for no other.

CREATE TABLE follow_ups (
    workspace_id  text        NOT NULL,
    device_id     text        NOT NULL,
    version       bigint      NOT NULL,
    -- The latest update that was accepted when it was written; of a device that never reported, its
    -- activation.
    silent_since  timestamptz NOT NULL,
    contacted     boolean     NOT NULL,
    snoozed_until timestamptz,
    note          text,
    updated_at    timestamptz NOT NULL,
    updated_by    text        NOT NULL,
    PRIMARY KEY (workspace_id, device_id, version),
    FOREIGN KEY (workspace_id, device_id) REFERENCES devices
);
