-- What was refused and why: a row for each reason and whom it was about, with how often and when last.
-- The devices that nobody has configured are the rows of the reason `unknown_device`.

CREATE TABLE rejections (
    workspace_id  text        NOT NULL,
    reason        text        NOT NULL,
    -- Whom it was about: the configured device where one was found, else as the sender named it; empty
    -- where not named, so that the key tells all of them apart.
    provider_id   text        NOT NULL,
    external_id   text        NOT NULL,
    device_id     text        NOT NULL,
    -- Where in the item, if it was malformed.
    pointer       text        NOT NULL,
    count         bigint      NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    -- Of the latest: the words for the sender, the provider's event time, and what brought it.
    detail        text        NOT NULL,
    observed_at   timestamptz,
    cycle_id      uuid,
    trace_id      text,
    PRIMARY KEY (workspace_id, reason, provider_id, external_id, device_id, pointer)
);

-- How many updates were refused for each reason, rows that had to go included. Locked before any row of
-- its reason, so that batches which keep the same rejections come one after the other.
CREATE TABLE rejection_counts (
    workspace_id text   NOT NULL,
    reason       text   NOT NULL,
    count        bigint NOT NULL,
    PRIMARY KEY (workspace_id, reason)
);
