-- name: insert_block
-- Close a rectangle of floor, or a connector, from now on.
INSERT INTO aisle_block (store_id, floor, x1, y1, x2, y2, connector, note, blocked_by)
VALUES (%(store_id)s, %(floor)s, %(x1)s, %(y1)s, %(x2)s, %(y2)s, %(connector)s, %(note)s, %(by)s)
RETURNING block_id;

-- name: end_block
-- Open again what was closed; changes nothing when it is open already.
UPDATE aisle_block SET unblocked_by = %(by)s, unblocked_at = %(now)s
WHERE block_id = %(block_id)s AND store_id = %(store_id)s AND unblocked_at IS NULL;

-- name: list_blocks
-- What is closed in a store at the moment, with who closed it and when.
SELECT block_id, floor, x1, y1, x2, y2, connector, note, blocked_by, blocked_at
FROM aisle_block
WHERE store_id = %(store_id)s AND unblocked_at IS NULL
ORDER BY block_id;
