-- Accepted updates from before their columns, so that readers know one form. Whoever writes or reads meanwhile is not
-- held up: events are appended, and nobody else changes one. Of the oldest, which did not tell their activation and
-- version, these stay NULL.

-- Every event of the days that are kept takes longer than a statement of an instance may.
SET LOCAL statement_timeout = 0;

-- The name of a dropped signal may have a NUL character, and no document that has one can be looked into. Its place is
-- taken by a U+FFFD. A backslash before it that is escaped by another is text.
UPDATE event_store
SET payload = regexp_replace(payload::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json
WHERE type = 'TelematicsUpdateAccepted' AND payload::text LIKE '%\\u0000%';

UPDATE event_store
SET version = (payload->>'version')::bigint,
    payload_prepared_at = (payload->>'payload_prepared_at')::timestamptz,
    activation_id = (payload->>'activation_id')::uuid,
    normalized_values = payload->'normalized_values',
    vehicle_id = payload->>'vehicle_id',
    provider_id = payload->>'provider',
    payload = json_strip_nulls(json_build_object(
        'newest_observed_at', payload->'newest_observed_at', 'dropped_signals', payload->'dropped_signals'
    ))
WHERE type = 'TelematicsUpdateAccepted' AND normalized_values IS NULL;
