-- name: find_store_of_shopper
-- The store of the cart that a shopper holds.
SELECT store_id FROM cart_session WHERE shopper_id = %(shopper_id)s AND status = 'open';

-- name: find_first_store
-- The store to speak of when nobody said which.
SELECT store_id FROM store ORDER BY store_id LIMIT 1;

-- name: store_exists
-- Whether there is such a store.
SELECT 1 FROM store WHERE store_id = %(store_id)s;

-- name: find_location_of_held_cart
-- Where a cart says it is, when this shopper holds it.
SELECT s.store_id, s.opened_at, p.x, p.y, p.floor, p.located_at
FROM cart_session AS s LEFT JOIN cart_presence AS p USING (cart_id)
WHERE s.shopper_id = %(shopper_id)s AND s.cart_id = %(cart_id)s AND s.status = 'open';

-- name: find_place_of_last_scan
-- Where the product that a cart scanned last on this trip stands.
SELECT l.x, l.y, l.floor, e.received_at
FROM cart_event AS e JOIN product_location AS l ON l.product_id = e.product_id AND l.store_id = %(store_id)s
WHERE e.cart_id = %(cart_id)s AND e.type = 'scan' AND e.verdict = 'applied' AND e.source <> 'phone'
  AND e.received_at >= %(since)s
ORDER BY e.epoch DESC, e.seq DESC, l.location_id LIMIT 1;

-- name: find_section_at
-- The smallest section that a place lies in.
SELECT section_id FROM store_section
WHERE store_id = %(store_id)s AND floor = %(floor)s
  AND %(x)s BETWEEN least(x1, x2) AND greatest(x1, x2) AND %(y)s BETWEEN least(y1, y2) AND greatest(y1, y2)
ORDER BY abs((x2 - x1) * (y2 - y1)), section_id LIMIT 1;

-- name: list_layout_versions
-- The version of the layout in force of each store that has one.
SELECT store_id, max(version) FROM store_layout GROUP BY store_id;

-- name: list_blocks_in_force
-- What an operator has closed in a store for now.
SELECT floor, x1, y1, x2, y2, connector FROM aisle_block
WHERE store_id = %(store_id)s AND unblocked_at IS NULL ORDER BY block_id;
