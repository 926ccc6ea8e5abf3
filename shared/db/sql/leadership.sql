-- name: try_lead
-- Take a role of which there is one per database; it is held as long as the connection lives.
SELECT pg_try_advisory_lock(%(role)s);

-- name: try_lead_once
-- The same until the end of the transaction.
SELECT pg_try_advisory_xact_lock(%(role)s);
