-- The acceptance function: writes a batch of accepted updates in one call, snapshots and events together.

-- Moves snapshots and appends the events of what moved. A snapshot moves only from the version it was
-- decided on; answers the devices that did not, whose rows are locked from then on. Where all or nothing is to
-- move, one that does not is a serialization failure.
-- Devices come in the order in which all batches lock them. Members of the snapshots' arrays belong together, and so
-- do those of the events'; an array of which no member would say anything may be empty. What an event does not say
-- is as in the snapshot in its place: its device, activation, version, and the signals that its update brought, where
-- these are all that is held. Without a provider or a trace of its own it has those of the batch.
-- Set-returning functions in a select list, unlike those in a FROM clause, are not stored before they are read.
CREATE FUNCTION move_snapshots(
    of_workspace text, received_at timestamptz, prepared_at timestamptz, by_cycle uuid, in_trace text, of_provider text,
    device_ids text[], activation_ids uuid[], versions bigint[], replaced_versions bigint[],
    newest_observations timestamptz[], held_signals json[], dropped_signals json[],
    event_ids uuid[], vehicle_ids text[], provider_ids text[],
    event_devices text[], event_activations uuid[], event_versions bigint[],
    updated_signals json[], rare_members json[], envelope_ids uuid[], trace_ids text[], all_or_nothing boolean
) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    moved text[];
    all_moved boolean;
BEGIN
    WITH written AS (
        INSERT INTO snapshots AS held (
            workspace_id, device_id, activation_id, version, replaces_version,
            last_update_received_at, newest_observed_at, signals, dropped
        )
        SELECT of_workspace, device_id, activation_id, version, replaces_version, received_at, newest_observed_at,
               signals, coalesce(dropped, '{}')
        FROM (
            SELECT unnest(device_ids) AS device_id, unnest(activation_ids) AS activation_id,
                   unnest(versions) AS version, unnest(replaced_versions) AS replaces_version,
                   unnest(newest_observations) AS newest_observed_at,
                   unnest(held_signals) AS signals, unnest(dropped_signals) AS dropped
        ) AS batch
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
    all_moved := cardinality(moved) = cardinality(device_ids);
    IF all_or_nothing AND NOT all_moved THEN
        RAISE serialization_failure;
    END IF;
    INSERT INTO event_store (
        workspace_id, recorded_at, event_id, type, device_id, cycle_id, envelope_id, trace_id, vehicle_id, provider_id,
        activation_id, version, payload_prepared_at, normalized_values, payload
    )
    SELECT of_workspace, received_at, event_id, 'TelematicsUpdateAccepted', coalesce(own_device, device_id), by_cycle,
           envelope_id, coalesce(trace_id, in_trace), vehicle_id, coalesce(provider_id, of_provider),
           coalesce(own_activation, activation_id), coalesce(own_version, version), prepared_at,
           coalesce(updated, held), coalesce(rare, '{}')
    FROM (
        SELECT unnest(event_ids) AS event_id, unnest(vehicle_ids) AS vehicle_id, unnest(provider_ids) AS provider_id,
               unnest(event_devices) AS own_device, unnest(device_ids) AS device_id,
               unnest(event_activations) AS own_activation, unnest(activation_ids) AS activation_id,
               unnest(event_versions) AS own_version, unnest(versions) AS version,
               unnest(updated_signals) AS updated, unnest(held_signals) AS held, unnest(rare_members) AS rare,
               unnest(envelope_ids) AS envelope_id, unnest(trace_ids) AS trace_id
    ) AS event
    WHERE all_moved OR coalesce(own_device, device_id) IN (SELECT unnest(moved));
    IF all_moved THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(SELECT unnest(device_ids) EXCEPT SELECT unnest(moved));
END
$$;

-- What every batch is recorded by. One that was decided under the shared fence gives no versions, and is told of the
-- devices that did not move. One that was decided before anybody asked the database, by what an instance remembers,
-- gives the versions that it remembers: all of it lands if the workspace still stands so, and nothing does if not.
-- It is told NULL where the workspace is being changed or stands otherwise, and all its devices where another batch
-- has overtaken any of them.
-- The fence is taken only where nobody holds or waits for it alone; each statement of a volatile function sees
-- what was committed before that statement, so the workspace is read as the fence protects it.
CREATE FUNCTION record_updates(
    of_workspace text, remembered_registry_version bigint, remembered_cutover_version bigint,
    received_at timestamptz, prepared_at timestamptz, by_cycle uuid, in_trace text, of_provider text,
    device_ids text[], activation_ids uuid[], versions bigint[], replaced_versions bigint[],
    newest_observations timestamptz[], held_signals json[], dropped_signals json[],
    event_ids uuid[], vehicle_ids text[], provider_ids text[],
    event_devices text[], event_activations uuid[], event_versions bigint[],
    updated_signals json[], rare_members json[], envelope_ids uuid[], trace_ids text[]
) RETURNS text[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    is_remembered CONSTANT boolean := remembered_registry_version IS NOT NULL;
BEGIN
    IF is_remembered THEN
        IF NOT pg_try_advisory_xact_lock_shared(hashtextextended(of_workspace, 0)) THEN
            RETURN NULL;
        END IF;
        PERFORM FROM workspaces
        WHERE workspace_id = of_workspace AND active AND registry_version = remembered_registry_version
          AND cutover_version = remembered_cutover_version;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        IF cardinality(event_ids) = 0 THEN
            RETURN '{}';
        END IF;
    END IF;
    RETURN move_snapshots(
        of_workspace, received_at, prepared_at, by_cycle, in_trace, of_provider, device_ids, activation_ids, versions,
        replaced_versions, newest_observations, held_signals, dropped_signals, event_ids, vehicle_ids, provider_ids,
        event_devices, event_activations, event_versions, updated_signals, rare_members, envelope_ids, trace_ids,
        is_remembered
    );
EXCEPTION WHEN serialization_failure THEN
    -- What was written is undone.
    RETURN device_ids;
END
$$;
