-- Rejections: updates that were refused, counted by reason and by device or sender.

CREATE TABLE rejections (
    workspace_id  text        NOT NULL,
    reason        text        NOT NULL,
    -- Empty where nothing was named, not NULL: all five columns are in the key.
    provider_id   text        NOT NULL,
    external_id   text        NOT NULL,
    device_id     text        NOT NULL,
    pointer       text        NOT NULL,
    count         bigint      NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    detail        text        NOT NULL,
    observed_at   timestamptz,
    cycle_id      uuid,
    trace_id      text,
    PRIMARY KEY (workspace_id, reason, provider_id, external_id, device_id, pointer)
);

-- For the reason that is given at devices.
ALTER TABLE rejections ALTER COLUMN workspace_id SET (n_distinct = -0.01);

COMMENT ON TABLE rejections IS
    'Refused updates of one reason about one device or sender. Rows of the reason unknown_device are the devices that '
    'nobody has configured. Written with the batch that was refused; the 1,000 last seen of a reason are kept (of '
    'unknown_device, those of a connection), and all about configured devices.';
COMMENT ON COLUMN rejections.provider_id IS
    'The connection as the sender named it; empty if the device is configured or nothing was named.';
COMMENT ON COLUMN rejections.external_id IS
    'The provider''s name of the device as the sender gave it; empty if the device is configured or nothing was '
    'named.';
COMMENT ON COLUMN rejections.device_id IS
    'The configured device if one was found, else as the sender named it; empty if it was not named.';
COMMENT ON COLUMN rejections.pointer IS
    'JSON pointer to what was malformed in the item; empty for the whole item, and for other reasons.';
COMMENT ON COLUMN rejections.detail IS 'The reason in words, of the latest refusal, as are the columns after it.';
COMMENT ON COLUMN rejections.observed_at IS 'The time that the provider gave; NULL if none was read.';
COMMENT ON COLUMN rejections.cycle_id IS 'The poll cycle that brought the update; NULL if it was pushed.';

CREATE TABLE rejection_counts (
    workspace_id text   NOT NULL,
    reason       text   NOT NULL,
    count        bigint NOT NULL,
    PRIMARY KEY (workspace_id, reason)
);

COMMENT ON TABLE rejection_counts IS
    'How many updates of a workspace were refused for a reason, deleted rows of rejections included. Every batch '
    'locks this row before the rejections of its reason, so that batches with the same rejections come one after the '
    'other. Kept for ever.';
