-- no-transaction
-- Accepted updates from before their columns, so that readers know one form. A day in a transaction: whoever writes or
-- reads meanwhile does not wait, what others leave behind can be cleaned up after each, and what has been done stays
-- done. Of the oldest, which did not tell their activation and version, these stay NULL.
-- The name of a dropped signal may have a NUL character, and no document that has one can be looked into. Its place is
-- taken by a U+FFFD. A backslash before it that is escaped by another is text.
DO $$
DECLARE
    day regclass;
BEGIN
    FOR day IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'event_store'::regclass LOOP
        -- Its time may have come meanwhile.
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = day);
        EXECUTE format($update$
            UPDATE %s
            SET payload = regexp_replace(payload::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\ufffd', 'g')::json
            WHERE type = 'TelematicsUpdateAccepted' AND payload::text LIKE '%%\\u0000%%'
        $update$, day);
        EXECUTE format($update$
            UPDATE %s
            SET version = (payload->>'version')::bigint,
                payload_prepared_at = (payload->>'payload_prepared_at')::timestamptz,
                activation_id = (payload->>'activation_id')::uuid,
                normalized_values = payload->'normalized_values',
                vehicle_id = payload->>'vehicle_id',
                provider_id = payload->>'provider',
                payload = json_strip_nulls(json_build_object(
                    'newest_observed_at', payload->'newest_observed_at', 'dropped_signals', payload->'dropped_signals'
                ))
            WHERE type = 'TelematicsUpdateAccepted' AND normalized_values IS NULL
        $update$, day);
        COMMIT;
    END LOOP;
END
$$;
