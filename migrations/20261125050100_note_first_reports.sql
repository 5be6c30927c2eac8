-- Devices that may never have reported, found without a look at every device and snapshot: a column that
-- upkeep sets once an activation has reported, and an index of those of which nobody knows that yet. No
-- update of a snapshot touches either. Rewrites the table once; every device starts as one of which it is
-- not known, and readers look at its snapshot as before, until upkeep has been there.

ALTER TABLE devices
    -- The activation that is known to have reported.
    ADD COLUMN reported_in uuid,
    -- Follows from the others, so that whoever writes a device keeps it right; a column, so that the planner
    -- knows how few they are.
    ADD COLUMN unreported  boolean NOT NULL
        GENERATED ALWAYS AS (active AND reported_in IS DISTINCT FROM activation_id) STORED;

CREATE INDEX devices_unreported ON devices (workspace_id, device_id) WHERE unreported;
