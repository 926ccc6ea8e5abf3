-- name: list_held_carts
-- The carts these shoppers hold with lines, products and notices, in one statement and so of one moment.
WITH held AS MATERIALIZED (
    SELECT s.shopper_id, s.session_id, s.incomplete, s.measured_g, s.next_line, c.cart_id, c.version, st.name AS store,
           (SELECT json_agg(json_build_array(n.epoch, n.seq, n.reason, n.code) ORDER BY n.epoch, n.seq)
            FROM notices_of(c.cart_id, c.closed_epoch, c.closed_seq, s.session_id, true, s.opened_at,
                            %(notices)s) AS n) AS notices
    FROM cart_session AS s JOIN cart AS c USING (cart_id) JOIN store AS st ON st.store_id = c.store_id
    WHERE s.shopper_id = ANY(%(shopper_ids)s) AND s.status = 'open'
)
SELECT h.shopper_id, h.cart_id, h.store, h.version, h.session_id, h.incomplete, h.measured_g, h.next_line, h.notices,
       l.line, l.product_id, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor, l.unit_weight_g,
       p.product_id, p.name, p.brand, p.price_minor, p.discounted_price_minor, p.barcode, p.weight_g, p.expiry,
       p.category_id, p.offer_name, p.image
FROM held AS h
LEFT JOIN cart_line AS l ON l.session_id = h.session_id
LEFT JOIN product AS p ON p.product_id = l.product_id
ORDER BY h.shopper_id, l.line;
