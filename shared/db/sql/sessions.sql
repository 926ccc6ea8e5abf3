-- name: find_session_of_shopper
-- The cart that a shopper holds.
SELECT session_id, cart_id FROM cart_session WHERE shopper_id = %(shopper_id)s AND status = 'open';

-- name: take_session
-- A shopper takes the trip that a cart began without one; changes nothing when somebody else has it.
UPDATE cart_session
SET shopper_id = %(shopper_id)s
WHERE session_id = %(session_id)s AND status = 'open' AND shopper_id IS NULL;

-- name: find_pairing_code
-- The code that a cart shows.
SELECT pairing_code FROM cart WHERE cart_id = %(cart_id)s;

-- name: set_pairing_code
-- A used code is worth nothing any more.
UPDATE cart SET pairing_code = %(pairing_code)s, pairing_code_since = %(now)s, pairing_code_s = running_s()
WHERE cart_id = %(cart_id)s;

-- name: close_session
-- The trip ends; `closed_version` is the version of the cart that says so.
UPDATE cart_session
SET status = %(status)s, closed_at = %(now)s, closed_version = %(closed_version)s
WHERE session_id = %(session_id)s AND status = 'open';

-- name: close_cart
-- The cart is idle again, with a new code; what it said so far belongs to the past.
UPDATE cart
SET closed_epoch = %(epoch)s, closed_seq = %(seq)s, closed_sub = %(sub)s, has_unclaimed = false, restored = false,
    last_closed_at = %(now)s, pairing_code = %(pairing_code)s, pairing_code_since = %(now)s, pairing_code_s = running_s(),
    version = version + 1
WHERE cart_id = %(cart_id)s;

-- name: next_receipt_number
-- Receipts of a store are numbered without gaps: the row lock is held until the order is committed.
UPDATE store SET last_receipt_number = last_receipt_number + 1
WHERE store_id = %(store_id)s
RETURNING last_receipt_number;

-- name: insert_order
-- The order of one session.
INSERT INTO purchase_order (store_id, shopper_id, cart_id, session_id, receipt_number, currency, total_items,
                            subtotal_minor, total_minor, incomplete, weight_verdict, expected_g, measured_g, ordered_at)
VALUES (%(store_id)s, %(shopper_id)s, %(cart_id)s, %(session_id)s, %(receipt_number)s, %(currency)s, %(total_items)s,
        %(subtotal_minor)s, %(total_minor)s, %(incomplete)s, %(weight_verdict)s, %(expected_g)s, %(measured_g)s,
        %(now)s)
RETURNING order_id;

-- name: insert_order_lines
-- What was bought: the lines of the session with names and tax rates as they are now.
INSERT INTO order_line (order_id, line, product_id, product_name, gtin, code, quantity, unit_price_minor,
                        unit_paid_minor, tax_rate_bp)
SELECT %(order_id)s, l.line, l.product_id, p.name, p.gtin, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor,
       p.tax_rate_bp
FROM cart_line l
JOIN product p USING (product_id)
WHERE l.session_id = %(session_id)s;

-- name: list_idle_sessions
-- Carts beyond one whose trip has seen no event for too long, by the time that nobody sets.
SELECT cart_id FROM cart_session
WHERE status = 'open' AND last_event_s < running_s() - %(idle_s)s AND cart_id > %(after)s
ORDER BY cart_id
LIMIT %(limit)s;

-- name: list_online_carts
-- Which of these carts are online.
SELECT cart_id FROM cart_presence WHERE cart_id = ANY(%(cart_ids)s) AND online ORDER BY cart_id;

-- name: list_open_gaps
-- Carts beyond one that have a gap, to be asked again for what is missing.
SELECT s.name AS store, c.cart_id, c.ack_epoch, c.ack_seq + 1 AS seq, coalesce(p.online, false) AS is_online
FROM cart c
JOIN store s USING (store_id)
LEFT JOIN cart_presence p USING (cart_id)
WHERE c.gap_since IS NOT NULL AND c.cart_id > %(after)s
ORDER BY c.cart_id
LIMIT %(limit)s;

-- name: list_old_pairing_codes
-- Carts beyond one that nobody holds and whose code has been shown long enough; those that are switched off keep theirs.
SELECT c.cart_id
FROM cart c
JOIN cart_presence p USING (cart_id)
LEFT JOIN cart_session s ON s.cart_id = c.cart_id AND s.status = 'open'
WHERE p.online AND c.pairing_code_s < running_s() - %(shown_s)s AND s.shopper_id IS NULL AND c.cart_id > %(after)s
ORDER BY c.cart_id
LIMIT %(limit)s;

-- name: rotate_pairing_codes
-- New codes for these carts; the condition keeps a code that changed meanwhile.
UPDATE cart c
SET pairing_code = v.pairing_code, pairing_code_since = %(now)s, pairing_code_s = running_s(), version = c.version + 1
FROM unnest(%(cart_ids)s::int[], %(pairing_codes)s::text[]) AS v (cart_id, pairing_code)
WHERE c.cart_id = v.cart_id AND c.pairing_code_s < running_s() - %(shown_s)s;

-- name: bump_version
-- The cart changed in a way that its display should show.
UPDATE cart SET version = version + 1 WHERE cart_id = %(cart_id)s;
