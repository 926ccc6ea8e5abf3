-- name: list_checklist
-- A shopper's list with what is in the cart already.
SELECT c.checklist_id, c.product_id, c.quantity,
       coalesce((SELECT sum(l.quantity) FROM cart_session AS s JOIN cart_line AS l USING (session_id)
                 WHERE s.shopper_id = c.shopper_id AND s.status = 'open' AND l.product_id = c.product_id), 0)::int AS in_cart
FROM checklist_item AS c WHERE c.shopper_id = %(shopper_id)s ORDER BY c.checklist_id;

-- name: add_to_checklist
-- Adds to what is there; no row when that would be too much.
INSERT INTO checklist_item AS c (shopper_id, product_id, quantity)
VALUES (%(shopper_id)s, %(product_id)s, %(quantity)s)
ON CONFLICT (shopper_id, product_id) DO UPDATE SET quantity = c.quantity + excluded.quantity
WHERE c.quantity + excluded.quantity <= 999
RETURNING checklist_id;

-- name: count_checklist
-- How many products are on a list.
SELECT count(*) FROM checklist_item WHERE shopper_id = %(shopper_id)s;

-- name: remove_from_checklist
-- Takes a product off the list.
DELETE FROM checklist_item WHERE shopper_id = %(shopper_id)s AND product_id = %(product_id)s;

-- name: add_missing_to_checklist
-- Puts what a recipe needs, and neither list nor cart holds, on the list.
INSERT INTO checklist_item (shopper_id, product_id, quantity)
SELECT %(shopper_id)s, product_id, quantity FROM recipe_product
WHERE recipe_id = %(recipe_id)s AND product_id = ANY(%(missing)s::integer[])
ON CONFLICT (shopper_id, product_id) DO NOTHING;
