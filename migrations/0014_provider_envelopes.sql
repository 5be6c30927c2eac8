-- Provider envelopes: raw messages that a transport forwards (TelematicsProviderMessageReceived).

-- Not partitioned, so that the key is unique over all days: an envelope may come again on another day.
CREATE TABLE provider_envelopes (
    workspace_id  text        NOT NULL,
    envelope_id   uuid        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    provider_type text        NOT NULL,
    provider_id   text        NOT NULL,
    received_at   timestamptz NOT NULL,
    trace_id      text,
    outcome       text        NOT NULL,
    reason        text,
    detail        text,
    replayed_at   timestamptz,
    PRIMARY KEY (workspace_id, envelope_id)
);
CREATE INDEX provider_envelopes_quarantined ON provider_envelopes (workspace_id, envelope_id)
    WHERE outcome = 'quarantined';

COMMENT ON TABLE provider_envelopes IS
    'An envelope and what became of it. Written with the batch that it came in, and by replays; deleted by the '
    'reconciliation sweep after ENVELOPE_RETENTION_DAYS.';
COMMENT ON COLUMN provider_envelopes.recorded_at IS
    'When the envelope was first recorded here; with envelope_id the key of its raw message.';
COMMENT ON COLUMN provider_envelopes.received_at IS 'When the transport received the message from the provider.';
COMMENT ON COLUMN provider_envelopes.trace_id IS 'W3C trace id that the transport sent, else that of the request.';
COMMENT ON COLUMN provider_envelopes.outcome IS 'accepted, duplicate, stale, rejected, ignored or quarantined.';
COMMENT ON COLUMN provider_envelopes.reason IS 'Why the envelope was rejected, ignored or quarantined; NULL otherwise.';
COMMENT ON COLUMN provider_envelopes.detail IS 'The reason for people, cut to 1,000 characters; NULL if there is none.';
COMMENT ON COLUMN provider_envelopes.replayed_at IS 'When the envelope was last replayed; NULL if it never was.';
COMMENT ON INDEX provider_envelopes_quarantined IS 'The few envelopes that wait to be understood.';

CREATE TABLE raw_messages (
    workspace_id text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    envelope_id  uuid        NOT NULL,
    -- Text, because JSON types do not keep what the provider sent: they refuse NUL characters and half surrogate
    -- pairs, and round numbers.
    raw_message  text        NOT NULL,
    PRIMARY KEY (workspace_id, recorded_at, envelope_id)
) PARTITION BY RANGE (recorded_at);

COMMENT ON TABLE raw_messages IS
    'The message of an envelope as the provider sent it, never changed. Partitioned by day (UTC) of recorded_at; '
    'upkeep of any instance makes partitions ahead, and the reconciliation sweep drops those older than '
    'ENVELOPE_RETENTION_DAYS.';

CREATE TABLE stream_arrivals (
    workspace_id     text        NOT NULL,
    provider_id      text        NOT NULL,
    envelopes        bigint      NOT NULL,
    accepted         bigint      NOT NULL,
    quarantined      bigint      NOT NULL,
    last_received_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, provider_id)
)
-- Room for the next version on the same page: every batch updates the row.
WITH (fillfactor = 50);

COMMENT ON TABLE stream_arrivals IS
    'What came through a connection since the last poll cycle. Counted up by every batch of envelopes; the '
    'transaction that ends a poll cycle takes the numbers into poll_cycles.streams and sets them to 0, so that each '
    'envelope is in the record of one cycle.';
COMMENT ON COLUMN stream_arrivals.envelopes IS 'Number of envelopes, whatever their outcome.';
COMMENT ON COLUMN stream_arrivals.last_received_at IS
    'The newest received_at of an envelope; not reset by a poll cycle.';
