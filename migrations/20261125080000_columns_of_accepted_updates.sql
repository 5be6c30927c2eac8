-- What every accepted update says has a column: a row of one is a quarter smaller than where it says so in JSON.
-- `payload` holds what few of them say: `newest_observed_at` and `dropped_signals`. The functions that write them, and
-- the rows that are there, follow in migrations of their own: what has locked the table of events must not wait for
-- another table.

-- In the order that leaves no gaps between them: what is aligned comes first, and the signals before what is short.
ALTER TABLE event_store
    ADD COLUMN version             bigint,
    ADD COLUMN payload_prepared_at timestamptz,
    ADD COLUMN activation_id       uuid,
    ADD COLUMN normalized_values   json,
    ADD COLUMN vehicle_id          text,
    ADD COLUMN provider_id         text;
