-- When instances took a cycle, each time: after a lost lease another holder goes on with it. Cycles from
-- before, and those that an instance of the version before takes, have `started_at` alone. Touches no row.

ALTER TABLE poll_cycles ADD COLUMN claimed_at timestamptz[] NOT NULL DEFAULT '{}';
