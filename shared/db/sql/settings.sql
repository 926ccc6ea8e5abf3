-- name: read_setting
-- A setting of the server that is in force for this connection.
SELECT current_setting(%(name)s);

-- name: read_only_snapshot
-- This transaction only reads, and all of it at one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: count_connections_allowed
-- How many connections the server has for programs that are no superusers.
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int;
