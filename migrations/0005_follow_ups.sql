-- Follow-ups: what people do about silent devices.

CREATE TABLE follow_ups (
    workspace_id  text        NOT NULL,
    device_id     text        NOT NULL,
    version       bigint      NOT NULL,
    silent_since  timestamptz NOT NULL,
    contacted     boolean     NOT NULL,
    snoozed_until timestamptz,
    note          text,
    updated_at    timestamptz NOT NULL,
    updated_by    text        NOT NULL,
    PRIMARY KEY (workspace_id, device_id, version),
    FOREIGN KEY (workspace_id, device_id) REFERENCES devices
);

COMMENT ON TABLE follow_ups IS
    'One version of a device''s follow-up; the highest version is the latest. Append-only, kept for ever.';
COMMENT ON COLUMN follow_ups.silent_since IS
    'Beginning of the silence that the follow-up is about: the latest accepted update, or the activation of a device '
    'that never reported. The follow-up does not count for another silence.';
COMMENT ON COLUMN follow_ups.snoozed_until IS
    'Until when the device is to be left out of the worklist; NULL if it is not.';
