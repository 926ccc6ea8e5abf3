-- name: read_setting
-- A setting of the server that is in force for this connection.
SELECT current_setting(%(name)s);

-- name: read_only_snapshot
-- This transaction only reads, and all of it at one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: commit_lazily
-- The commit of this transaction may be lost in a crash; only for what is found out again.
SET LOCAL synchronous_commit = off;
