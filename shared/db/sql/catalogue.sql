-- name: lock_catalogue
-- One writer of the catalogue at a time; readers do not wait. The key is the word "products" in ASCII.
SELECT pg_advisory_xact_lock(8102661156849808499);

-- name: list_products_by_codes
-- Products that any of these normalised codes leads to, whole.
SELECT product.product_id, product.gtin, product.barcode,
       ARRAY(SELECT code FROM product_code WHERE product_code.product_id = product.product_id) AS codes,
       product.name, product.brand, product.quantity_text,
       product.price_minor, product.discounted_price_minor, product.price_is_estimated, product.tax_rate_bp,
       product.offer_name, product.weight_g, product.expiry, category.name AS category, product.image,
       ARRAY(SELECT food_type.name FROM product_food_type JOIN food_type USING (food_type_id)
             WHERE product_food_type.product_id = product.product_id) AS food_types,
       ARRAY(SELECT allergen.code FROM product_allergen JOIN allergen USING (allergen_id)
             WHERE product_allergen.product_id = product.product_id AND NOT product_allergen.traces_only) AS allergens,
       ARRAY(SELECT allergen.code FROM product_allergen JOIN allergen USING (allergen_id)
             WHERE product_allergen.product_id = product.product_id AND product_allergen.traces_only) AS traces,
       product.allergens_are_known
FROM product LEFT JOIN category USING (category_id)
WHERE product.product_id IN (SELECT product_id FROM product_code WHERE code = ANY (%(codes)s::text[]));

-- name: list_product_ids_by_codes
-- The product behind each of these normalised codes, for the codes that are known.
SELECT code, product_id FROM product_code WHERE code = ANY (%(codes)s::text[]);

-- name: ensure_categories
-- Categories by name, those that are new.
INSERT INTO category (name) SELECT name FROM unnest(%(names)s::text[]) AS given (name) ORDER BY name
ON CONFLICT ON CONSTRAINT category_names_are_unique DO NOTHING;

-- name: ensure_food_types
-- Food types by name, those that are new.
INSERT INTO food_type (name) SELECT name FROM unnest(%(names)s::text[]) AS given (name) ORDER BY name
ON CONFLICT ON CONSTRAINT food_type_names_are_unique DO NOTHING;

-- name: insert_products
-- New products without their links; a barcode stands once in a batch, so it tells which is which.
INSERT INTO product (gtin, barcode, name, brand, quantity_text, price_minor, discounted_price_minor,
                     price_is_estimated, tax_rate_bp, offer_name, weight_g, expiry, category_id, image,
                     allergens_are_known, search_text, search_trigrams)
SELECT given.gtin, given.barcode, given.name, given.brand, given.quantity_text, given.price_minor,
       given.discounted_price_minor, given.price_is_estimated, given.tax_rate_bp, given.offer_name, given.weight_g,
       given.expiry, category.category_id, given.image, given.allergens_are_known, given.search_text,
       given.search_trigrams
FROM jsonb_to_recordset(%(products)s::jsonb) AS given (
    gtin text, barcode text, name text, brand text, quantity_text text, price_minor bigint,
    discounted_price_minor bigint, price_is_estimated boolean, tax_rate_bp integer, offer_name text, weight_g integer,
    expiry date, category text, image text, allergens_are_known boolean, search_text text, search_trigrams text[])
LEFT JOIN category ON category.name = given.category
RETURNING barcode, product_id;

-- name: update_products
-- Every column of known products anew, without their links.
UPDATE product
SET gtin = given.gtin, barcode = given.barcode, name = given.name, brand = given.brand,
    quantity_text = given.quantity_text, price_minor = given.price_minor,
    discounted_price_minor = given.discounted_price_minor, price_is_estimated = given.price_is_estimated,
    tax_rate_bp = given.tax_rate_bp, offer_name = given.offer_name, weight_g = given.weight_g, expiry = given.expiry,
    category_id = category.category_id, image = given.image, allergens_are_known = given.allergens_are_known,
    search_text = given.search_text, search_trigrams = given.search_trigrams, updated_at = now()
FROM jsonb_to_recordset(%(products)s::jsonb) AS given (
    product_id integer, gtin text, barcode text, name text, brand text, quantity_text text, price_minor bigint,
    discounted_price_minor bigint, price_is_estimated boolean, tax_rate_bp integer, offer_name text, weight_g integer,
    expiry date, category text, image text, allergens_are_known boolean, search_text text, search_trigrams text[])
LEFT JOIN category ON category.name = given.category
WHERE product.product_id = given.product_id;

-- name: delete_product_links
-- Codes, food types and allergens of these products, before they are written anew.
WITH codes AS (DELETE FROM product_code WHERE product_id = ANY (%(product_ids)s::integer[])),
     food_types AS (DELETE FROM product_food_type WHERE product_id = ANY (%(product_ids)s::integer[]))
DELETE FROM product_allergen WHERE product_id = ANY (%(product_ids)s::integer[]);

-- name: insert_product_links
-- Codes, food types and allergens of products that have none.
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%(links)s::jsonb)
        AS link (product_id integer, codes text[], food_types text[], allergens text[], traces text[])
), codes AS (
    INSERT INTO product_code (code, product_id) SELECT unnest(codes), product_id FROM given
), food_types AS (
    INSERT INTO product_food_type (product_id, food_type_id)
    SELECT given.product_id, food_type.food_type_id FROM given JOIN food_type ON food_type.name = ANY (given.food_types)
)
INSERT INTO product_allergen (product_id, allergen_id, traces_only)
SELECT given.product_id, allergen.allergen_id, NOT allergen.code = ANY (given.allergens)
FROM given JOIN allergen ON allergen.code = ANY (given.allergens || given.traces);

-- name: list_sim_products
-- What a simulated shopper needs to know of each product.
SELECT product.product_id, product.name, product.barcode,
       ARRAY(SELECT code FROM product_code WHERE product_code.product_id = product.product_id ORDER BY code),
       product.price_minor, product.weight_g
FROM product
ORDER BY product.product_id;

-- name: list_recipes
-- Every recipe with its products by number and how many of each it needs.
SELECT recipe.name, coalesce(jsonb_object_agg(product_id, quantity) FILTER (WHERE product_id IS NOT NULL), '{}')
FROM recipe LEFT JOIN recipe_product USING (recipe_id)
GROUP BY recipe.name;

-- name: save_recipes
-- Recipes by name, new or with other products than before: what they need is written anew by insert_recipe_products.
WITH named AS (
    INSERT INTO recipe (name) SELECT unnest(%(names)s::text[])
    ON CONFLICT ON CONSTRAINT recipe_names_are_unique DO NOTHING
)
DELETE FROM recipe_product USING recipe
WHERE recipe_product.recipe_id = recipe.recipe_id AND recipe.name = ANY (%(names)s::text[]);

-- name: insert_recipe_products
-- What recipes that have no products yet need.
INSERT INTO recipe_product (recipe_id, product_id, quantity)
SELECT recipe.recipe_id, given.product_id, given.quantity
FROM unnest(%(names)s::text[], %(product_ids)s::integer[], %(quantities)s::integer[])
    AS given (name, product_id, quantity)
JOIN recipe ON recipe.name = given.name;
