-- name: list_unpublished_carts
-- Carts whose newest version the broker has not confirmed.
SELECT cart_id, version FROM cart WHERE version > published_version AND cart_id > %(after)s ORDER BY cart_id LIMIT %(limit)s;

-- name: read_cart_snapshots
-- Everything that the states of these carts say, in one statement and so of one moment.
SELECT c.cart_id, st.name AS store, c.version, c.published_version, c.ack_epoch, c.ack_seq, c.pairing_code,
       s.session_id, s.shopper_id, s.incomplete, s.next_line, s.measured_g, l.lines, e.notices,
       EXISTS (SELECT FROM cart_session f
               WHERE f.cart_id = c.cart_id AND f.shopper_id IS NOT NULL
                 AND f.closed_version > c.published_version) AS owes_farewell
FROM cart c
JOIN store st USING (store_id)
LEFT JOIN cart_session s ON s.cart_id = c.cart_id AND s.status = 'open'
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(l.line, l.product_id, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor,
                                     l.unit_weight_g, p.name, p.gtin) ORDER BY l.line) AS lines
    FROM cart_line l JOIN product p USING (product_id)
    WHERE l.session_id = s.session_id
) AS l ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(n.epoch, n.seq, n.reason, n.code) ORDER BY n.epoch, n.seq) AS notices
    FROM notices_of(c.cart_id, c.closed_epoch, c.closed_seq, s.session_id, s.shopper_id IS NOT NULL,
                    coalesce(s.opened_at, c.last_closed_at), %(notices)s) AS n
) AS e ON true
WHERE c.cart_id = ANY(%(cart_ids)s)
ORDER BY c.cart_id;

-- name: list_farewells
-- Sessions that closed after the last published version of their cart: their shoppers have not been told, or not for
-- certain. Who is on another trip by now follows that one, and is told no more of the last.
SELECT s.session_id, s.cart_id, s.shopper_id, s.next_line, s.measured_g
FROM cart_session s
JOIN cart c USING (cart_id)
WHERE s.cart_id = ANY(%(cart_ids)s) AND s.shopper_id IS NOT NULL AND s.closed_version > c.published_version
  AND NOT EXISTS (SELECT FROM cart_session o WHERE o.shopper_id = s.shopper_id AND o.status = 'open')
ORDER BY s.cart_id, s.closed_version;

-- name: list_state_lines
-- The lines of these sessions with what a display needs.
SELECT l.session_id, l.line, l.product_id, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor, l.unit_weight_g,
       p.name, p.gtin
FROM cart_line l
JOIN product p USING (product_id)
WHERE l.session_id = ANY(%(session_ids)s)
ORDER BY l.session_id, l.line;

-- name: mark_published
-- The broker has confirmed these versions. A cart that somebody is changing is passed over, instead of waited for: its
-- next version is published anyway. The transaction of this statement does not wait for the disk either.
WITH lazily AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), held AS MATERIALIZED (
    SELECT cart_id FROM cart WHERE cart_id = ANY(%(cart_ids)s) FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE cart c
SET published_version = greatest(c.published_version, v.version)
FROM unnest(%(cart_ids)s::int[], %(versions)s::bigint[]) AS v (cart_id, version)
JOIN held USING (cart_id)
CROSS JOIN lazily
WHERE c.cart_id = v.cart_id;

-- name: publish_everything_again
-- The broker has lost its memory: every cart's state has to be said again.
WITH held AS MATERIALIZED (
    SELECT cart_id FROM cart WHERE published_version >= version ORDER BY cart_id FOR NO KEY UPDATE
)
UPDATE cart c
SET published_version = least(c.published_version, c.version - 1)
FROM held
WHERE c.cart_id = held.cart_id;

-- name: publish_some_again
-- The next few carts beyond a cart: their states have to be said again. One that is being changed is said anyway.
WITH held AS MATERIALIZED (
    SELECT cart_id FROM cart WHERE cart_id > %(after)s ORDER BY cart_id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE cart c
SET published_version = least(c.published_version, c.version - 1)
FROM held
WHERE c.cart_id = held.cart_id
RETURNING c.cart_id;

-- name: find_cart_of_shopper
-- The cart that a shopper holds.
SELECT cart_id FROM cart_session WHERE shopper_id = %(shopper_id)s AND status = 'open';
