-- Who changed what, over all workspaces and types of events, without reading the accepted updates: a
-- column that these leave empty, and an index that has no entry for them. Reads every event that is
-- there once, and writers wait meanwhile. While instances of the version before still run, changes made
-- through them have their author in the payload alone, and are not listed.

ALTER TABLE event_store ADD COLUMN changed_by text;

-- Changes made before. The author of a manual cycle stands under another name.
UPDATE event_store
SET changed_by = coalesce(payload->>'changed_by', payload->>'triggered_by')
WHERE type <> 'TelematicsUpdateAccepted'
  AND (payload->>'changed_by' IS NOT NULL
       OR (type = 'WorkspacePollCycleTriggered' AND payload->>'trigger' = 'manual'));

CREATE INDEX event_store_changes ON event_store (workspace_id, recorded_at, event_id)
    WHERE changed_by IS NOT NULL;
