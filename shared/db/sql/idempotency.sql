-- name: try_lock_requests
-- Whether nobody else works on these keys at the moment, in their order; held to the end of the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended(key, shopper_id))
FROM unnest(%(shopper_ids)s::int[], %(keys)s::text[]) WITH ORDINALITY AS asked (shopper_id, key, place)
ORDER BY place;

-- name: find_first_answers
-- What the first requests with these keys were, and what they were answered; in their order, nulls where there is none.
SELECT k.route, k.request_hash, k.status, k.response
FROM unnest(%(shopper_ids)s::int[], %(keys)s::text[]) WITH ORDINALITY AS asked (shopper_id, key, place)
LEFT JOIN idempotency_key AS k USING (shopper_id, key)
ORDER BY place;

-- name: insert_first_answers
-- Keeps answers, in the transaction of their effects.
INSERT INTO idempotency_key (shopper_id, key, route, request_hash, status, response, created_at)
SELECT shopper_id, key, route, request_hash, %(status)s, response, %(now)s
FROM unnest(%(shopper_ids)s::int[], %(keys)s::text[], %(routes)s::text[], %(request_hashes)s::bytea[],
            %(responses)s::bytea[]) AS answered (shopper_id, key, route, request_hash, response);

-- name: delete_old_answers
-- Retention: a phone repeats a request within a day or not at all.
DELETE FROM idempotency_key WHERE ctid = ANY(ARRAY(SELECT ctid FROM idempotency_key WHERE created_at < %(before)s LIMIT %(limit)s));
