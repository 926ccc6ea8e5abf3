-- name: raise_alerts
-- Call staff; an alert of the same kind that is still open for the cart is counted instead.
INSERT INTO alert (store_id, cart_id, session_id, kind, detail, times, raised_at, last_at)
SELECT v.store_id, v.cart_id, v.session_id, v.kind, v.detail, v.times, %(now)s, %(now)s
FROM unnest(%(store_ids)s::int[], %(cart_ids)s::int[], %(session_ids)s::uuid[], %(kinds)s::text[], %(details)s::text[],
            %(times)s::int[])
     AS v (store_id, cart_id, session_id, kind, detail, times)
ORDER BY v.cart_id, v.kind
ON CONFLICT (cart_id, kind) WHERE resolved_at IS NULL DO UPDATE
SET times = alert.times + excluded.times, last_at = excluded.last_at, detail = excluded.detail,
    session_id = excluded.session_id;
