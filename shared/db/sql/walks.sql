-- name: find_walking_ground
-- The store a shopper is in (of the held cart, else the first), its layout's version, what is closed, where the cart is.
WITH held AS (
    SELECT store_id, cart_id, opened_at FROM cart_session
    WHERE shopper_id = %(shopper_id)s AND status = 'open'
), here AS (
    SELECT coalesce((SELECT store_id FROM held), (SELECT min(store_id) FROM store)) AS store_id
)
SELECT here.store_id,
       (SELECT max(l.version) FROM store_layout AS l WHERE l.store_id = here.store_id) AS layout_version,
       (SELECT jsonb_agg(jsonb_build_array(b.floor, b.x1, b.y1, b.x2, b.y2, b.connector) ORDER BY b.block_id)
        FROM aisle_block AS b WHERE b.store_id = here.store_id AND b.unblocked_at IS NULL) AS closed,
       held.cart_id, held.opened_at, p.floor, p.x, p.y
FROM here LEFT JOIN held ON true LEFT JOIN cart_presence AS p ON p.cart_id = held.cart_id AND p.located_at IS NOT NULL
WHERE here.store_id IS NOT NULL;

-- name: list_stands_of_products
-- Those of the products that there are, with each place where they stand in a store; nulls for one that stands nowhere.
SELECT p.product_id, l.floor, l.x, l.y
FROM product AS p LEFT JOIN product_location AS l ON l.product_id = p.product_id AND l.store_id = %(store_id)s
WHERE p.product_id = ANY (%(product_ids)s::integer[])
ORDER BY l.location_id;
