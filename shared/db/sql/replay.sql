-- name: count_log
-- How many events the log holds, for a progress bar.
SELECT count(*) FROM cart_event;

-- name: list_carts_to_replay
-- The carts that have a log or a session, with their frontiers, in id order.
SELECT c.cart_id, c.ack_epoch, c.ack_seq, c.ahead::text AS ahead, c.skipped::text AS skipped
FROM cart c
WHERE c.cart_id > %(after)s
ORDER BY c.cart_id
LIMIT %(limit)s;

-- name: list_log_of_carts
-- The log of these carts in the order in which it is folded.
SELECT cart_id, epoch, seq, sub, type, session_id, verdict, reason, product_id, code, quantity,
       unit_price_minor, unit_paid_minor, unit_weight_g, total_g
FROM cart_event
WHERE cart_id = ANY(%(cart_ids)s)
ORDER BY cart_id, epoch, seq, sub;

-- name: list_sessions_of_carts
-- Every session of these carts with its totals, and the totals of its order.
SELECT s.session_id, s.cart_id, s.status, s.next_line, s.total_items, s.subtotal_minor, s.total_minor, s.measured_g,
       o.order_id, o.total_items AS order_items, o.subtotal_minor AS order_subtotal_minor,
       o.total_minor AS order_total_minor
FROM cart_session s
LEFT JOIN purchase_order o USING (session_id)
WHERE s.cart_id = ANY(%(cart_ids)s);

-- name: list_order_lines_of_carts
-- What was charged for the sessions of these carts.
SELECT o.session_id, l.line, l.product_id, l.code, l.quantity, l.unit_price_minor, l.unit_paid_minor
FROM order_line l
JOIN purchase_order o USING (order_id)
WHERE o.cart_id = ANY(%(cart_ids)s)
ORDER BY o.session_id, l.line;

-- name: read_conservation
-- The two sides of the conservation law: deliveries settled, and what became of them.
SELECT (SELECT coalesce(sum(received), 0) FROM delivery_count)::bigint AS received,
       (SELECT coalesce(sum(duplicates), 0) FROM delivery_count)::bigint AS duplicates,
       (SELECT coalesce(sum(forgotten + unkept), 0) FROM delivery_count)::bigint AS forgotten,
       (SELECT coalesce(sum(occurrences), 0) FROM dead_letter)::bigint AS dead_letters,
       count(*) FILTER (WHERE verdict = 'applied') AS applied,
       count(*) FILTER (WHERE verdict = 'refused') AS refused,
       count(*) FILTER (WHERE verdict = 'late') AS late
FROM cart_event
WHERE sub = 0;
