-- name: limit_session
-- Settings of this connection, by name.
SELECT set_config(name, value, false)
FROM unnest(%(names)s::text[], %(values)s::text[]) AS given (name, value);
