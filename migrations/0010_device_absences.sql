-- Device absences: devices that their provider's latest answer did not name.

CREATE TABLE device_absences (
    workspace_id     text        NOT NULL,
    device_id        text        NOT NULL,
    activation_id    uuid        NOT NULL,
    missing_since    timestamptz NOT NULL,
    last_returned_at timestamptz,
    PRIMARY KEY (workspace_id, device_id)
);

-- For the reason that is given at devices.
ALTER TABLE device_absences ALTER COLUMN workspace_id SET (n_distinct = -0.01);

COMMENT ON TABLE device_absences IS
    'A device that the latest answer of its connection did not name. Written by poll cycles, only when that changes, '
    'so that a device which is absent for a week costs its cycles nothing; deleted when the device is named again.';
COMMENT ON COLUMN device_absences.missing_since IS 'When the first answer without the device was asked for.';
COMMENT ON COLUMN device_absences.last_returned_at IS
    'When the last answer that named the device in this activation was committed; NULL if none did.';
