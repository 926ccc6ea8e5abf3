-- name: record_broker_refusals
-- Add what the broker refused to what it refused before; names of carts that do not exist are left out.
WITH told AS (
    SELECT * FROM unnest(%(cart_ids)s::bigint[], %(acts)s::text[], %(reasons)s::text[], %(topics)s::text[],
                         %(details)s::text[], %(times)s::bigint[])
        AS t (cart_id, act, reason, topic, detail, times)
)
INSERT INTO broker_refusal AS kept (cart_id, act, reason, topic, detail, times, first_at, last_at)
SELECT told.cart_id, told.act, told.reason, told.topic, told.detail, told.times, %(now)s::timestamptz, %(now)s::timestamptz
FROM told JOIN cart USING (cart_id)
ORDER BY told.cart_id, told.act, told.reason, told.topic
ON CONFLICT (cart_id, act, reason, topic) DO UPDATE
SET times = kept.times + excluded.times, last_at = excluded.last_at, detail = excluded.detail;

-- name: trim_broker_refusals
-- Keep the newest rows of these carts, and nothing of anybody that is older than two weeks.
DELETE FROM broker_refusal AS old
USING (
    SELECT cart_id, act, reason, topic,
           row_number() OVER (PARTITION BY cart_id ORDER BY last_at DESC, act, reason, topic) AS place
    FROM broker_refusal WHERE cart_id = ANY(%(cart_ids)s)
    UNION ALL
    SELECT cart_id, act, reason, topic, NULL FROM broker_refusal WHERE last_at < %(now)s::timestamptz - interval '14 days'
) AS listed
WHERE (old.cart_id, old.act, old.reason, old.topic) = (listed.cart_id, listed.act, listed.reason, listed.topic)
  AND (listed.place IS NULL OR listed.place > %(keep)s);

-- name: list_broker_refusals
-- What the broker refused a cart, the newest first.
SELECT act, reason, topic, detail, times, first_at, last_at
FROM broker_refusal
WHERE cart_id = %(cart_id)s
ORDER BY last_at DESC, act, reason, topic;
