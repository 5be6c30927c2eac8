-- Provider sessions: logins at providers that last for days.

CREATE TABLE provider_sessions (
    account    bytea       PRIMARY KEY,
    sealed     bytea       NOT NULL,
    expires_at timestamptz NOT NULL,
    saved_at   timestamptz NOT NULL
);

COMMENT ON TABLE provider_sessions IS
    'The login session of each account at a provider. Written by the poll that logged in, deleted when the provider '
    'refuses the session or by the sweep after it has expired. Not keyed by workspace: connections of several '
    'workspaces may use one account, and a provider allows an account few logins.';
COMMENT ON COLUMN provider_sessions.account IS
    'SHA-256 of provider type, base URL and credential reference.';
COMMENT ON COLUMN provider_sessions.sealed IS
    'The session, sealed with AES-256-GCM by the key that PROVIDER_SESSION_KEY_REF refers to.';
