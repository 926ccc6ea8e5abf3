-- name: try_lead
-- Take a role of which there is one per database; it is held as long as the connection lives.
SELECT pg_try_advisory_lock(%(role)s);
