-- name: lock_carts_of_shoppers
-- The carts that these shoppers hold, locked before their trips are read; waits for whoever works on one.
SELECT s.shopper_id, c.cart_id, c.ack_epoch, c.ack_seq, c.ahead::text AS ahead, c.head_sub, c.version
FROM cart_session AS s JOIN cart AS c USING (cart_id)
WHERE s.shopper_id = ANY(%(shopper_ids)s::int[]) AND s.status = 'open'
ORDER BY c.cart_id
FOR NO KEY UPDATE OF c;

-- name: lock_free_carts_of_shoppers
-- The same without waiting: carts on which somebody works at this moment are left out.
SELECT s.shopper_id, c.cart_id, c.ack_epoch, c.ack_seq, c.ahead::text AS ahead, c.head_sub, c.version
FROM cart_session AS s JOIN cart AS c USING (cart_id)
WHERE s.shopper_id = ANY(%(shopper_ids)s::int[]) AND s.status = 'open'
ORDER BY c.cart_id
FOR NO KEY UPDATE OF c SKIP LOCKED;

-- name: read_trips_of_shoppers
-- The open trips of these shoppers with their lines; a trip without lines is one row.
SELECT s.shopper_id, s.cart_id, s.session_id, s.after_epoch, s.after_seq, s.after_sub, s.opened_at, s.next_line,
       s.measured_g, l.line, l.product_id, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor, l.unit_weight_g
FROM cart_session AS s LEFT JOIN cart_line AS l USING (session_id)
WHERE s.shopper_id = ANY(%(shopper_ids)s::int[]) AND s.status = 'open'
ORDER BY s.shopper_id, l.line;

-- name: find_products_to_change
-- Products at today's price, with the code that names each in the log.
SELECT product_id, price_minor, coalesce(discounted_price_minor, price_minor) AS paid_minor, weight_g,
       coalesce(gtin, barcode) AS code
FROM product
WHERE product_id = ANY(%(product_ids)s::int[]);

-- name: write_phone_changes
-- One piece more or less by hand in each of these carts: the row of the log, the line it touches (quantity 0: it is
-- gone), the totals of the trip, and the cart's version.
WITH change AS MATERIALIZED (
    SELECT *
    FROM unnest(%(cart_ids)s::int[], %(epochs)s::bigint[], %(seqs)s::bigint[], %(subs)s::int[], %(types)s::text[],
                %(session_ids)s::uuid[], %(product_ids)s::int[], %(codes)s::text[], %(unit_prices)s::bigint[],
                %(unit_paids)s::bigint[], %(unit_weights)s::int[], %(payloads)s::text[], %(lines)s::int[],
                %(quantities)s::int[], %(next_lines)s::int[], %(total_items)s::int[], %(subtotals)s::bigint[],
                %(totals)s::bigint[])
         AS given (cart_id, epoch, seq, sub, type, session_id, product_id, code, unit_price_minor, unit_paid_minor,
                   unit_weight_g, payload, line, quantity, next_line, total_items, subtotal_minor, total_minor)
), logged AS (
    INSERT INTO cart_event (cart_id, epoch, seq, sub, source, type, session_id, verdict, product_id, code, quantity,
                            unit_price_minor, unit_paid_minor, unit_weight_g, received_at, payload)
    SELECT cart_id, epoch, seq, sub, 'phone', type, session_id, 'applied', product_id, code, 1,
           unit_price_minor, unit_paid_minor, unit_weight_g, %(now)s, convert_to(payload, 'UTF8')
    FROM change
), put AS (
    INSERT INTO cart_line (session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor,
                           unit_weight_g)
    SELECT session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor, unit_weight_g
    FROM change WHERE quantity > 0
    ON CONFLICT (session_id, line) DO UPDATE SET quantity = excluded.quantity
), gone AS (
    DELETE FROM cart_line AS l USING change AS c
    WHERE l.session_id = c.session_id AND l.line = c.line AND c.quantity = 0
), trip AS (
    UPDATE cart_session AS s
    SET next_line = c.next_line, total_items = c.total_items, subtotal_minor = c.subtotal_minor,
        total_minor = c.total_minor, last_event_at = %(now)s, last_event_s = running_s()
    FROM change AS c
    WHERE s.session_id = c.session_id
)
UPDATE cart AS k SET head_sub = c.sub, version = k.version + 1 FROM change AS c WHERE k.cart_id = c.cart_id;
