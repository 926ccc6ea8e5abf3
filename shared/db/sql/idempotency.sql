-- name: try_lock_request
-- Whether nobody else works on this key at the moment; held to the end of the transaction.
SELECT pg_try_advisory_xact_lock(hashtextextended(%(key)s, %(shopper_id)s));

-- name: find_first_answer
-- What the first request with this key was, and what it was answered.
SELECT route, request_hash, status, response
FROM idempotency_key WHERE shopper_id = %(shopper_id)s AND key = %(key)s;

-- name: insert_first_answer
-- Keeps the answer, in the transaction of its effect.
INSERT INTO idempotency_key (shopper_id, key, route, request_hash, status, response, created_at)
VALUES (%(shopper_id)s, %(key)s, %(route)s, %(request_hash)s, %(status)s, %(response)s, %(now)s);

-- name: delete_old_answers
-- Retention: a phone repeats a request within a day or not at all.
DELETE FROM idempotency_key WHERE created_at < %(before)s;
