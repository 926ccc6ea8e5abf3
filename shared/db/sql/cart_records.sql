-- name: lock_carts
-- The rows of these carts, locked in the order of their ids so that no two writers wait for each other.
SELECT c.cart_id, c.store_id, s.name AS store, c.revoked_at IS NOT NULL AS is_revoked,
       c.ack_epoch, c.ack_seq, c.ahead::text AS ahead, c.skipped::text AS skipped, c.gap_since, c.head_sub,
       c.closed_epoch, c.closed_seq, c.closed_sub, c.has_unclaimed, c.version, c.restored
FROM cart c
JOIN store s USING (store_id)
WHERE c.cart_id = ANY(%(cart_ids)s)
ORDER BY c.cart_id
FOR NO KEY UPDATE OF c;

-- name: lock_cart_versions
-- The same lock, for carts whose content may be known already: what of it still holds is told by the version.
SELECT cart_id, version, revoked_at IS NOT NULL AS is_revoked
FROM cart
WHERE cart_id = ANY(%(cart_ids)s::int[])
ORDER BY cart_id
FOR NO KEY UPDATE;

-- name: list_open_sessions
-- The open sessions of these carts.
SELECT session_id, cart_id, shopper_id, opened_at, incomplete, after_epoch, after_seq, after_sub, next_line, measured_g
FROM cart_session
WHERE cart_id = ANY(%(cart_ids)s) AND status = 'open';

-- name: list_session_lines
-- The lines of these sessions in the order of their numbers.
SELECT session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor, unit_weight_g
FROM cart_line
WHERE session_id = ANY(%(session_ids)s)
ORDER BY session_id, line;

-- name: list_session_facts
-- What the log holds of an open session, with what it takes in because nobody had claimed it. An event that names the
-- session may have filled a gap below its beginning, at most a window (10,000) below.
SELECT epoch, seq, sub, type, session_id, verdict, reason, product_id, code, quantity,
       unit_price_minor, unit_paid_minor, unit_weight_g, total_g
FROM cart_event
WHERE cart_id = %(cart_id)s
  AND (epoch, seq, sub) > (%(after_epoch)s, %(after_seq)s - 10000, -1)
  AND (session_id = %(session_id)s
       OR (session_id IS NULL AND (epoch, seq, sub) > (%(after_epoch)s, %(after_seq)s, %(after_sub)s)
           AND type IN ('weight', 'remove') AND verdict IN ('applied', 'refused')
           AND reason IS DISTINCT FROM 'unknown_session'))
ORDER BY epoch, seq, sub;

-- name: find_session_states
-- Whether these sessions of these carts are known, and open.
SELECT s.session_id, s.cart_id, s.status = 'open' AS is_open
FROM cart_session s
JOIN unnest(%(session_ids)s::uuid[], %(cart_ids)s::int[]) AS asked (session_id, cart_id) USING (session_id, cart_id);

-- name: find_priced_products
-- What these codes lead to, at today's price and by today's name.
SELECT pc.code, p.product_id, p.price_minor, coalesce(p.discounted_price_minor, p.price_minor) AS paid_minor, p.weight_g,
       p.name, p.gtin
FROM product_code pc
JOIN product p USING (product_id)
WHERE pc.code = ANY(%(codes)s);

-- name: list_known_payloads
-- The bytes first seen under these numbers.
SELECT e.cart_id, e.epoch, e.seq, e.payload
FROM cart_event e
JOIN unnest(%(cart_ids)s::int[], %(epochs)s::bigint[], %(seqs)s::bigint[]) AS asked (cart_id, epoch, seq)
    USING (cart_id, epoch, seq)
WHERE e.sub = 0;

-- name: copy_events
-- New rows of the log; the primary key is the last word on what is new. Half the server's work of INSERT (measured).
COPY cart_event (cart_id, epoch, seq, sub, source, type, session_id, verdict, reason, product_id, unit_price_minor,
                 unit_paid_minor, unit_weight_g, code, quantity, weight_g, total_g, device_at, ts_suspect, received_at,
                 payload)
FROM STDIN;

-- name: insert_event
-- One new row of the log, for a pipeline, in which COPY is not possible.
INSERT INTO cart_event (cart_id, epoch, seq, sub, source, type, session_id, verdict, reason, product_id,
                        unit_price_minor, unit_paid_minor, unit_weight_g, code, quantity, weight_g, total_g, device_at,
                        ts_suspect, received_at, payload)
VALUES (%(cart_id)s, %(epoch)s, %(seq)s, %(sub)s, %(source)s, %(type)s, %(session_id)s, %(verdict)s, %(reason)s,
        %(product_id)s, %(unit_price_minor)s, %(unit_paid_minor)s, %(unit_weight_g)s, %(code)s, %(quantity)s,
        %(weight_g)s, %(total_g)s, %(device_at)s, %(ts_suspect)s, %(received_at)s, %(payload)s);

-- name: update_verdicts
-- What a session that was folded again decides about older rows of the log.
UPDATE cart_event e
SET session_id = v.session_id, verdict = v.verdict, reason = v.reason
FROM unnest(%(cart_ids)s::int[], %(epochs)s::bigint[], %(seqs)s::bigint[], %(subs)s::int[], %(session_ids)s::uuid[],
            %(verdicts)s::text[], %(reasons)s::text[])
     AS v (cart_id, epoch, seq, sub, session_id, verdict, reason)
WHERE (e.cart_id, e.epoch, e.seq, e.sub) = (v.cart_id, v.epoch, v.seq, v.sub);

-- name: insert_sessions
-- Sessions that begin now, with what is in them already.
INSERT INTO cart_session (session_id, cart_id, store_id, shopper_id, after_epoch, after_seq, after_sub, next_line,
                          total_items, subtotal_minor, total_minor, measured_g, incomplete, opened_at, last_event_at,
                          last_event_s)
SELECT *, %(now)s, %(now)s, running_s()
FROM unnest(%(session_ids)s::uuid[], %(cart_ids)s::int[], %(store_ids)s::int[], %(shopper_ids)s::int[],
            %(after_epochs)s::bigint[], %(after_seqs)s::bigint[], %(after_subs)s::int[], %(next_lines)s::int[],
            %(total_items)s::int[], %(subtotals)s::bigint[], %(totals)s::bigint[], %(measured)s::int[],
            %(incompletes)s::boolean[]);

-- name: update_sessions
-- The totals of sessions that changed.
UPDATE cart_session s
SET next_line = v.next_line, total_items = v.total_items, subtotal_minor = v.subtotal_minor,
    total_minor = v.total_minor, measured_g = v.measured_g, incomplete = s.incomplete OR v.incomplete,
    last_event_at = %(now)s, last_event_s = running_s()
FROM unnest(%(session_ids)s::uuid[], %(next_lines)s::int[], %(total_items)s::int[], %(subtotals)s::bigint[],
            %(totals)s::bigint[], %(measured)s::int[], %(incompletes)s::boolean[])
     AS v (session_id, next_line, total_items, subtotal_minor, total_minor, measured_g, incomplete)
WHERE s.session_id = v.session_id;

-- name: upsert_lines
-- Lines that are new or changed.
INSERT INTO cart_line (session_id, line, product_id, code, quantity, unit_price_minor, unit_paid_minor, unit_weight_g)
SELECT * FROM unnest(%(session_ids)s::uuid[], %(lines)s::int[], %(product_ids)s::int[], %(codes)s::text[],
                     %(quantities)s::int[], %(unit_prices)s::bigint[], %(unit_paids)s::bigint[], %(unit_weights)s::int[])
ON CONFLICT (session_id, line) DO UPDATE
SET product_id = excluded.product_id, code = excluded.code, quantity = excluded.quantity,
    unit_price_minor = excluded.unit_price_minor, unit_paid_minor = excluded.unit_paid_minor,
    unit_weight_g = excluded.unit_weight_g;

-- name: delete_lines
-- Lines that are no longer in their cart.
DELETE FROM cart_line l
USING unnest(%(session_ids)s::uuid[], %(lines)s::int[]) AS v (session_id, line)
WHERE (l.session_id, l.line) = (v.session_id, v.line);

-- name: update_carts
-- The frontier of carts that learned something; their version grows by one.
UPDATE cart c
SET ack_epoch = v.ack_epoch, ack_seq = v.ack_seq, ahead = v.ahead::int8multirange, skipped = v.skipped::int8multirange,
    gap_since = v.gap_since, head_sub = v.head_sub, has_unclaimed = v.has_unclaimed, version = c.version + 1
FROM unnest(%(cart_ids)s::int[], %(ack_epochs)s::bigint[], %(ack_seqs)s::bigint[], %(aheads)s::text[],
            %(skippeds)s::text[], %(gap_sinces)s::timestamptz[], %(head_subs)s::int[], %(unclaimeds)s::boolean[])
     AS v (cart_id, ack_epoch, ack_seq, ahead, skipped, gap_since, head_sub, has_unclaimed)
WHERE c.cart_id = v.cart_id;

-- name: request_publication
-- Carts that repeat themselves have not heard their state: publish it once more, as it is.
WITH held AS MATERIALIZED (
    SELECT cart_id FROM cart WHERE cart_id = ANY(%(cart_ids)s) ORDER BY cart_id FOR NO KEY UPDATE
)
UPDATE cart c
SET published_version = least(c.published_version, c.version - 1)
FROM held
WHERE c.cart_id = held.cart_id;

-- name: count_deliveries
-- Deliveries that a worker has settled; duplicates leave no other trace.
INSERT INTO delivery_count (worker, received, duplicates) VALUES (%(worker)s, %(received)s, %(duplicates)s)
ON CONFLICT (worker) DO UPDATE
SET received = delivery_count.received + excluded.received,
    duplicates = delivery_count.duplicates + excluded.duplicates;
