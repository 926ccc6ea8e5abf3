-- name: save_telemetry
-- The latest position and health of these carts; what a cart did not say stays.
WITH held AS MATERIALIZED (
    SELECT cart_id FROM cart_presence WHERE cart_id = ANY(%(cart_ids)s) ORDER BY cart_id FOR NO KEY UPDATE
)
UPDATE cart_presence p
SET x = coalesce(v.x, p.x), y = coalesce(v.y, p.y), floor = coalesce(v.floor, p.floor),
    located_at = CASE WHEN v.x IS NULL THEN p.located_at ELSE v.received_at END,
    battery_pct = coalesce(v.battery_pct, p.battery_pct), rssi_dbm = coalesce(v.rssi_dbm, p.rssi_dbm),
    journal_length = coalesce(v.journal_length, p.journal_length), last_seen_at = v.received_at
FROM unnest(%(cart_ids)s::int[], %(stores)s::text[], %(received_ats)s::timestamptz[], %(xs)s::float8[],
            %(ys)s::float8[], %(floors)s::int[], %(batteries)s::int[], %(rssis)s::int[], %(journals)s::int[])
     AS v (cart_id, store, received_at, x, y, floor, battery_pct, rssi_dbm, journal_length)
JOIN held ON held.cart_id = v.cart_id
JOIN cart c ON c.cart_id = v.cart_id
JOIN store s ON s.store_id = c.store_id AND s.name = v.store
WHERE p.cart_id = v.cart_id;

-- name: save_statuses
-- Births and wills.
WITH held AS MATERIALIZED (
    SELECT cart_id FROM cart_presence WHERE cart_id = ANY(%(cart_ids)s) ORDER BY cart_id FOR NO KEY UPDATE
)
UPDATE cart_presence p
SET online = v.online, status_epoch = coalesce(v.epoch, p.status_epoch), firmware = coalesce(v.firmware, p.firmware),
    last_seen_at = v.received_at
FROM unnest(%(cart_ids)s::int[], %(stores)s::text[], %(received_ats)s::timestamptz[], %(onlines)s::boolean[],
            %(epochs)s::bigint[], %(firmwares)s::text[])
     AS v (cart_id, store, received_at, online, epoch, firmware)
JOIN held ON held.cart_id = v.cart_id
JOIN cart c ON c.cart_id = v.cart_id
JOIN store s ON s.store_id = c.store_id AND s.name = v.store
WHERE p.cart_id = v.cart_id;
