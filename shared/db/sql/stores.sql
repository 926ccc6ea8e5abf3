-- name: find_store
-- A store by its name.
SELECT store_id, name FROM store WHERE name = %(name)s;

-- name: list_stores
-- Every store with the version of its layout, none when it has no layout.
SELECT store.store_id, store.name, max(layout.version)
FROM store LEFT JOIN store_layout AS layout USING (store_id)
GROUP BY store.store_id
ORDER BY store.name;

-- name: ensure_store
-- A store by its name, made when it is new; held until the transaction ends.
INSERT INTO store (name) VALUES (%(name)s)
ON CONFLICT ON CONSTRAINT store_names_are_unique DO UPDATE SET name = excluded.name
RETURNING store_id, name;
