-- name: list_recipes_of_cart
-- Recipes that use a product of the shopper's cart, one row for each such product.
SELECT r.recipe_id, r.name, rp.product_id
FROM recipe_product AS rp JOIN recipe AS r USING (recipe_id)
WHERE rp.product_id IN (SELECT l.product_id FROM cart_session AS s JOIN cart_line AS l USING (session_id)
                        WHERE s.shopper_id = %(shopper_id)s AND s.status = 'open')
ORDER BY r.recipe_id, rp.product_id LIMIT %(limit)s;

-- name: list_recipes_of_checklist
-- Recipes that use a product of the shopper's list, one row for each such product.
SELECT r.recipe_id, r.name, rp.product_id
FROM recipe_product AS rp JOIN recipe AS r USING (recipe_id)
WHERE rp.product_id IN (SELECT product_id FROM checklist_item WHERE shopper_id = %(shopper_id)s)
ORDER BY r.recipe_id, rp.product_id LIMIT %(limit)s;

-- name: find_recipe
-- One recipe.
SELECT recipe_id, name FROM recipe WHERE recipe_id = %(recipe_id)s;

-- name: list_recipe_products
-- What a recipe needs, and how many of it the shopper's cart holds.
SELECT rp.product_id, rp.quantity,
       coalesce((SELECT sum(l.quantity) FROM cart_session AS s JOIN cart_line AS l USING (session_id)
                 WHERE s.shopper_id = %(shopper_id)s AND s.status = 'open' AND l.product_id = rp.product_id), 0)::int
FROM recipe_product AS rp WHERE rp.recipe_id = %(recipe_id)s ORDER BY rp.product_id;
