-- The latest answer of a connection, past any number of polls that it failed at or was left out of: health
-- and issues look for it, also where a provider has been down for weeks, or always.
CREATE INDEX poll_cycle_connections_answered ON poll_cycle_connections (workspace_id, provider_id, ended_at)
    WHERE outcome = 'ok';
