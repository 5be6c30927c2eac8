-- For how long the workspace's devices were fresh between the end of the cycle before and that of this one,
-- summed over them: measured when a cycle ends that was polled to its end. Cycles from before have none.
-- Touches no row.

ALTER TABLE poll_cycles
    ADD COLUMN measured_since timestamptz,
    -- Device-time, in microseconds: that counts at all, and that of it in which the device was fresh.
    ADD COLUMN eligible_us bigint,
    ADD COLUMN fresh_us bigint;
