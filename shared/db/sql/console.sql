-- name: list_stores
-- The stores by name.
SELECT store_id, name FROM store ORDER BY store_id;

-- name: list_live_carts
-- Every cart of a store as staff follows it: where it is, how it feels, and the open session on it.
SELECT c.cart_id, coalesce(p.online, false) AS online, p.last_seen_at, p.x, p.y, p.floor, p.located_at, p.battery_pct,
       p.rssi_dbm, p.journal_length, p.firmware, c.gap_since, s.opened_at, s.total_items, s.total_minor, s.incomplete,
       s.shopper_id IS NOT NULL AS has_phone
FROM cart AS c
LEFT JOIN cart_presence AS p USING (cart_id)
LEFT JOIN cart_session AS s ON s.cart_id = c.cart_id AND s.status = 'open'
WHERE c.store_id = %(store_id)s AND c.revoked_at IS NULL
ORDER BY c.cart_id;

-- name: list_open_alerts
-- What waits for staff in a store, the oldest first.
SELECT alert_id, cart_id, kind, detail, times, raised_at, last_at, claimed_by, claimed_at
FROM alert
WHERE store_id = %(store_id)s AND resolved_at IS NULL
ORDER BY raised_at, alert_id
LIMIT %(limit)s;

-- name: claim_alert
-- Take an alert unless somebody else has it; one's own stays one's own.
WITH held AS (
    SELECT alert_id, claimed_by FROM alert
    WHERE alert_id = %(alert_id)s AND resolved_at IS NULL AND (claimed_by IS NULL OR claimed_by = %(by)s)
    FOR NO KEY UPDATE
)
UPDATE alert AS a
SET claimed_by = %(by)s, claimed_at = coalesce(a.claimed_at, %(now)s)
FROM held
WHERE a.alert_id = held.alert_id
RETURNING a.cart_id, a.kind, held.claimed_by IS NULL AS is_new;

-- name: resolve_alert
-- Settle an alert, whoever has it.
UPDATE alert
SET resolved_by = %(by)s, resolved_at = %(now)s, claimed_by = coalesce(claimed_by, %(by)s),
    claimed_at = coalesce(claimed_at, %(now)s)
WHERE alert_id = %(alert_id)s AND resolved_at IS NULL
RETURNING cart_id, kind;

-- name: find_alert_holder
-- Why an alert could not be taken: who has it, and whether it is settled.
SELECT claimed_by, resolved_by FROM alert WHERE alert_id = %(alert_id)s;

-- name: list_events_of_cart
-- A cart's log, the newest first: a page of what fits the search, after the key of the page before.
SELECT e.epoch, e.seq, e.sub, e.source, e.type, e.verdict, e.reason, e.code, e.quantity, e.weight_g, e.total_g,
       e.device_at, e.ts_suspect, e.received_at, e.session_id, p.name AS product_name
FROM cart_event AS e LEFT JOIN product AS p USING (product_id)
WHERE e.cart_id = %(cart_id)s
  AND (%(epoch)s::bigint IS NULL OR (e.epoch, e.seq, e.sub) < (%(epoch)s, %(seq)s, %(sub)s))
  AND (%(verdict)s::text IS NULL OR e.verdict = %(verdict)s)
  AND (%(pattern)s::text IS NULL OR p.name ILIKE %(pattern)s OR e.code LIKE %(pattern)s OR e.type LIKE %(pattern)s
       OR e.reason ILIKE %(pattern)s)
ORDER BY e.epoch DESC, e.seq DESC, e.sub DESC
LIMIT %(limit)s;

-- name: cart_exists
-- Whether there is such a cart.
SELECT 1 FROM cart WHERE cart_id = %(cart_id)s;

-- name: read_ingest_counters
-- What ingest has settled so far, and what waits now: gaps, and states to publish.
SELECT coalesce(sum(received), 0)::bigint AS received, coalesce(sum(duplicates), 0)::bigint AS duplicates,
       (SELECT count(*) FROM cart WHERE gap_since IS NOT NULL) AS gaps,
       (SELECT count(*) FROM cart WHERE version > published_version) AS unpublished
FROM delivery_count;

-- name: read_event_lag
-- How long the events of the last seconds were under way, by the carts' own clocks; null when there were none.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM received_at - device_at), 0))
FROM cart_event
WHERE received_at > %(since)s AND device_at IS NOT NULL AND NOT ts_suspect AND source = 'cart';
