-- name: lock_cart_of_shopper
-- The cart that a shopper holds, locked before its trip is read.
SELECT c.cart_id, c.ack_epoch, c.ack_seq, c.ahead::text AS ahead, c.head_sub, c.version
FROM cart_session AS s JOIN cart AS c USING (cart_id)
WHERE s.shopper_id = %(shopper_id)s AND s.status = 'open'
FOR NO KEY UPDATE OF c;

-- name: read_trip_of_shopper
-- The open trip of a shopper with its lines; a trip without lines is one row.
SELECT s.cart_id, s.session_id, s.after_epoch, s.after_seq, s.after_sub, s.opened_at, s.next_line, s.measured_g,
       l.line, l.product_id, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor, l.unit_weight_g
FROM cart_session AS s LEFT JOIN cart_line AS l USING (session_id)
WHERE s.shopper_id = %(shopper_id)s AND s.status = 'open'
ORDER BY l.line;

-- name: find_product_to_change
-- A product at today's price, with the code that names it in the log.
SELECT product_id, price_minor, coalesce(discounted_price_minor, price_minor) AS paid_minor, weight_g,
       coalesce(gtin, barcode) AS code
FROM product
WHERE product_id = %(product_id)s;

-- name: write_phone_change
-- One piece more or less by hand: the row of the log, the line it touches (quantity 0: it is gone), the totals of the
-- trip, and the cart's version.
WITH logged AS (
    INSERT INTO cart_event (cart_id, epoch, seq, sub, source, type, session_id, verdict, product_id, code, quantity,
                            unit_price_minor, unit_paid_minor, unit_weight_g, received_at, payload)
    VALUES (%(cart_id)s, %(epoch)s, %(seq)s, %(sub)s, 'phone', %(type)s, %(session_id)s, 'applied', %(product_id)s,
            %(code)s, 1, %(unit_price_minor)s, %(unit_paid_minor)s, %(unit_weight_g)s, %(now)s, %(payload)s)
), put AS (
    INSERT INTO cart_line (session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor,
                           unit_weight_g)
    SELECT %(session_id)s, %(line)s, %(product_id)s, %(code)s, %(quantity)s, %(unit_price_minor)s,
           %(unit_paid_minor)s, %(unit_weight_g)s
    WHERE %(quantity)s > 0
    ON CONFLICT (session_id, line) DO UPDATE SET quantity = excluded.quantity
), gone AS (
    DELETE FROM cart_line WHERE session_id = %(session_id)s AND line = %(line)s AND %(quantity)s = 0
), trip AS (
    UPDATE cart_session
    SET next_line = %(next_line)s, total_items = %(total_items)s, subtotal_minor = %(subtotal_minor)s,
        total_minor = %(total_minor)s, last_event_at = %(now)s
    WHERE session_id = %(session_id)s
)
UPDATE cart SET head_sub = %(sub)s, version = version + 1 WHERE cart_id = %(cart_id)s;
