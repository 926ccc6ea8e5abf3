-- name: lock_pairing_tries
-- Guesses by one shopper, or at one cart, wait for each other; in key order, so that they never deadlock.
SELECT pg_advisory_xact_lock(%(space)s::integer, key)
FROM (SELECT unnest(ARRAY[%(shopper_id)s::integer, -(%(cart_id)s::integer)]) AS key ORDER BY key) AS ordered;

-- name: count_pairing_tries
-- Guesses that count: of the shopper in a minute and in an hour, of everybody at the cart in a minute, and when the
-- shopper's first of the minute and of the hour and his last at this cart were.
SELECT count(*) FILTER (WHERE shopper_id = %(shopper_id)s AND tried_at > %(minute)s)   AS in_minute,
       count(*) FILTER (WHERE shopper_id = %(shopper_id)s)                             AS in_hour,
       count(*) FILTER (WHERE cart_id = %(cart_id)s AND tried_at > %(minute)s)         AS at_cart,
       min(tried_at) FILTER (WHERE shopper_id = %(shopper_id)s AND tried_at > %(minute)s) AS first_of_minute,
       min(tried_at) FILTER (WHERE shopper_id = %(shopper_id)s)                        AS first_of_hour,
       max(tried_at) FILTER (WHERE shopper_id = %(shopper_id)s AND cart_id = %(cart_id)s
                                   AND tried_at > %(minute)s)                          AS last_here
FROM pairing_try
WHERE (shopper_id = %(shopper_id)s AND tried_at > %(hour)s) OR (cart_id = %(cart_id)s AND tried_at > %(minute)s);

-- name: insert_pairing_try
-- A guess about to be made.
INSERT INTO pairing_try (shopper_id, cart_id, tried_at) VALUES (%(shopper_id)s, %(cart_id)s, %(now)s)
RETURNING pairing_try_id;

-- name: delete_pairing_try
-- The guess was right, or none was needed.
DELETE FROM pairing_try WHERE pairing_try_id = %(pairing_try_id)s;

-- name: delete_old_pairing_tries
-- Retention.
DELETE FROM pairing_try WHERE ctid = ANY(ARRAY(SELECT ctid FROM pairing_try WHERE tried_at < %(before)s LIMIT %(limit)s));
