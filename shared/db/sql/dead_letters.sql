-- name: insert_dead_letters
-- Keep what could not be accepted; the same bytes on the same topic for the same reason are counted, not kept again. Of
-- one cart, and of all that belongs to none, so many are kept in an hour of running time; gives how many beyond them are
-- left as a number.
WITH given AS (
    SELECT * FROM unnest(%(topics)s::text[], %(cart_ids)s::int[], %(epochs)s::bigint[], %(seqs)s::bigint[],
                         %(reasons)s::text[], %(details)s::text[], %(payloads)s::bytea[], %(payload_bytes)s::int[],
                         %(payload_sha256s)s::bytea[], %(occurrences)s::bigint[])
         AS v (topic, cart_id, epoch, seq, reason, detail, payload, payload_bytes, payload_sha256, occurrences)
), lately AS (
    SELECT g.cart_id, (SELECT count(*) FROM (SELECT FROM dead_letter AS d
                                             WHERE coalesce(d.cart_id, 0) = g.cart_id
                                               AND d.received_s > running_s() - 3600
                                             LIMIT %(per_hour)s) AS kept) AS letters
    FROM (SELECT DISTINCT coalesce(cart_id, 0) AS cart_id FROM given) AS g
), ranked AS (
    SELECT g.*, k.payload_sha256 IS NOT NULL AS is_known, l.letters + row_number() OVER (
               PARTITION BY coalesce(g.cart_id, 0), k.payload_sha256 IS NULL ORDER BY g.payload_sha256) AS place
    FROM given AS g
    JOIN lately AS l ON l.cart_id = coalesce(g.cart_id, 0)
    LEFT JOIN dead_letter AS k USING (payload_sha256, topic, reason)
), kept AS (
    INSERT INTO dead_letter (topic, cart_id, epoch, seq, reason, detail, payload, payload_bytes, payload_sha256,
                             occurrences, received_at, last_seen_at, received_s, last_seen_s)
    SELECT topic, cart_id, epoch, seq, reason, detail, payload, payload_bytes, payload_sha256, occurrences,
           %(now)s, %(now)s, running_s(), running_s()
    FROM ranked
    WHERE is_known OR place <= %(per_hour)s
    ORDER BY payload_sha256, topic, reason
    ON CONFLICT ON CONSTRAINT a_dead_letter_is_kept_once DO UPDATE
    SET occurrences = dead_letter.occurrences + excluded.occurrences, last_seen_at = excluded.last_seen_at,
        last_seen_s = excluded.last_seen_s
)
INSERT INTO delivery_count (worker, unkept)
SELECT 'dead letters', sum(occurrences) FROM ranked WHERE NOT is_known AND place > %(per_hour)s HAVING count(*) > 0
ON CONFLICT (worker) DO UPDATE SET unkept = delivery_count.unkept + excluded.unkept
RETURNING (SELECT sum(occurrences)::bigint FROM ranked WHERE NOT is_known AND place > %(per_hour)s);

-- name: list_dead_letters
-- The newest dead letters first.
SELECT dead_letter_id, topic, cart_id, epoch, seq, reason, detail, payload_bytes, occurrences, received_at,
       last_seen_at, retried_at, outcome
FROM dead_letter
WHERE (%(reason)s::text IS NULL OR reason = %(reason)s) AND (%(before)s::bigint IS NULL OR dead_letter_id < %(before)s)
ORDER BY dead_letter_id DESC
LIMIT %(limit)s;

-- name: find_dead_letter
-- One dead letter with its bytes.
SELECT dead_letter_id, topic, cart_id, epoch, seq, reason, detail, payload_bytes, occurrences, received_at,
       last_seen_at, retried_at, outcome, payload
FROM dead_letter
WHERE dead_letter_id = %(dead_letter_id)s;

-- name: record_retry
-- What became of a dead letter that was tried again.
UPDATE dead_letter SET retried_at = %(now)s, outcome = %(outcome)s WHERE dead_letter_id = %(dead_letter_id)s;

-- name: release_quarantined_number
-- Free the number of a quarantined event so that its repaired reading can take it.
DELETE FROM cart_event
WHERE cart_id = %(cart_id)s AND epoch = %(epoch)s AND seq = %(seq)s AND sub = 0 AND verdict = 'quarantined'
  AND payload = substring(%(payload)s::bytea FOR 4096);

-- name: skip_number
-- Make a number missing again, so that it may come once more: below the frontier given up, beyond it not known.
UPDATE cart
SET skipped = CASE WHEN ack_seq >= %(seq)s THEN skipped + int8multirange(int8range(%(seq)s, %(seq)s, '[]'))
                   ELSE skipped END,
    ahead = ahead - int8multirange(int8range(%(seq)s, %(seq)s, '[]')),
    gap_since = CASE WHEN ahead - int8multirange(int8range(%(seq)s, %(seq)s, '[]')) = '{}' THEN NULL
                     ELSE gap_since END
WHERE cart_id = %(cart_id)s AND ack_epoch = %(epoch)s;

-- name: delete_old_dead_letters
-- Some dead letters older than their keeping time, by the time that nobody sets; what is left of them is their number.
WITH gone AS (
    DELETE FROM dead_letter
    WHERE dead_letter_id IN (SELECT dead_letter_id FROM dead_letter WHERE last_seen_s < running_s() - %(keep_s)s
                             ORDER BY last_seen_s LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING occurrences
)
INSERT INTO delivery_count (worker, forgotten)
SELECT 'housekeeper', sum(occurrences) FROM gone HAVING count(*) > 0
ON CONFLICT (worker) DO UPDATE SET forgotten = delivery_count.forgotten + excluded.forgotten
RETURNING (SELECT count(*) FROM gone);
