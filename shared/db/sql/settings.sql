-- name: read_setting
-- A setting of the server that is in force for this connection.
SELECT current_setting(%(name)s);

-- name: read_only_snapshot
-- This transaction only reads, and all of it at one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
