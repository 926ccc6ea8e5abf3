-- A shop with a past, for growth.py: what years of trips leave behind, written by the server itself.

-- name: trips
-- Closed trips number :first to :last of every cart, spread over the last 400 days.
INSERT INTO cart_session (session_id, cart_id, store_id, status, after_epoch, after_seq, after_sub, next_line,
                          total_items, subtotal_minor, total_minor, opened_at, last_event_at, closed_at, closed_version)
SELECT md5(cart_id || ' ' || trip)::uuid, cart_id, store_id, 'checked_out', 1, trip * 20, 0, 11, 20, 3980, 3980,
       at, at + interval '30 min', at + interval '31 min', trip
FROM generate_series(%(first)s::int, %(last)s::int) AS trip
CROSS JOIN LATERAL (SELECT now() - interval '400 d' * (1 - trip::float8 / %(trips)s::int) - interval '1 d' AS at) AS began
CROSS JOIN cart;

-- name: lines
-- Their lines: each product twice.
INSERT INTO cart_line (session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor, unit_weight_g)
SELECT md5(cart_id || ' ' || trip)::uuid, p.line, p.product_id, p.barcode, 2, 199, 199, 500
FROM generate_series(%(first)s::int, %(last)s::int) AS trip
CROSS JOIN cart
CROSS JOIN (SELECT row_number() OVER (ORDER BY product_id) AS line, product_id, barcode FROM product) AS p
WHERE %(trips)s::int > 0;

-- name: events
-- Their scans, in the order of time.
INSERT INTO cart_event (cart_id, epoch, seq, source, type, session_id, verdict, product_id, code, quantity, unit_price_minor,
                        unit_paid_minor, unit_weight_g, device_at, received_at, payload)
SELECT cart_id, 1, trip * 20 + n, 'cart', 'scan', md5(cart_id || ' ' || trip)::uuid, 'applied', p.product_id, p.barcode, 1,
       199, 199, 500, at, at,
       convert_to('{"v":1,"epoch":1,"seq":' || lpad((trip * 20 + n)::text, 7) || ',"at":1790000000123,"type":"scan","code":"'
                  || p.barcode || '"}', 'UTF8')
FROM generate_series(%(first)s::int, %(last)s::int) AS trip
CROSS JOIN generate_series(1, 20) AS n
CROSS JOIN LATERAL (
    SELECT now() - interval '400 d' * (1 - trip::float8 / %(trips)s::int) - interval '1 d' + n * interval '90 s' AS at
) AS scanned
CROSS JOIN cart
JOIN (SELECT row_number() OVER (ORDER BY product_id) AS line, product_id, barcode FROM product) AS p
    ON p.line = 1 + n %% 10;

-- name: frontiers
-- Every cart has said everything up to this number, and its last trip is closed.
UPDATE cart SET ack_epoch = 1, ack_seq = %(seq)s, closed_epoch = 1, closed_seq = %(seq)s, closed_sub = 0,
                last_closed_at = now(), version = version + 1;

-- name: open_again
-- The last trip of every cart is still going on.
WITH opened AS (
    UPDATE cart_session SET status = 'open', closed_at = NULL, closed_version = NULL, last_event_at = now()
)
UPDATE cart SET ack_seq = %(seq)s, closed_epoch = 0, closed_seq = 0, last_closed_at = NULL;

-- name: unpublished
-- Carts whose newest state the broker has not confirmed.
SELECT count(*) FROM cart WHERE version > published_version;
