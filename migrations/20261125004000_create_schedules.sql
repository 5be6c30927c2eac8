-- What the scheduler outside (EventBridge) is known to have of each workspace's schedule. What it is to
-- have follows from `workspaces`: a schedule of this cadence while active, none otherwise; workspaces
-- that were there before have no row, and so are out of line until a row says otherwise.

CREATE TABLE schedules (
    workspace_id             text        PRIMARY KEY REFERENCES workspaces,
    -- What it confirmed last: of which cadence, as which expression; nothing where it confirmed that
    -- there is none.
    applied_interval_minutes integer,
    applied_expression       text,
    applied_at               timestamptz,
    -- Whoever tells it something, and until when nobody else does, by the database's clock. It stays
    -- until the scheduler has confirmed, so what was begun and never heard of is begun again.
    claim                    uuid,
    claimed_until            timestamptz,
    -- Attempts that failed since, and why the latest did.
    failures                 integer     NOT NULL DEFAULT 0,
    error                    text
);
