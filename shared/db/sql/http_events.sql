-- name: find_cart_credential
-- What a cart's secret is checked against.
SELECT s.name AS store, c.secret_hash, c.previous_secret_hash, c.previous_valid_until
FROM cart AS c JOIN store AS s USING (store_id)
WHERE c.cart_id = %(cart_id)s AND c.revoked_at IS NULL;

-- name: find_code_of_product
-- The code that stands for a product in the log.
SELECT coalesce(gtin, barcode) FROM product WHERE product_id = %(product_id)s;

-- name: find_verdict
-- What the log says about one event.
SELECT verdict, reason FROM cart_event
WHERE cart_id = %(cart_id)s AND epoch = %(epoch)s AND seq = %(seq)s AND sub = 0;
