-- name: lock_code_senders
-- Senders wait for each other, since all draw on one budget; in key order, so that they never deadlock.
SELECT pg_advisory_xact_lock(key) FROM (SELECT unnest(%(keys)s::bigint[]) AS key ORDER BY key) AS ordered;

-- name: find_code_sends_that_count
-- For each limit of n codes in a time: when the n-th last code in that time was sent, null while there are fewer. Codes
-- from a future that a clock set back has undone count for nothing.
SELECT (SELECT max(sent_at) FROM otp_challenge WHERE phone_hash = %(phone_hash)s AND sent_at <= %(latest)s) AS last_to_number,
       (SELECT sent_at FROM otp_challenge WHERE phone_hash = %(phone_hash)s AND sent_at > %(hour_ago)s AND sent_at <= %(latest)s
        ORDER BY sent_at DESC OFFSET %(per_number_hour)s - 1 LIMIT 1) AS in_an_hour,
       (SELECT sent_at FROM otp_challenge WHERE phone_hash = %(phone_hash)s AND sent_at > %(day_ago)s AND sent_at <= %(latest)s
        ORDER BY sent_at DESC OFFSET %(per_number_day)s - 1 LIMIT 1) AS in_a_day,
       (SELECT sent_at FROM otp_challenge WHERE address_hash = %(address_hash)s AND sent_at > %(hour_ago)s AND sent_at <= %(latest)s
        ORDER BY sent_at DESC OFFSET %(per_address_hour)s - 1 LIMIT 1) AS from_address,
       (SELECT sent_at FROM otp_challenge WHERE sent_at > %(minute_ago)s AND sent_at <= %(latest)s
        ORDER BY sent_at DESC OFFSET %(per_minute)s - 1 LIMIT 1) AS by_everybody;

-- name: insert_challenge
-- A code that has been drawn for a number.
INSERT INTO otp_challenge (challenge_id, phone_hash, code_hash, sent_at, expires_at, address_hash)
VALUES (%(challenge_id)s, %(phone_hash)s, %(code_hash)s, %(now)s, %(expires_at)s, %(address_hash)s);

-- name: find_newest_challenge
-- The challenge that counts for a number: the last one drawn, whatever the clock said.
SELECT challenge_id FROM otp_challenge WHERE phone_hash = %(phone_hash)s ORDER BY challenge_number DESC LIMIT 1;

-- name: try_code
-- Uses up one try, and the challenge when the code fits; no row when the challenge is used, over (by the
-- clock or by running time, which nobody sets) or out of tries.
UPDATE otp_challenge
SET tries   = tries + 1,
    used_at = CASE WHEN code_hash = %(code_hash)s THEN %(now)s::timestamptz END
WHERE challenge_id = %(challenge_id)s
  AND used_at IS NULL AND expires_at > %(now)s AND tries < %(max_tries)s
  AND running_s() - sent_s < extract(epoch FROM expires_at - sent_at)
RETURNING used_at IS NOT NULL AS accepted;

-- name: find_exhausted_challenge
-- When a challenge ends that would still count, had its tries not been used up.
SELECT expires_at FROM otp_challenge
WHERE challenge_id = %(challenge_id)s AND used_at IS NULL AND expires_at > %(now)s AND tries >= %(max_tries)s;

-- name: count_code_failure
-- One more wrong code for a number; a row whose month is over begins anew.
INSERT INTO otp_failure AS f (phone_hash, failures, since) VALUES (%(phone_hash)s, 1, %(now)s)
ON CONFLICT (phone_hash) DO UPDATE
SET failures = CASE WHEN f.since < %(window_start)s THEN 1 ELSE f.failures + 1 END,
    since    = CASE WHEN f.since < %(window_start)s THEN excluded.since ELSE f.since END;

-- name: find_code_failures
-- Wrong codes in a row for a number since the window began.
SELECT failures, since FROM otp_failure WHERE phone_hash = %(phone_hash)s AND since >= %(window_start)s;

-- name: forget_code_failures
-- A right code ends the row of wrong ones.
DELETE FROM otp_failure WHERE phone_hash = %(phone_hash)s;

-- name: delete_old_challenges
-- Retention: a challenge is of no use after its hour of counting.
DELETE FROM otp_challenge WHERE ctid = ANY(ARRAY(SELECT ctid FROM otp_challenge WHERE sent_at < %(before)s LIMIT %(limit)s));

-- name: delete_old_code_failures
-- Retention: rows of failures whose month is over.
DELETE FROM otp_failure WHERE ctid = ANY(ARRAY(SELECT ctid FROM otp_failure WHERE since < %(before)s LIMIT %(limit)s));
