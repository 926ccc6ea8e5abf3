-- name: export_snapshot
-- What pg_dump shall see: the same moment as the counts that are written beside it.
SELECT pg_export_snapshot(), transaction_timestamp(), current_setting('server_version');

-- name: list_applied_migrations
-- The schema that this database has.
SELECT name, digest, applied_at FROM schema_migration ORDER BY name;

-- name: count_what_is_kept
-- How much of everything there is, for the manifest of a backup.
SELECT (SELECT count(*) FROM cart) AS carts, (SELECT count(*) FROM cart_session) AS sessions,
       (SELECT count(*) FROM purchase_order) AS orders, (SELECT count(*) FROM shopper) AS shoppers,
       (SELECT count(*) FROM cart_event) AS events;

-- name: count_objects
-- How many tables, views and sequences somebody made here.
SELECT count(*)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname !~ '^(pg_|information_schema$)';

-- name: note_migration
-- A migration that the restored tables have. Without these rows no program of ours starts on them.
INSERT INTO schema_migration (name, digest, applied_at) VALUES (%(name)s, %(digest)s, %(applied_at)s);

-- name: lift_carts
-- Versions above all that was ever published, so that displays and phones, which keep the newest they have shown, take
-- the next state; each is published again.
UPDATE cart SET version = version + %(versions)s, restored = true;

-- name: flag_open_sessions
-- Nobody knows what else happened on the trips that were under way.
UPDATE cart_session SET incomplete = true WHERE status = 'open' RETURNING store_id, cart_id, session_id;

-- name: revoke_all_refresh_tokens
-- Tokens that were replaced or revoked since are good again: nobody can tell which, so every phone logs in anew.
UPDATE refresh_token SET revoked_at = %(now)s WHERE revoked_at IS NULL AND expires_at > %(now)s;

-- name: use_up_all_codes
-- One-time codes that were used since would open a door once more.
UPDATE otp_challenge SET used_at = %(now)s WHERE used_at IS NULL;

-- name: end_all_operator_sessions
-- Operators who logged out, or were removed, since then.
DELETE FROM operator_session;

-- name: lift_numbers
-- Numbers that were given out since are on receipts, on carts and in access tokens: they are not given to others.
SELECT setval(pg_get_serial_sequence('cart', 'cart_id'),
              nextval(pg_get_serial_sequence('cart', 'cart_id')) + %(carts)s),
       setval(pg_get_serial_sequence('shopper', 'shopper_id'),
              nextval(pg_get_serial_sequence('shopper', 'shopper_id')) + %(shoppers)s),
       setval(pg_get_serial_sequence('purchase_order', 'order_id'),
              nextval(pg_get_serial_sequence('purchase_order', 'order_id')) + %(orders)s);

-- name: lift_receipt_numbers
-- The same for each store's receipts.
UPDATE store SET last_receipt_number = last_receipt_number + %(receipts)s;
