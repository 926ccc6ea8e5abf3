-- name: list_orders
-- A shopper's orders, newest first, older than one.
SELECT o.order_id, o.store_id, s.name AS store, o.receipt_number, o.currency, o.total_items, o.subtotal_minor,
       o.total_minor, o.incomplete, o.ordered_at, o.weight_verdict
FROM purchase_order AS o JOIN store AS s USING (store_id)
WHERE o.shopper_id = %(shopper_id)s AND o.order_id < %(before)s
ORDER BY o.order_id DESC LIMIT %(limit)s;

-- name: find_order
-- One order of this shopper.
SELECT o.order_id, o.store_id, s.name AS store, o.receipt_number, o.currency, o.total_items, o.subtotal_minor,
       o.total_minor, o.incomplete, o.ordered_at, o.weight_verdict
FROM purchase_order AS o JOIN store AS s USING (store_id)
WHERE o.shopper_id = %(shopper_id)s AND o.order_id = %(order_id)s;

-- name: list_order_lines
-- The lines of some orders.
SELECT order_id, line, product_id, product_name, gtin, code, quantity, unit_price_minor, unit_paid_minor, tax_rate_bp
FROM order_line WHERE order_id = ANY(%(order_ids)s) ORDER BY order_id, line;
