-- name: advance_running_time
-- The clock never goes back, and several workers advance it as fast as one.
UPDATE running_time SET running_s = greatest(running_s, %(to_s)s) RETURNING running_s;
