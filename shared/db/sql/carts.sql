-- name: insert_carts
-- Add carts to a store by name, one per given hash and pairing code; their presence starts with them.
WITH given AS (
    SELECT * FROM unnest(%(secret_hashes)s::bytea[], %(pairing_codes)s::text[]) AS g (secret_hash, pairing_code)
), added AS (
    INSERT INTO cart (store_id, secret_hash, pairing_code)
    SELECT store.store_id, given.secret_hash, given.pairing_code
    FROM given CROSS JOIN store
    WHERE store.name = %(store)s
    RETURNING cart_id, secret_hash
), present AS (
    INSERT INTO cart_presence (cart_id) SELECT cart_id FROM added
)
SELECT cart_id, secret_hash FROM added ORDER BY cart_id;

-- name: rotate_cart_secret
-- Give a cart a new secret; the present one stays valid for overlap_s seconds, not at all for 0.
UPDATE cart
SET secret_hash = %(secret_hash)s,
    previous_secret_hash = CASE WHEN %(overlap_s)s::double precision > 0 THEN secret_hash END,
    previous_valid_until = CASE WHEN %(overlap_s)s::double precision > 0
        THEN clock_timestamp() + make_interval(secs => %(overlap_s)s::double precision) END,
    credential_changed_at = clock_timestamp()
FROM store
WHERE cart.cart_id = %(cart_id)s AND cart.revoked_at IS NULL AND store.store_id = cart.store_id
RETURNING store.name, cart.previous_valid_until;

-- name: revoke_cart
-- Take a cart's access away, together with what a rotation left valid; the first time stays.
UPDATE cart
SET revoked_at = clock_timestamp(),
    previous_secret_hash = NULL,
    previous_valid_until = NULL,
    credential_changed_at = clock_timestamp()
WHERE cart_id = %(cart_id)s AND revoked_at IS NULL;

-- name: find_cart_revocation
-- The store of a cart and since when it is revoked.
SELECT store.name, cart.revoked_at
FROM cart JOIN store USING (store_id)
WHERE cart.cart_id = %(cart_id)s;

-- name: list_carts
-- Carts of one store, or of all, with what staff ask about first.
SELECT cart.cart_id, store.name, coalesce(presence.online, false), presence.firmware, presence.last_seen_at,
       session.session_id IS NOT NULL, coalesce(session.total_items, 0), cart.revoked_at
FROM cart
JOIN store USING (store_id)
LEFT JOIN cart_presence AS presence USING (cart_id)
LEFT JOIN cart_session AS session ON session.cart_id = cart.cart_id AND session.status = 'open'
WHERE %(store)s::text IS NULL OR store.name = %(store)s
ORDER BY cart.cart_id;

-- name: list_cart_credentials
-- Credentials changed since a moment, with ten seconds before it: a change is seen only once its transaction commits.
SELECT cart.cart_id, store.name, cart.secret_hash, cart.previous_secret_hash, cart.previous_valid_until,
       cart.revoked_at IS NOT NULL, cart.credential_changed_at
FROM cart JOIN store USING (store_id)
WHERE cart.credential_changed_at >= coalesce(%(changed_after)s::timestamptz - interval '10 seconds', '-infinity')
ORDER BY cart.credential_changed_at;
