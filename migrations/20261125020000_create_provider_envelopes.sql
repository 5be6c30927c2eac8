-- Raw messages that a transport forwards (`TelematicsProviderMessageReceived`), and what arrived of them
-- since the last poll cycle. Touches no row that is there.

-- One row an envelope, whatever the day on which it comes again: not partitioned, so that its key can be
-- unique. What became of it changes only when it is replayed.
CREATE TABLE provider_envelopes (
    workspace_id  text        NOT NULL,
    envelope_id   uuid        NOT NULL,
    -- When core first had it; leads to the raw message.
    recorded_at   timestamptz NOT NULL,
    provider_type text        NOT NULL,
    provider_id   text        NOT NULL,
    -- When the transport had it from the provider.
    received_at   timestamptz NOT NULL,
    trace_id      text,
    outcome       text        NOT NULL,
    reason        text,
    detail        text,
    replayed_at   timestamptz,
    PRIMARY KEY (workspace_id, envelope_id)
);
-- The few that wait to be understood.
CREATE INDEX provider_envelopes_quarantined ON provider_envelopes (workspace_id, envelope_id)
    WHERE outcome = 'quarantined';

-- The messages themselves, never changed and dropped by the day. Text, because JSON types would not give
-- back what the provider sent: they refuse NUL characters and half surrogate pairs, and round numbers.
CREATE TABLE raw_messages (
    workspace_id text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    envelope_id  uuid        NOT NULL,
    raw_message  text        NOT NULL,
    PRIMARY KEY (workspace_id, recorded_at, envelope_id)
) PARTITION BY RANGE (recorded_at);

-- Counted up by every batch, and taken by the transaction that ends a poll cycle: each envelope is in one
-- cycle's record, whichever of two transactions commits first.
CREATE TABLE stream_arrivals (
    workspace_id     text        NOT NULL,
    provider_id      text        NOT NULL,
    envelopes        bigint      NOT NULL,
    accepted         bigint      NOT NULL,
    quarantined      bigint      NOT NULL,
    last_received_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, provider_id)
)
WITH (fillfactor = 50);

ALTER TABLE poll_cycles ADD COLUMN streams json NOT NULL DEFAULT '[]';

-- The envelope that an accepted update was interpreted from.
ALTER TABLE event_store ADD COLUMN envelope_id uuid;
