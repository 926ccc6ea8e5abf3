-- name: find_store
-- A store by its name.
SELECT store_id, name FROM store WHERE name = %(name)s;

-- name: ensure_store
-- A store by its name, made when it is new; held until the transaction ends.
INSERT INTO store (name) VALUES (%(name)s)
ON CONFLICT ON CONSTRAINT store_names_are_unique DO UPDATE SET name = excluded.name
RETURNING store_id, name;

-- name: lock_plan
-- One writer of a store's layout and locations at a time; readers and checkouts do not wait.
SELECT pg_advisory_xact_lock(1886151022, %(store_id)s);

-- name: find_layout
-- The layout in force.
SELECT version, document FROM store_layout WHERE store_id = %(store_id)s ORDER BY version DESC LIMIT 1;

-- name: insert_layout
-- A further version of a store's layout.
INSERT INTO store_layout (store_id, version, document)
SELECT %(store_id)s, coalesce(max(version), 0) + 1, %(document)s::jsonb
FROM store_layout WHERE store_id = %(store_id)s
RETURNING version;

-- name: save_sections
-- The sections of a store; one that keeps its floor and name keeps its id.
INSERT INTO store_section (store_id, floor, name, x1, y1, x2, y2)
SELECT %(store_id)s, given.floor, given.name, given.x1, given.y1, given.x2, given.y2
FROM unnest(%(floors)s::integer[], %(names)s::text[], %(x1s)s::double precision[], %(y1s)s::double precision[],
            %(x2s)s::double precision[], %(y2s)s::double precision[]) AS given (floor, name, x1, y1, x2, y2)
ON CONFLICT ON CONSTRAINT section_names_are_unique_on_a_floor
DO UPDATE SET x1 = excluded.x1, y1 = excluded.y1, x2 = excluded.x2, y2 = excluded.y2;

-- name: delete_other_sections
-- Sections that the layout no longer has; products in them keep their place.
DELETE FROM store_section
WHERE store_id = %(store_id)s
  AND (floor, name) NOT IN (SELECT * FROM unnest(%(floors)s::integer[], %(names)s::text[]));

-- name: list_sections
-- The sections of a store by floor and name.
SELECT section_id, floor, name, x1, y1, x2, y2 FROM store_section
WHERE store_id = %(store_id)s
ORDER BY floor, name;

-- name: list_locations_of_products
-- Where these products stand in a store.
SELECT location_id, product_id, floor, x, y, section_id, aisle_num, shelf_num FROM product_location
WHERE store_id = %(store_id)s AND product_id = ANY (%(product_ids)s::integer[])
ORDER BY location_id;

-- name: save_locations
-- Places of products, new or with another section, aisle or shelf than before.
INSERT INTO product_location (store_id, product_id, floor, x, y, section_id, aisle_num, shelf_num)
SELECT %(store_id)s, given.product_id, given.floor, given.x, given.y, given.section_id, given.aisle_num, given.shelf_num
FROM unnest(%(product_ids)s::integer[], %(floors)s::integer[], %(xs)s::double precision[], %(ys)s::double precision[],
            %(section_ids)s::integer[], %(aisle_nums)s::text[], %(shelf_nums)s::text[])
    AS given (product_id, floor, x, y, section_id, aisle_num, shelf_num)
ON CONFLICT ON CONSTRAINT a_product_stands_once_in_a_place
DO UPDATE SET section_id = excluded.section_id, aisle_num = excluded.aisle_num, shelf_num = excluded.shelf_num;

-- name: delete_locations
-- Places where products stand no longer.
DELETE FROM product_location WHERE location_id = ANY (%(location_ids)s::integer[]);
