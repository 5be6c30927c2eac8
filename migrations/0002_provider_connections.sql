-- Provider connections: a workspace's accounts at telematics providers.

CREATE TABLE provider_connections (
    workspace_id                        text        NOT NULL REFERENCES workspaces,
    provider_id                         text        NOT NULL,
    provider_type                       text        NOT NULL,
    base_url                            text        NOT NULL,
    credential_ref                      text,
    enabled                             boolean     NOT NULL,
    expected_reporting_interval_minutes integer,
    settings                            jsonb       NOT NULL,
    version                             bigint      NOT NULL,
    created_at                          timestamptz NOT NULL,
    changed_at                          timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, provider_id)
);

COMMENT ON TABLE provider_connections IS
    'A provider account of a workspace. Written by administrators through the API; deleted when they remove it.';
COMMENT ON COLUMN provider_connections.provider_id IS
    'Name of the connection, chosen by administrators, unique in the workspace.';
COMMENT ON COLUMN provider_connections.credential_ref IS
    'Where the credential is found (env:NAME or file:NAME), never the credential itself; NULL if the connection needs '
    'none.';
COMMENT ON COLUMN provider_connections.expected_reporting_interval_minutes IS
    'How often devices of this connection report, as administrators declared it; NULL if they declared nothing.';
COMMENT ON COLUMN provider_connections.settings IS 'Settings of this type of provider, a JSON object.';
COMMENT ON COLUMN provider_connections.changed_at IS
    'When the connection was last configured. Failures of polls before this instant do not open the circuit.';
