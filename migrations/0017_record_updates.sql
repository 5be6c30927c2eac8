-- The acceptance function: writes a batch of accepted updates in one call, snapshots and events together, so that a
-- batch is one message to the database and one back.

CREATE TYPE accepted_update AS (
    -- The event: every accepted update has one.
    device_id text,
    activation_id uuid,
    version bigint,
    event_id uuid,
    vehicle_id text,
    provider_id text,
    normalized_values json, -- NULL: the update brought all that its snapshot holds, so signals has it
    payload json,
    envelope_id uuid,
    trace_id text,
    -- The snapshot that the batch leaves: in the last row of a device, and NULL in the rows before it.
    replaces_version bigint,
    newest_observed_at timestamptz,
    signals json,
    dropped json
);

COMMENT ON TYPE accepted_update IS
    'An element of the argument of record_updates: an accepted update, and in the last one of a device its snapshot.';

-- Moves snapshots and appends the events of those that moved. A snapshot moves only from the version that the batch
-- was decided on. Returns the devices whose snapshots have another version, because another batch was quicker.
--
-- Without expected versions the caller is in a transaction that holds the shared fence. What can move moves; the rows
-- of the devices that are returned are locked, so that the next call moves them.
--
-- With expected versions the batch was decided on an instance's device cache, and this call is its whole transaction.
-- It takes the shared fence unless somebody holds or awaits the exclusive one. All of the batch is recorded or nothing;
-- NULL says that the workspace is being changed, is inactive or has other versions. Each statement of a volatile
-- function sees what was committed before that statement, so the versions are read as the fence protects them.
--
-- The updates come ordered by device: no two calls lock rows in opposite orders.
CREATE FUNCTION record_updates(
    of_workspace text, expected_registry_version bigint, expected_cutover_version bigint,
    received_at timestamptz, prepared_at timestamptz, by_cycle uuid, updates accepted_update[]
) RETURNS text[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    all_or_nothing CONSTANT boolean := expected_registry_version IS NOT NULL;
    fence_taken boolean;
    superseded text[];
BEGIN
    IF all_or_nothing THEN
        -- The lock is taken where the rows of the workspace are, as a unit of work takes it.
        SELECT pg_try_advisory_xact_lock_shared(hashtextextended(of_workspace, 0)) INTO fence_taken
        FROM (SELECT count(*) FROM workspaces WHERE workspace_id = of_workspace) AS there WHERE there.count >= 0;
        IF NOT fence_taken THEN
            RETURN NULL;
        END IF;
        PERFORM FROM workspaces
        WHERE workspace_id = of_workspace AND active
          AND registry_version = expected_registry_version AND cutover_version = expected_cutover_version;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    IF cardinality(updates) = 0 THEN
        RETURN '{}';
    END IF;

    WITH moved AS (
        INSERT INTO snapshots AS held (
            workspace_id, device_id, activation_id, version, replaces_version,
            last_update_received_at, newest_observed_at, signals, dropped
        )
        SELECT of_workspace, device_id, activation_id, version, replaces_version,
               received_at, newest_observed_at, signals, dropped
        FROM unnest(updates)
        WHERE replaces_version IS NOT NULL
        ON CONFLICT (workspace_id, device_id) DO UPDATE SET
            version = excluded.version,
            replaces_version = excluded.replaces_version,
            last_update_received_at = greatest(held.last_update_received_at, excluded.last_update_received_at),
            newest_observed_at = excluded.newest_observed_at,
            signals = excluded.signals,
            dropped = excluded.dropped
        WHERE held.version = excluded.replaces_version
        RETURNING device_id
    )
    SELECT coalesce(array_agg(sent.device_id), '{}') INTO superseded
    FROM unnest(updates) AS sent
    WHERE sent.replaces_version IS NOT NULL
      AND NOT EXISTS (SELECT FROM moved WHERE moved.device_id = sent.device_id);
    IF all_or_nothing AND cardinality(superseded) > 0 THEN
        RAISE serialization_failure;
    END IF;

    INSERT INTO event_store (
        workspace_id, recorded_at, event_id, type, device_id, cycle_id, envelope_id, trace_id, vehicle_id, provider_id,
        activation_id, version, payload_prepared_at, normalized_values, payload
    )
    SELECT of_workspace, received_at, event_id, 'TelematicsUpdateAccepted', device_id, by_cycle, envelope_id, trace_id,
           vehicle_id, provider_id, activation_id, version, prepared_at,
           coalesce(normalized_values, signals), coalesce(payload, '{}')
    FROM unnest(updates)
    WHERE device_id <> ALL (superseded);
    RETURN superseded;
EXCEPTION WHEN serialization_failure THEN
    -- Everything that this call has written is undone.
    RETURN superseded;
END
$$;
