-- Snapshots and their events in one call, so that a batch is one message to the database and one back.

-- Moves snapshots and appends the events of what moved. A snapshot moves only from the version it was
-- decided on; answers the devices that did not, whose rows are locked from then on.
-- Devices come in the order in which all batches lock them; the members of the events' arrays belong together,
-- and where no event has an envelope or a trace of its own, those arrays are empty.
CREATE FUNCTION record_updates(
    of_workspace text, received_at timestamptz, by_cycle uuid, in_trace text,
    device_ids text[], activation_ids uuid[], versions bigint[], replaced_versions bigint[],
    newest_observations timestamptz[], signals_held text[], signals_dropped text[],
    event_ids uuid[], event_devices text[], payloads text[], envelope_ids uuid[], trace_ids text[]
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    moved text[];
BEGIN
    WITH written AS (
        INSERT INTO snapshots AS held (
            workspace_id, device_id, activation_id, version, replaces_version,
            last_update_received_at, newest_observed_at, signals, dropped
        )
        SELECT of_workspace, device_id, activation_id, version, replaces_version, received_at, newest_observed_at,
               signals::json, dropped::json
        FROM unnest(
            device_ids, activation_ids, versions, replaced_versions, newest_observations, signals_held, signals_dropped
        ) AS batch (device_id, activation_id, version, replaces_version, newest_observed_at, signals, dropped)
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
    SELECT coalesce(array_agg(device_id), '{}') INTO moved FROM written;
    INSERT INTO event_store (
        workspace_id, recorded_at, event_id, type, device_id, cycle_id, envelope_id, trace_id, payload
    )
    SELECT of_workspace, received_at, event_id, 'TelematicsUpdateAccepted', device_id, by_cycle, envelope_id,
           coalesce(trace_id, in_trace), payload::json
    FROM unnest(event_ids, event_devices, payloads, envelope_ids, trace_ids)
      AS event (event_id, device_id, payload, envelope_id, trace_id)
    WHERE cardinality(moved) = cardinality(device_ids) OR device_id = ANY (moved);
    IF cardinality(moved) = cardinality(device_ids) THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(SELECT device_id FROM unnest(device_ids) AS device_id WHERE device_id <> ALL (moved));
END
$$;

-- The same for a batch that was decided before anybody asked the database, by what an instance remembers:
-- all of it lands if that is still so, and nothing does if not. Answers whether it has landed.
-- The fence is taken only where nobody holds or waits for it alone; each statement of a volatile function sees
-- what was committed before that statement, so the registry version is read as the fence protects it.
CREATE FUNCTION record_updates_as_remembered(
    of_workspace text, remembered_registry_version bigint, received_at timestamptz, in_trace text,
    device_ids text[], activation_ids uuid[], versions bigint[], replaced_versions bigint[],
    newest_observations timestamptz[], signals_held text[], signals_dropped text[],
    event_ids uuid[], event_devices text[], payloads text[], envelope_ids uuid[], trace_ids text[]
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock_shared(hashtextextended(of_workspace, 0)) THEN
        RETURN false;
    END IF;
    PERFORM FROM workspaces
    WHERE workspace_id = of_workspace AND registry_version = remembered_registry_version;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF cardinality(event_ids) > 0 AND cardinality(record_updates(
        of_workspace, received_at, NULL, in_trace, device_ids, activation_ids, versions, replaced_versions,
        newest_observations, signals_held, signals_dropped, event_ids, event_devices, payloads, envelope_ids, trace_ids
    )) > 0 THEN
        -- Caught below, which undoes what was written.
        RAISE serialization_failure;
    END IF;
    RETURN true;
EXCEPTION WHEN serialization_failure THEN
    RETURN false;
END
$$;
