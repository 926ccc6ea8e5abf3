-- name: list_products
-- Products by id.
SELECT p.product_id, p.name, p.brand, p.price_minor, p.discounted_price_minor, p.barcode, p.weight_g, p.expiry,
       p.category_id, p.offer_name, p.image
FROM product AS p WHERE p.product_id = ANY(%(product_ids)s);

-- name: find_product_detail
-- One product with its category, food types and allergens, and a shopper's own allergens (none without a shopper).
SELECT p.product_id, p.name, p.brand, p.price_minor, p.discounted_price_minor, p.barcode, p.weight_g, p.expiry,
       p.category_id, p.offer_name, p.image, p.gtin, p.quantity_text, p.price_is_estimated, p.allergens_are_known,
       c.name AS category_name,
       ARRAY(SELECT jsonb_build_object('id', f.food_type_id, 'name', f.name)
             FROM product_food_type AS pf JOIN food_type AS f USING (food_type_id)
             WHERE pf.product_id = p.product_id ORDER BY f.food_type_id) AS food_types,
       ARRAY(SELECT jsonb_build_object('id', a.allergen_id, 'name', a.name, 'traces_only', pa.traces_only)
             FROM product_allergen AS pa JOIN allergen AS a USING (allergen_id)
             WHERE pa.product_id = p.product_id ORDER BY a.allergen_id) AS allergens,
       ARRAY(SELECT jsonb_build_object('id', a.allergen_id, 'name', a.name)
             FROM shopper_allergen AS sa JOIN allergen AS a USING (allergen_id)
             WHERE sa.shopper_id = %(shopper_id)s ORDER BY sa.position) AS own_allergens
FROM product AS p LEFT JOIN category AS c USING (category_id)
WHERE p.product_id = %(product_id)s;

-- name: find_product_ids_by_codes
-- Which products these normalised codes lead to, in the order asked.
SELECT product_id FROM product_code WHERE code = ANY (%(codes)s::text[])
ORDER BY array_position(%(codes)s::text[], code);

-- name: list_offers
-- Products with an offer or a lowered price, after a product.
SELECT p.product_id, p.name, p.brand, p.price_minor, p.discounted_price_minor, p.barcode, p.weight_g, p.expiry,
       p.category_id, p.offer_name, p.image
FROM product AS p
WHERE (p.offer_name IS NOT NULL OR p.discounted_price_minor IS NOT NULL)
  AND (p.offer_name IS NOT NULL OR p.discounted_price_minor < p.price_minor)
  AND p.product_id > %(after)s
ORDER BY p.product_id LIMIT %(limit)s;

-- name: list_food_types
-- Every food type.
SELECT food_type_id, name FROM food_type ORDER BY food_type_id;

-- name: list_categories
-- Every category.
SELECT category_id, name FROM category ORDER BY category_id;

-- name: list_allergens
-- Every allergen.
SELECT allergen_id, name FROM allergen ORDER BY allergen_id;

-- name: find_names_version
-- What is remembered of product names holds as long as this is the same.
SELECT names FROM catalogue_version;

-- name: list_names
-- Every name as it is searched, the closest of two that hold the same words first.
SELECT product_id, search_text FROM product ORDER BY cardinality(search_trigrams), product_id;

-- name: find_products_with_version
-- Products by id, with the version of the names; without any product it is one row.
SELECT v.names, p.product_id, p.name, p.brand, p.price_minor, p.discounted_price_minor, p.barcode, p.weight_g, p.expiry,
       p.category_id, p.offer_name, p.image
FROM (SELECT names FROM catalogue_version LIMIT 1) AS v LEFT JOIN product AS p ON p.product_id = ANY(%(product_ids)s::int[]);

-- name: search_products_exactly
-- Products whose names fit every pattern, closest names first; a few of their trigrams are asked of the index.
SELECT product_id
FROM product
WHERE search_trigrams @> %(keys)s::text[] AND ' ' || search_text || ' ' LIKE ALL (%(patterns)s::text[])
ORDER BY cardinality(search_trigrams), product_id LIMIT %(limit)s;

-- name: search_products_roughly
-- Products that share enough trigrams with the query, best first, among those that hold one of its rare ones. A trigram
-- is looked for in the name, its words padded as trigrams see them: half the time of looking in the array.
WITH candidate AS MATERIALIZED (
    SELECT product_id, cardinality(search_trigrams) AS size, '  ' || replace(search_text, ' ', '   ') || ' ' AS padded
    FROM product WHERE search_trigrams && %(rare)s::text[] LIMIT %(candidates)s
), scored AS MATERIALIZED (
    SELECT product_id, size,
           (SELECT count(*) FROM unnest(%(wanted)s::text[]) AS w (trigram) WHERE strpos(padded, trigram) > 0) AS shared
    FROM candidate
)
SELECT p.product_id, p.name, p.brand, p.price_minor, p.discounted_price_minor, p.barcode, p.weight_g, p.expiry,
       p.category_id, p.offer_name, p.image
FROM scored JOIN product AS p USING (product_id)
WHERE shared >= %(needed)s ORDER BY shared DESC, size, p.product_id LIMIT %(limit)s;
