-- Workspaces: the tenants, with their cutover flags, their policy and their polling cadence.
--
-- Rules of the whole schema: ids are opaque text of other services, or UUIDv7 where this service makes them; states and
-- reasons are text that the domain decodes, so that a new word needs no migration; every key starts with workspace_id,
-- so that the tables can be distributed by it.

CREATE TABLE registration_counter (
    singleton   boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    last_number bigint  NOT NULL
);
INSERT INTO registration_counter (last_number) VALUES (0);

COMMENT ON TABLE registration_counter IS
    'The last registration number, in the only row of this table. A sequence would leave gaps where transactions roll '
    'back, and poll offsets are spread evenly only over numbers without gaps. Not keyed by workspace.';
COMMENT ON COLUMN registration_counter.singleton IS 'Always true: the key allows one row.';

CREATE TABLE workspaces (
    workspace_id                   text        PRIMARY KEY,
    name                           text        NOT NULL,
    active                         boolean     NOT NULL,
    created_at                     timestamptz NOT NULL,
    registration_number            bigint      NOT NULL,
    version                        bigint      NOT NULL,
    registry_version               bigint      NOT NULL DEFAULT 1,

    device_registry_source         text        NOT NULL,
    poll_owner                     text        NOT NULL,
    read_owner                     text        NOT NULL,
    provider_mode                  text        NOT NULL,
    cutover_version                bigint      NOT NULL,
    cutover_changed_at             timestamptz NOT NULL,
    cutover_changed_by             text        NOT NULL,
    polling_changed_at             timestamptz NOT NULL,

    poll_interval_minutes          integer     NOT NULL,
    stale_threshold_minutes        integer     NOT NULL,
    no_data_grace_minutes          integer     NOT NULL,
    policy_version                 bigint      NOT NULL,
    policy_changed_at              timestamptz NOT NULL,
    poll_interval_since            timestamptz NOT NULL,
    previous_poll_interval_minutes integer,
    previous_poll_interval_since   timestamptz
);

COMMENT ON TABLE workspaces IS 'A workspace: name, cutover flags, policy and polling cadence. Kept for ever.';
COMMENT ON COLUMN workspaces.registration_number IS
    'Gapless number in the order of registration. The offset of the workspace''s polls within the interval follows '
    'from it.';
COMMENT ON COLUMN workspaces.version IS 'Version of name and active, for If-Match.';
COMMENT ON COLUMN workspaces.registry_version IS
    'Raised by every change of a connection or device of the workspace. Instances compare it with what they have '
    'cached.';
COMMENT ON COLUMN workspaces.device_registry_source IS 'Cutover flag: where devices are managed, core or legacy_sync.';
COMMENT ON COLUMN workspaces.poll_owner IS
    'Cutover flag: who polls, legacy, both_shadow or core. Core polls in the last two.';
COMMENT ON COLUMN workspaces.read_owner IS 'Cutover flag: whose values readers see, legacy or core.';
COMMENT ON COLUMN workspaces.provider_mode IS
    'Cutover flag: whose updates are accepted, legacy_provider, depot_sim or mixed.';
COMMENT ON COLUMN workspaces.cutover_version IS
    'Version of the four cutover flags; the row of cutover_changes with this version says who made it.';
COMMENT ON COLUMN workspaces.polling_changed_at IS
    'Since when active and poll_owner together say that core polls the workspace, or that it does not. No slot before '
    'this instant can be missed.';
COMMENT ON COLUMN workspaces.policy_version IS 'Version of the policy: interval, threshold and grace.';
COMMENT ON COLUMN workspaces.poll_interval_since IS 'The first minute in which poll_interval_minutes counts.';
COMMENT ON COLUMN workspaces.previous_poll_interval_minutes IS
    'The cadence before the present one; NULL if there was none. Older cadences are not kept.';
COMMENT ON COLUMN workspaces.previous_poll_interval_since IS 'The first minute in which the previous cadence counted.';

CREATE TABLE cutover_changes (
    workspace_id text        NOT NULL REFERENCES workspaces,
    version      bigint      NOT NULL,
    changed_at   timestamptz NOT NULL,
    changed_by   text        NOT NULL,
    reason       text,
    from_flags   jsonb,
    to_flags     jsonb       NOT NULL,
    PRIMARY KEY (workspace_id, version)
);

COMMENT ON TABLE cutover_changes IS
    'One version of a workspace''s cutover flags: who changed them, when and why. Append-only, kept for ever.';
COMMENT ON COLUMN cutover_changes.reason IS 'The words of the person who changed the flags; NULL if they gave none.';
COMMENT ON COLUMN cutover_changes.from_flags IS 'The four flags before; NULL for version 1.';
COMMENT ON COLUMN cutover_changes.to_flags IS 'The four flags after.';
